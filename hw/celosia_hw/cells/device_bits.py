"""Bit functions for devices: wide and shallow logic. `simulation_bits` computes the same."""

from amaranth import *
from amaranth.lib import data

__all__ = ["byte_of", "count_ones", "lowest_bit", "one_bit", "take_byte", "two_bits"]


def one_bit(mask: Value) -> Value:
    """1 when exactly one bit of ``mask`` is set."""
    return _tree(mask)[1]


def two_bits(mask: Value) -> Value:
    """1 when exactly two bits of ``mask`` are set."""
    return _tree(mask)[2]


def lowest_bit(m: Module, mask: Value, index: Signal) -> None:
    """Drive ``index`` with the position of ``mask``'s lowest set bit; undefined when it is 0."""
    for bit in reversed(range(len(mask))):
        with m.If(mask[bit]):
            m.d.comb += index.eq(bit)


def count_ones(bits: Value) -> Value:
    """The number of set ``bits``."""
    return sum(bit for bit in bits)


def take_byte(m: Module, byte: Value, words: data.View, registers: data.View) -> None:
    """Register byte ``byte`` of each of ``words``, one index for all of them.

    One decoder serves all words; a variable shift in each would take more logic.
    """
    with m.Switch(byte):
        for n in range(len(words[0])):
            with m.Case(n):
                m.d.sync += [registers[row].eq(words[row][n]) for row in range(len(registers))]


def byte_of(word: Value, byte: Value) -> Value:
    """Byte ``byte`` of ``word``."""
    return word.word_select(byte, 8)


def _tree(mask: Value) -> list[Value]:
    """Whether 0, 1 or 2 bits of ``mask`` are set, as a tree of few levels."""
    counts = [[~bit, bit, Const(0, 1)] for bit in mask]
    while len(counts) > 1:
        pairs = list(zip(counts[::2], counts[1::2], strict=False))
        odd = counts[2 * len(pairs) :]
        counts = [
            [
                a[0] & b[0],
                (a[0] & b[1]) | (a[1] & b[0]),
                (a[0] & b[2]) | (a[1] & b[1]) | (a[2] & b[0]),
            ]
            for a, b in pairs
        ] + odd
    return counts[0]
