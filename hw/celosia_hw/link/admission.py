"""Admission: a request to the status it is refused with, or the payload that follows."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import REQUEST, Config, InferFlag, Opcode, Status, memories, record
from celosia_hw.layouts import struct

from .header import reading_opcodes

__all__ = ["Admission"]


class Admission(wiring.Component):
    """Judges a request by its header, and by whether its frame continues after it.

    ``status`` is the first that applies, in the order of `celosia.model.link.LinkModel`:

    - UNKNOWN_OPCODE (also CHECKSUM without `Config.checksum`).
    - WRITE, READ, CHECKSUM: UNKNOWN_MEMORY (also WRITE to one that is read only), EMPTY,
      OUT_OF_RANGE when ``address + count`` exceeds the memory's depth.
    - INFER: TOO_MANY_IMAGES, EMPTY, OUT_OF_RANGE when two inputs exceed ``act_depth`` or
      ``address`` exceeds the program.
    - WRITE, INFER: TRUNCATED when the frame has ended. All others: OVERLONG when it has not.
    - OK: the request is admitted.

    A pure function of its inputs, registered after each addition and comparison: outputs are valid
    `latency` cycles after the inputs have become steady, and as long as these are held. No
    back-pressure, and no state but these registers. In reset ``status`` is OK and the others are 0.

    Parameters
    ----------
    config : shape of the engine.

    Members
    -------
    request : In(`REQUEST`)
    ended : In(1), the frame has ended with its header.
    words : In, activation words of the input bank of an INFER.
    status : Out(`Status`)
    input_follows : Out(1), the opcode is INFER: the payload is an input.
    records_follow : Out(1), the opcode is WRITE: the payload is records.
    resets : Out(1), the opcode is RESET.

    Attributes
    ----------
    latency : 3 cycles.
    """

    #: Sums and comparisons with constants; comparisons with sums; the order of checks.
    latency = 3

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "request": In(struct(REQUEST)),
                "ended": In(1),
                "words": In(REQUEST.width_of("count")),
                "status": Out(Status),
                "input_follows": Out(1),
                "records_follow": Out(1),
                "resets": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, request = self.config, self.request
        end = Signal((request.address + request.count).shape(), reset_less=True)
        depth = Signal(range(max(self._record(memory).depth for memory in memories(config)) + 1))
        empty = Signal()
        too_many = Signal()
        # The input of an INFER does not fit twice, or its program's address is none.
        unfit = Signal()
        m.d.sync += [
            end.eq(request.address + request.count),
            depth.eq(0),
            empty.eq(request.count == 0),
            too_many.eq(self._too_many()),
            unfit.eq(
                (self.words > config.act_depth // 2) | (request.address >= config.program_depth)
            ),
        ]
        with m.Switch(request.arg):
            for memory in memories(config):
                with m.Case(memory):
                    m.d.sync += depth.eq(self._record(memory).depth)

        beyond = Signal()
        m.d.sync += [
            beyond.eq(end > depth),
            self.input_follows.eq(request.opcode == Opcode.INFER),
            self.records_follow.eq(request.opcode == Opcode.WRITE),
            self.resets.eq(request.opcode == Opcode.RESET),
        ]

        payload_follows = self.input_follows | self.records_follow
        refusal = self._refusal(m, empty, beyond, too_many, unfit)
        m.d.sync += self.status.eq(refusal)
        with m.If(refusal == Status.OK):
            with m.If(payload_follows & self.ended):
                m.d.sync += self.status.eq(Status.TRUNCATED)
            with m.Elif(~payload_follows & ~self.ended):
                m.d.sync += self.status.eq(Status.OVERLONG)
        return m

    def _too_many(self):
        """More images than rows, or than the one that all rows share."""
        images = self.request.arg & InferFlag.IMAGES_MASK
        if not self.config.convolution:
            return images >= self.config.rows
        stripes = (self.request.arg & InferFlag.STRIPES) != 0
        return (images >= self.config.rows) | (stripes & (images != 0))

    def _refusal(self, m, empty, beyond, too_many, unfit):
        """Why the header alone is refused; `Status.OK` when it is not."""
        refusal = Signal(Status)

        def access(reachable):
            with m.If(~Cat(self.request.arg == memory for memory in reachable).any()):
                m.d.comb += refusal.eq(Status.UNKNOWN_MEMORY)
            with m.Elif(empty):
                m.d.comb += refusal.eq(Status.EMPTY)
            with m.Elif(beyond):
                m.d.comb += refusal.eq(Status.OUT_OF_RANGE)

        with m.Switch(self.request.opcode):
            with m.Case(Opcode.IDENTIFY, Opcode.COUNTERS, Opcode.RESET):
                m.d.comb += refusal.eq(Status.OK)
            with m.Case(Opcode.WRITE):
                every = memories(self.config)
                access([memory for memory in every if self._record(memory).writable])
            with m.Case(*reading_opcodes(self.config)):
                access(memories(self.config))
            with m.Case(Opcode.INFER):
                with m.If(too_many):
                    m.d.comb += refusal.eq(Status.TOO_MANY_IMAGES)
                with m.Elif(empty):
                    m.d.comb += refusal.eq(Status.EMPTY)
                with m.Elif(unfit):
                    m.d.comb += refusal.eq(Status.OUT_OF_RANGE)
            with m.Default():
                m.d.comb += refusal.eq(Status.UNKNOWN_OPCODE)
        return refusal

    def _record(self, memory):
        return record(self.config, memory)
