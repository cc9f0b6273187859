"""Cells for compiled simulation only.

Every copy of a word in every cycle costs time: memories delay their address instead of their data,
and the rows of activations are one wide memory. Bit functions are written for a processor
(`simulation_bits`).
"""

from amaranth import *
from amaranth.lib import memory

from celosia.spec.timing import READ_LATENCY
from celosia_hw.util.delay import delay

from . import portable
from . import simulation_bits as bits
from .portable import (
    CHAINED,
    GATED,
    Product16,
    Product32,
    Products,
    Queue,
    copies,
    delay_line,
    kept_sum,
)

__all__ = [
    "CHAINED",
    "GATED",
    "DualPortMemory",
    "Product16",
    "Product32",
    "Products",
    "Queue",
    "RowMemories",
    "WeightMemory",
    "bits",
    "copies",
    "delay_line",
    "kept_sum",
]

#: From this width in bits on, copying a word takes longer than finding out that it is the same.
_WIDE = 512


class DualPortMemory(portable.DualPortMemory):
    """`celosia_hw.cells.portable.DualPortMemory`, read in the last of its cycles."""

    def elaborate(self, platform):
        m = Module()
        _read(m, self.ports(m), self)
        return m


class WeightMemory(DualPortMemory):
    """`celosia_hw.cells.portable.WeightMemory`."""


class RowMemories(portable.RowMemories):
    """`celosia_hw.cells.portable.RowMemories` as one wide memory."""

    def elaborate(self, platform):
        m = Module()
        m.submodules.storage = storage = memory.Memory(
            shape=self.rows * self.width, depth=self.depth, init=[]
        )
        read_port = storage.read_port()
        write_port = storage.write_port(granularity=self.width)
        _read(m, read_port, self)
        m.d.comb += [
            write_port.addr.eq(self.write_addr),
            write_port.data.eq(self.write_data.replicate(self.rows)),
            write_port.en.eq(self.write_en),
        ]
        return m


def _read(m: Module, port, memory) -> None:
    """Read ``memory`` through ``port``, in the last of its cycles."""
    addr = delay(m, memory.addr, READ_LATENCY - 1, name="addr")
    m.d.comb += [port.addr.eq(addr), memory.data.eq(port.data)]
    if len(memory.data) >= _WIDE:
        # Read only when that can give another word.
        before, written = Signal(len(addr), reset_less=True), Signal(init=1)
        m.d.sync += [before.eq(addr), written.eq(memory.write_en.any())]
        m.d.comb += port.en.eq(written | (addr != before))
