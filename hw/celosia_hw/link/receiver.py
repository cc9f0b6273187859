"""Receiver: request frames to memory writes, inputs and runs."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from celosia.spec import INPUT_LAYOUT, Config, InferFlag, Status
from celosia_hw.layouts import link_word, memory_write, reply, row_write, run, struct

from .admission import Admission
from .header import Header, bank_words, last_image
from .input_writer import InputWriter
from .memory_writer import MemoryWriter
from .payload import PayloadCounter
from .runs import Runs

__all__ = ["Receiver"]


class Receiver(wiring.Component):
    """Reads request frames, judges them as `celosia.model.link.LinkModel` does, and acts.

    - INFER: each record is written to the activation memory, then the run is queued. Two input
      banks let the next input load while the engine computes, see `Runs`.
    - WRITE: waits until no run is in flight, then stores each record once it is complete, which
      takes a cycle more than its words (`MemoryWriter`). It is answered after the last record.
    - RESET: raises ``flush`` for one cycle, without waiting for runs, then is answered.
    - All others are answered, and refused requests after their frame's end.

    To be answered, a request is handed to the responder through ``reply`` when no run is in flight.

    One link word per cycle, with these exceptions; ``i.ready`` is 0 meanwhile. Cycle 0 is that of
    the header's last word.

    ====== =======================================================================================
    cycle  what happens
    ====== =======================================================================================
    1..3   `Admission` judges the request.
    4      Decision. An input waits until it may be loaded, a WRITE until no run is in flight.
    5      The first word of a payload, or the next one of a refused frame, may be taken.
    ====== =======================================================================================

    While an input is received, ``i`` is ready when no record is held or ``inputs`` takes it. At
    least one cycle lies between an input's last word and the next header; in it the run is queued.
    ``reply.valid`` rises two cycles after the decision or the frame's last word at the earliest;
    the next header is taken from the cycle after ``reply.ready`` on.

    In reset no request has begun, no run is in flight, and the next word is the first one of a
    header. ``inputs`` has to be ready while no run is in flight.

    Parameters
    ----------
    config : shape of the engine.

    Members
    -------
    i : In(stream of `link_word`)
    inputs : Out(stream of `row_write`)
    runs : Out(stream of `run`), never more than two.
    write : Out(`memory_write`)
    reply : Out(stream of `reply`), ready when the response has been sent.
    run_done : In(1), a bank is free again; answered : In(1), a run's response has been sent.
    flush : Out(1); flushes : Out(1), it will be 1 in the next cycle.
    receiving : Out(1), an input is being received.
    idle : Out(1), every request that has begun is answered.
    layout : In(`INPUT_LAYOUT`), with convolution only.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(link_word(config))),
                "inputs": Out(stream.Signature(row_write(config))),
                "runs": Out(stream.Signature(run(config))),
                "write": Out(memory_write(config)),
                "reply": Out(stream.Signature(reply(config))),
                "run_done": In(1),
                "answered": In(1),
                "flush": Out(1),
                "flushes": Out(1),
                "receiving": Out(1),
                "idle": Out(1),
                **({"layout": In(struct(INPUT_LAYOUT))} if config.convolution else {}),
            }
        )

        self._header = Header(config)
        self._admission = Admission(config)
        self._payload = PayloadCounter(config)
        self._inputs = InputWriter(config)
        self._memories = MemoryWriter(config)
        self._runs = Runs(config)

    def elaborate(self, platform):
        m = Module()
        m.submodules.header = header = self._header
        m.submodules.admission = admission = self._admission
        m.submodules.payload = self._payload
        m.submodules.inputs = inputs = self._inputs
        m.submodules.memories = memories = self._memories
        m.submodules.in_flight = runs = self._runs
        # All that depends on the request is loaded until it is decided upon.
        load = Signal()
        # To be answered.
        status = Signal(Status)
        self._connect(m, load, status)
        with m.FSM():
            with m.State("HEADER"):
                m.d.comb += [
                    load.eq(1),
                    self.i.ready.eq(1),
                    header.i.valid.eq(self.i.valid),
                    self.idle.eq(runs.idle & ~header.begun),
                ]
                m.d.sync += status.eq(Status.TRUNCATED)
                with m.If(header.complete):
                    m.next = "ADMISSION_0"
                with m.Elif(header.truncated):
                    m.next = "REPLY"
            for cycle in range(admission.latency):
                with m.State(f"ADMISSION_{cycle}"):
                    m.d.comb += load.eq(1)
                    final = cycle == admission.latency - 1
                    m.next = "DECISION" if final else f"ADMISSION_{cycle + 1}"
            with m.State("DECISION"):
                m.d.sync += status.eq(admission.status)
                self._decide(m)
            with m.State("PAYLOAD"):
                self._take_payload(m, status)
            with m.State("QUEUE"):
                # The last record leaves in this cycle at the latest; the run reads it later.
                m.d.comb += runs.queue.eq(inputs.i.ready)
                with m.If(self.runs.valid & self.runs.ready):
                    m.next = "HEADER"
            with m.State("FLUSH"):
                m.d.comb += self.flushes.eq(1)
                m.next = "FLUSHED"
            with m.State("FLUSHED"):
                # What runs still report in this cycle is ignored.
                m.d.comb += runs.clear.eq(1)
                m.next = "REPLY"
            with m.State("DISCARD"):
                m.d.comb += self.i.ready.eq(1)
                with m.If(self.i.valid & self.i.payload.last):
                    m.next = "REPLY"
            with m.State("REPLY"):
                with m.If(runs.idle & ~memories.busy):
                    m.d.sync += self.reply.valid.eq(1)
                with m.If(self.reply.valid & self.reply.ready):
                    m.d.sync += self.reply.valid.eq(0)
                    m.next = "HEADER"
        return m

    def _connect(self, m, load, status):
        """What does not depend on the state."""
        header, request, admission = self._header, self._header.request, self._admission
        payload, inputs, memories, runs = self._payload, self._inputs, self._memories, self._runs
        connect(m, inputs.o, flipped(self.inputs))
        connect(m, runs.o, flipped(self.runs))
        m.d.comb += [
            header.i.payload.eq(self.i.payload),
            admission.request.eq(request),
            admission.ended.eq(header.ended),
            payload.request.eq(request),
            payload.input_follows.eq(admission.input_follows),
            payload.load.eq(load),
            inputs.load.eq(load),
            inputs.base.eq(runs.base),
            inputs.last_image.eq(last_image(self.config, request)),
            memories.load.eq(load),
            memories.request.eq(request),
            self.write.eq(memories.write),
            runs.request.eq(request),
            runs.load.eq(self.receiving),
            runs.run_done.eq(self.run_done),
            runs.answered.eq(self.answered),
            self.reply.payload.status.eq(status),
            self.reply.payload.request.eq(request),
            self.reply.payload.stored.eq(memories.stored),
        ]
        words = bank_words(self.config, request, getattr(self, "layout", None))
        m.d.comb += [admission.words.eq(words), runs.words.eq(words)]
        if self.config.convolution:
            m.d.comb += [
                inputs.words.eq(request.count),
                inputs.stripes.eq((request.arg & InferFlag.STRIPES) != 0),
                inputs.layout.eq(self.layout),
            ]
        for writer in (inputs, memories):
            m.d.comb += [
                writer.i.payload.data.eq(self.i.payload.data),
                writer.i.payload.last.eq(payload.record_end),
            ]
        m.d.sync += self.flush.eq(self.flushes)

    def _decide(self, m):
        """Where an admitted or refused request leads to; it is held until there is room for it."""
        admission = self._admission
        with m.If(admission.status != Status.OK):
            self._answer(m, ended=self._header.ended)
        with m.Elif(admission.input_follows):
            with m.If(self._runs.may_load):
                m.next = "PAYLOAD"
        with m.Elif(admission.records_follow):
            with m.If(self._runs.idle):
                m.next = "PAYLOAD"
        with m.Elif(admission.resets):
            m.next = "FLUSH"
        with m.Else():
            m.next = "REPLY"

    def _take_payload(self, m, status):
        """A word of the payload, for the inputs or for the memories."""
        is_input, payload_end = self._admission.input_follows, self._payload.payload_end
        last = self.i.payload.last
        m.d.comb += [
            self.receiving.eq(is_input),
            self.i.ready.eq(Mux(is_input, self._inputs.i.ready, self._memories.i.ready)),
            self._inputs.i.valid.eq(self.i.valid & is_input),
            self._memories.i.valid.eq(self.i.valid & ~is_input),
            self._payload.step.eq(self.i.valid & self.i.ready),
        ]
        at_end = Mux(last, Status.OK, Status.OVERLONG)
        m.d.sync += status.eq(Mux(payload_end, at_end, Status.TRUNCATED))
        with m.If(self._payload.step):
            with m.If(payload_end & last & is_input):
                m.next = "QUEUE"
            with m.Elif(payload_end | last):
                self._answer(m, ended=last)

    def _answer(self, m, *, ended):
        """Answer with the status once the frame has ended, which it has when ``ended`` is 1."""
        with m.If(ended):
            m.next = "REPLY"
        with m.Else():
            m.next = "DISCARD"
