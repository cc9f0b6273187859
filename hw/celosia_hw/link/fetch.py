"""Fetch: the records of a READ, one address after the other."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import REQUEST, TRAILER, Config, Memory, memories, record
from celosia.spec.timing import RECORD_LATENCY
from celosia_hw.layouts import frame_part, struct

__all__ = ["Fetch"]


class Fetch(wiring.Component):
    """Reads records ``address`` to ``address + count - 1`` of the memory ``arg``.

    Activation records count through all rows: ``row = record // act_depth`` and
    ``addr = record % act_depth`` (`celosia.model.memories.Memories.records`), found by subtraction.
    Other memories are read at ``addr = record``.

    ===================================== ========================================================
    from                                  ``o`` is valid after
    ===================================== ========================================================
    ``start``                             ``RECORD_LATENCY + 3`` cycles, 2 more for each row
    ``o.ready``, the record was sent      ``RECORD_LATENCY + 4`` cycles, 2 more at a row's end
    ===================================== ========================================================

    ``o`` is valid while the record can be read, until it is ready. After the last record
    ``finished`` is 1 for one cycle, that after ``o.ready``. ``reading`` is 1 from the second cycle
    after ``start`` until the one after ``finished``; ``row`` and ``addr`` are held while ``o`` is
    valid. In reset nothing is read.

    Parameters
    ----------
    config : shape of the engine.

    Members
    -------
    request : In(`REQUEST`), a READ that is not refused, from the cycle before ``start`` until
        ``finished``.
    sent : In, records sent before this one; sampled in the cycle before ``o.ready``.
    start : In(1), only while nothing is read.
    o : Out(stream of ``last_word`` in `frame_part`), the index of the record's last link word.
    finished : Out(1)
    reading, row, addr : Out, which record of the memories is read.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "request": In(struct(REQUEST)),
                "sent": In(TRAILER.width_of("count")),
                "start": In(1),
                "o": Out(stream.Signature(frame_part(config)["last_word"].shape)),
                "finished": Out(1),
                "reading": Out(1),
                "row": Out(range(config.rows)),
                "addr": Out(REQUEST.width_of("address")),
            }
        )

    def elaborate(self, platform):
        m = Module()
        request, act_depth = self.request, self.config.act_depth
        # The address is that of a later row.
        beyond = Signal()
        sent_next = Signal.like(self.sent)
        last_record = Signal()
        m.d.sync += [
            beyond.eq((request.arg == Memory.ACTIVATIONS) & (self.addr >= act_depth)),
            sent_next.eq(self.sent + 1),
            last_record.eq(sent_next == request.count),
            self.reading.eq(1),
        ]
        with m.Switch(request.arg):
            for memory in memories(self.config):
                with m.Case(memory):
                    m.d.sync += self.o.payload.eq(record(self.config, memory).words - 1)

        wait = Signal(range(RECORD_LATENCY + 1))
        with m.FSM():
            with m.State("IDLE"):
                m.d.sync += [self.addr.eq(request.address), self.row.eq(0), self.reading.eq(0)]
                with m.If(self.start):
                    m.next = "LOCATE"
            with m.State("LOCATE"):
                m.d.sync += wait.eq(RECORD_LATENCY)
                # `beyond` is being compared.
                m.next = "ROW"
            with m.State("ROW"):
                m.next = "WAIT"
                if self.config.rows > 1:
                    with m.If(beyond):
                        m.d.sync += [self.addr.eq(self.addr - act_depth), self.row.eq(self.row + 1)]
                        m.next = "LOCATE"
            with m.State("WAIT"):
                m.d.comb += self.o.valid.eq(wait == 0)
                with m.If(wait != 0):
                    m.d.sync += wait.eq(wait - 1)
                with m.Elif(self.o.ready):
                    m.next = "NEXT"
            with m.State("NEXT"):
                m.d.sync += self.addr.eq(self.addr + 1)
                m.d.comb += self.finished.eq(last_record)
                with m.If(last_record):
                    m.next = "IDLE"
                with m.Else():
                    m.next = "LOCATE"
        return m
