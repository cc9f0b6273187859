"""A queue in block RAM, where registers and the choice between them are dear."""

from amaranth import *
from amaranth.lib import memory

__all__ = ["Queue"]


class Queue(Elaboratable):
    """`celosia_hw.cells.portable.Queue`: `amaranth.lib.fifo.SyncFIFO`, cycle by cycle.

    The word that stands at ``r_data`` is read in the cycle before, unless it is written in that
    cycle: then a register has it.
    """

    def __init__(self, *, width: int, depth: int):
        self.width, self.depth = width, depth
        self.w_data, self.w_en, self.w_rdy = Signal(width), Signal(), Signal()
        self.r_data, self.r_en, self.r_rdy = Signal(width), Signal(), Signal()
        self.level = Signal(range(depth + 1))

    def elaborate(self, platform):
        m = Module()
        # Pointers that wrap by themselves.
        deep = 1 << (self.depth - 1).bit_length()
        m.submodules.storage = storage = memory.Memory(
            shape=self.width, depth=deep, init=[], attrs={"no_rw_check": 1}
        )
        write_port, read_port = storage.write_port(), storage.read_port()
        produce, consume = Signal(range(deep)), Signal(range(deep))
        writes, reads, next_consume = Signal(), Signal(), Signal.like(consume)
        m.d.comb += [
            self.w_rdy.eq(self.level != self.depth),
            self.r_rdy.eq(self.level != 0),
            writes.eq(self.w_en & self.w_rdy),
            reads.eq(self.r_en & self.r_rdy),
            next_consume.eq(consume + reads),
            write_port.addr.eq(produce),
            write_port.data.eq(self.w_data),
            write_port.en.eq(writes),
            read_port.addr.eq(next_consume),
        ]
        m.d.sync += [
            produce.eq(produce + writes),
            consume.eq(next_consume),
            self.level.eq(self.level + writes - reads),
        ]
        passed, passes = Signal(self.width, reset_less=True), Signal()
        m.d.sync += passed.eq(self.w_data)
        m.d.sync += passes.eq(writes & (produce == next_consume))
        m.d.comb += self.r_data.eq(Mux(passes, passed, read_port.data))
        return m
