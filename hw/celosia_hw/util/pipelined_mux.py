"""A multiplexer of many words over several cycles."""

from amaranth import *
from amaranth.utils import ceil_log2

__all__ = ["mux_latency", "pipelined_mux", "registered_mux"]

#: Words of which one is selected in a cycle.
_RADIX = 4


def mux_latency(count: int) -> int:
    """Cycles that `pipelined_mux` takes to find one of ``count`` words."""
    return (ceil_log2(count) + 1) // 2


def pipelined_mux(m: Module, index: Value, words: list, name: str) -> Value:
    """Word ``index`` of ``words``, `mux_latency` cycles after both last changed.

    No word passes more than two levels of logic between registers, so that words may be far away.
    """
    for step in range(mux_latency(len(words))):
        groups = [words[start : start + _RADIX] for start in range(0, len(words), _RADIX)]
        words = [
            Signal(max(map(len, group)), name=f"{name}_{step}_{n}", reset_less=True)
            for n, group in enumerate(groups)
        ]
        for word, group in zip(words, groups, strict=True):
            registered_mux(m, index[2 * step :][: ceil_log2(len(group))], group, word)
    return words[0]


def registered_mux(m: Module, index: Value, words: list, word: Signal) -> None:
    """Register word ``index`` of ``words`` in ``word``."""
    # Cases rather than a variable shift, which simulators would evaluate in every cycle.
    with m.Switch(index):
        for case, each in enumerate(words):
            with m.Case(case):
                m.d.sync += word.eq(each)
