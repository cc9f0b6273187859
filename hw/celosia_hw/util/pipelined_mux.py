"""A multiplexer of many words over several cycles."""

from amaranth import *
from amaranth.utils import ceil_log2

__all__ = ["pick", "picks", "steps"]

#: Words of which one is selected in a cycle.
_RADIX = 4


def steps(count: int) -> int:
    """Cycles that `picks` takes to find one of ``count`` words."""
    return (ceil_log2(count) + 1) // 2


def picks(m: Module, index: Value, words: list, name: str) -> Value:
    """Word ``index`` of ``words``, `steps` cycles after both last changed.

    No word passes more than two levels of logic between registers, so that words may be far away.
    """
    for step in range(steps(len(words))):
        groups = [words[start : start + _RADIX] for start in range(0, len(words), _RADIX)]
        words = [
            Signal(max(map(len, group)), name=f"{name}_{step}_{n}", reset_less=True)
            for n, group in enumerate(groups)
        ]
        for word, group in zip(words, groups, strict=True):
            pick(m, index[2 * step :][: ceil_log2(len(group))], group, word)
    return words[0]


def pick(m: Module, index: Value, words: list, word: Signal) -> None:
    """Register word ``index`` of ``words`` in ``word``."""
    # Cases rather than a variable shift, which simulators would evaluate in every cycle.
    with m.Switch(index):
        for case, each in enumerate(words):
            with m.Case(case):
                m.d.sync += word.eq(each)
