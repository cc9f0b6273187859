"""A queue in block RAM, which saves registers and their multiplexer."""

from amaranth import *
from amaranth.lib import memory

__all__ = ["Queue"]


class Queue(Elaboratable):
    """`celosia_hw.cells.portable.Queue`, cycle by cycle the same as `amaranth.lib.fifo.SyncFIFO`.

    The word at ``r_data`` is read from the memory one cycle ahead. A word that is written in that
    same cycle bypasses the memory in a register.
    """

    def __init__(self, *, width: int, depth: int):
        self.width, self.depth = width, depth
        self.w_data, self.w_en, self.w_rdy = Signal(width), Signal(), Signal()
        self.r_data, self.r_en, self.r_rdy = Signal(width), Signal(), Signal()
        self.level = Signal(range(depth + 1))

    def elaborate(self, platform):
        m = Module()
        # A power of two, so that pointers wrap.
        deep = 1 << (self.depth - 1).bit_length()
        m.submodules.storage = storage = memory.Memory(
            shape=self.width, depth=deep, init=[], attrs={"no_rw_check": 1}
        )
        write_port = storage.write_port()
        read_port = storage.read_port()
        produce = Signal(range(deep))  # where the next word is written
        consume = Signal(range(deep))  # where `r_data` is
        next_consume = Signal.like(consume)
        writes = Signal()
        reads = Signal()
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
        bypassed = Signal(self.width, reset_less=True)  # the word written last
        bypass = Signal()  # it is at `consume`, and was not read from the memory
        m.d.sync += bypassed.eq(self.w_data)
        m.d.sync += bypass.eq(writes & (produce == next_consume))
        m.d.comb += self.r_data.eq(Mux(bypass, bypassed, read_port.data))
        return m
