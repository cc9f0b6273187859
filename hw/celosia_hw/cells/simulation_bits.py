"""Bit functions for compiled simulation: whole machine words and no branches, which a processor
would mispredict. `device_bits` computes the same."""

from amaranth import *
from amaranth.lib import data

__all__ = ["byte_of", "count_ones", "lowest_bit", "one_bit", "take_byte", "two_bits"]


def one_bit(mask: Value) -> Value:
    """1 when exactly one bit of ``mask`` is set."""
    return (mask != 0) & (_without_lowest(mask) == 0)


def two_bits(mask: Value) -> Value:
    """1 when exactly two bits of ``mask`` are set."""
    return one_bit(_without_lowest(mask))


def lowest_bit(m: Module, mask: Value, index: Signal) -> None:
    """Drive ``index`` with the position of ``mask``'s lowest set bit; undefined when it is 0."""
    m.d.comb += index.eq(count_ones(~mask & (mask - 1)[: len(mask)]))


def count_ones(bits: Value) -> Value:
    """The number of set ``bits``: neighbouring counts in one word are added all at once."""
    counts, size = bits, 1
    while size < len(bits):
        low = sum(((1 << size) - 1) << n for n in range(0, len(bits), 2 * size))
        counts = ((counts & low) + (counts >> size & low))[: len(bits) + 1]
        size *= 2
    return counts


def take_byte(m: Module, byte: Value, words: data.View, registers: data.View) -> None:
    """Register byte ``byte`` of each of ``words``, one index for all of them."""
    m.d.sync += [
        registers[row].eq(byte_of(words[row].as_value(), byte)) for row in range(len(registers))
    ]


def _without_lowest(mask: Value) -> Value:
    return mask & (mask - 1)[: len(mask)]


def byte_of(word: Value, byte: Value) -> Value:
    """Byte ``byte`` of ``word``: a shift of its half, or quarter, that is no wider than a machine
    word."""
    for bit in reversed(range(3, len(byte))):
        half = 64 << (bit - 3)
        word = Mux(byte[bit], word[half:], word[:half])
    return word.word_select(byte[:3], 8)
