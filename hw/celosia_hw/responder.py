"""Responder: results, replies and trailers to response frames."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import (
    COUNTERS,
    IDENTITY,
    TRAILER,
    Config,
    Memory,
    Op,
    Opcode,
    Status,
    record,
)
from celosia.spec.link import MAGIC, VERSION
from celosia.spec.timing import RECORD_LATENCY

from .layouts import link_word, struct, word
from .receiver import reply

__all__ = ["Responder", "identity", "read_width", "result"]


def identity(config: Config) -> bytes:
    """Who an engine of shape ``config`` is: its `IDENTITY`."""
    return IDENTITY.pack(
        magic=MAGIC, version=VERSION, ops=sum(1 << op for op in Op), **config.to_dict()
    )


def read_width(config: Config) -> int:
    """Bits of the widest record."""
    return max(8 * record(config, memory).size for memory in Memory)


def result(config: Config) -> data.StructLayout:
    """One word of results for the host; ``frame_end`` on the last one of a run."""
    return data.StructLayout({"data": word(config), "frame_end": 1})


class Responder(wiring.Component):
    """Sends one response frame per request: payload records, then the trailer.

    Results and faults of runs go before `reply`, which the receiver raises only when no run is
    unanswered. One link word per cycle; one cycle between frames; a READ leaves `RECORD_LATENCY`
    cycles between records.

    Members
    -------
    o : Out(stream of `link_word`)
    results : In(stream of `result`)
    fault : In(1), the current run ends with BAD_DESCRIPTOR at ``fault_addr``, and no result
        of it is still to come; fault_taken : Out(1)
    reply : In(stream of `reply`), ready with the trailer's last word.
    answered : Out(1), a run's trailer has been sent.
    flush : In(1), end a run's frame that has begun with ABORTED.
    counters : In(`COUNTERS`); hold : Out(1), they must not change; clear : Out(1)
    reading : Out(1), memories are being read: read_memory, read_row, read_addr : Out,
        read_data : In, `RECORD_LATENCY` cycles later.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "o": Out(stream.Signature(link_word(config))),
                "results": In(stream.Signature(result(config))),
                "fault": In(1),
                "fault_addr": In(range(config.program_depth + 1)),
                "fault_taken": Out(1),
                "reply": In(stream.Signature(reply(config))),
                "answered": Out(1),
                "flush": In(1),
                "counters": In(struct(COUNTERS)),
                "hold": Out(1),
                "clear": Out(1),
                "reading": Out(1),
                "read_memory": Out(Memory),
                "read_row": Out(range(config.rows)),
                "read_addr": Out(24),
                "read_data": In(read_width(config)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self.config
        word_bits = 8 * config.link_bytes
        request = self.reply.payload.request

        # The output register: `send` puts `word` there when `room`.
        room, send, last = Signal(), Signal(), Signal()
        outgoing = Signal(word_bits)
        m.d.comb += room.eq(~self.o.valid | self.o.ready)
        with m.If(room):
            m.d.sync += self.o.valid.eq(send)
            with m.If(send):
                m.d.sync += [self.o.payload.data.eq(outgoing), self.o.payload.last.eq(last)]

        most_words = max(record(config, memory).words for memory in Memory)
        most_words = max(most_words, -(-COUNTERS.size // config.link_bytes))
        n = Signal(range(most_words + 1))  # words sent of this record

        def send_words(bits, words):
            """Send ``words`` link words of ``bits``; returns 1 with the last of them."""
            m.d.comb += send.eq(1)
            # Cases rather than a variable shift, which simulators would work out in every cycle.
            with m.Switch(n):
                for index in range(words):
                    with m.Case(index):
                        m.d.comb += outgoing.eq(bits[index * word_bits :][:word_bits])
            done = Signal()
            m.d.comb += done.eq(room & (n == words - 1))
            with m.If(room):
                m.d.sync += n.eq(Mux(n == words - 1, 0, n + 1))
            return done

        trailer = Signal(struct(TRAILER))
        of_run = Signal()  # the frame being sent is a run's
        sent = Signal(24)  # records of it
        aborted = Signal()

        # A flushed run is nobody's any more: its frame is ended, but not counted as answered.
        with m.If(self.flush):
            m.d.sync += aborted.eq(1)

        m.d.comb += self.read_memory.eq(request.arg[:3])
        wait = Signal(range(RECORD_LATENCY + 1))

        with m.FSM():
            with m.State("IDLE"):
                m.d.sync += [sent.eq(0), aborted.eq(0), of_run.eq(0), trailer.eq(0)]
                with m.If(self.results.valid & ~self.flush):
                    m.d.sync += of_run.eq(1)
                    m.next = "RESULTS"
                with m.Elif(self.fault & ~self.flush):
                    m.d.sync += of_run.eq(1)
                    m.next = "FAULT"
                with m.Elif(self.reply.valid):
                    m.d.sync += [
                        trailer.status.eq(self.reply.payload.status),
                        trailer.opcode.eq(request.opcode),
                        trailer.count.eq(self.reply.payload.stored),
                    ]
                    m.next = "TRAILER"
                    with m.If(self.reply.payload.status == Status.OK):
                        with m.Switch(request.opcode):
                            with m.Case(Opcode.IDENTIFY):
                                m.next = "IDENTITY"
                            with m.Case(Opcode.COUNTERS):
                                m.next = "COUNTERS"
                            with m.Case(Opcode.READ):
                                m.d.sync += [self.read_addr.eq(request.address)]
                                m.next = "LOCATE"
            with m.State("RESULTS"):
                m.d.sync += [
                    trailer.status.eq(Status.OK),
                    trailer.opcode.eq(Opcode.INFER),
                    trailer.count.eq(sent),
                ]
                with m.If(aborted | self.flush):
                    m.d.sync += [trailer.status.eq(Status.ABORTED), trailer.count.eq(0), n.eq(0)]
                    m.next = "TRAILER"
                with m.Elif(self.results.valid):
                    done = send_words(
                        self.results.payload.data.as_value(),
                        record(config, Memory.ACTIVATIONS).words,
                    )
                    with m.If(done):
                        m.d.comb += self.results.ready.eq(1)
                        m.d.sync += [sent.eq(sent + 1), trailer.count.eq(sent + 1)]
                        with m.If(self.results.payload.frame_end):
                            m.next = "TRAILER"
                with m.Elif(self.fault):
                    m.next = "FAULT"
            with m.State("FAULT"):
                m.d.comb += self.fault_taken.eq(1)
                m.d.sync += [
                    trailer.status.eq(Status.BAD_DESCRIPTOR),
                    trailer.opcode.eq(Opcode.INFER),
                    trailer.info.eq(self.fault_addr),
                    trailer.count.eq(0),
                ]
                m.next = "TRAILER"
            with m.State("IDENTITY"):
                done = send_words(
                    Const(int.from_bytes(identity(config), "little"), 8 * IDENTITY.size),
                    -(-IDENTITY.size // config.link_bytes),
                )
                with m.If(done):
                    m.next = "TRAILER"
            with m.State("COUNTERS"):
                m.d.comb += self.hold.eq(1)
                done = send_words(self.counters.as_value(), -(-COUNTERS.size // config.link_bytes))
                with m.If(done):
                    m.d.comb += self.clear.eq(request.arg[0])
                    m.next = "TRAILER"
            with m.State("LOCATE"):
                m.d.comb += self.reading.eq(1)
                m.d.sync += wait.eq(0)
                m.next = "READ"
                if config.rows > 1:
                    # Activation records count through all rows.
                    with m.If(
                        (self.read_memory == Memory.ACTIVATIONS)
                        & (self.read_addr >= config.act_depth)
                    ):
                        m.d.sync += [
                            self.read_addr.eq(self.read_addr - config.act_depth),
                            self.read_row.eq(self.read_row + 1),
                        ]
                        m.next = "LOCATE"
            with m.State("READ"):
                m.d.comb += self.reading.eq(1)
                with m.If(wait != RECORD_LATENCY):
                    m.d.sync += wait.eq(wait + 1)
                with m.Else():
                    done = Signal()
                    with m.Switch(self.read_memory):
                        for memory in Memory:
                            one = record(config, memory)
                            with m.Case(memory):
                                m.d.comb += done.eq(
                                    send_words(self.read_data[: 8 * one.size], one.words)
                                )
                    with m.If(done):
                        m.d.sync += [
                            sent.eq(sent + 1),
                            trailer.count.eq(sent + 1),
                            self.read_addr.eq(self.read_addr + 1),
                        ]
                        m.next = "LOCATE"
                        with m.If(sent == request.count - 1):
                            m.d.sync += self.read_row.eq(0)
                            m.next = "TRAILER"
            with m.State("TRAILER"):
                m.d.comb += last.eq(n == -(-TRAILER.size // config.link_bytes) - 1)
                done = send_words(trailer.as_value(), -(-TRAILER.size // config.link_bytes))
                with m.If(done):
                    m.d.comb += [
                        self.answered.eq(of_run & ~aborted & ~self.flush),
                        self.reply.ready.eq(~of_run),
                    ]
                    m.next = "IDLE"
        return m
