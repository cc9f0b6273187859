"""Functions of bits that wires and processors do unlike ways: the same results for either.

On a device logic is cheap when it is wide and shallow. A compiled simulation is fast with whole
words and without branches, which its processor cannot foresee.
"""

from amaranth import *
from amaranth.lib import data

from . import simulated

__all__ = ["count_ones", "lowest_bit", "one_bit", "take_byte", "two_bits"]


def one_bit(platform, mask: Value) -> Value:
    """Whether exactly one bit of ``mask`` is set."""
    return (mask != 0) & (_without_lowest(mask) == 0) if simulated(platform) else _tree(mask)[1]


def two_bits(platform, mask: Value) -> Value:
    """Whether exactly two bits of ``mask`` are set."""
    if simulated(platform):
        return one_bit(platform, _without_lowest(mask))
    return _tree(mask)[2]


def lowest_bit(m: Module, platform, mask: Value, index: Signal) -> None:
    """Let ``index`` be that of the lowest bit that is set in ``mask``; anything when none is."""
    if simulated(platform):
        m.d.comb += index.eq(count_ones(platform, ~mask & (mask - 1)[: len(mask)]))
        return
    for bit in reversed(range(len(mask))):
        with m.If(mask[bit]):
            m.d.comb += index.eq(bit)


def count_ones(platform, bits: Value) -> Value:
    """How many of ``bits`` are set."""
    if not simulated(platform):
        return sum(bit for bit in bits)
    # Neighbouring counts, side by side in one word, are added all at once.
    counts, size = bits, 1
    while size < len(bits):
        low = sum(((1 << size) - 1) << n for n in range(0, len(bits), 2 * size))
        counts = ((counts & low) + (counts >> size & low))[: len(bits) + 1]
        size *= 2
    return counts


def take_byte(m: Module, platform, byte: Value, words: data.View, registers: data.View) -> None:
    """Register byte ``byte`` of each word of bytes, by one index for all."""
    rows = range(len(registers))
    if simulated(platform):
        m.d.sync += [registers[row].eq(_byte_of(words[row].as_value(), byte)) for row in rows]
        return
    # One selection for all; a variable shift in each would be more logic.
    with m.Switch(byte):
        for n in range(len(words[0])):
            with m.Case(n):
                m.d.sync += [registers[row].eq(words[row][n]) for row in rows]


def _without_lowest(mask: Value) -> Value:
    return mask & (mask - 1)[: len(mask)]


def _byte_of(word: Value, byte: Value) -> Value:
    """A shift of the half, or the quarter, that is no wider than a machine word."""
    for bit in reversed(range(3, len(byte))):
        half = 64 << (bit - 3)
        word = Mux(byte[bit], word[half:], word[:half])
    return word.word_select(byte[:3], 8)


def _tree(mask: Value) -> list:
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
