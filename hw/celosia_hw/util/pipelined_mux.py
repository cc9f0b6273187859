"""One word of many, found over several cycles."""

from amaranth import *
from amaranth.utils import ceil_log2

__all__ = ["pick", "picks", "steps"]

#: Words of which one is picked in a cycle.
_RADIX = 4


def steps(count: int) -> int:
    """Cycles that `picks` takes to find one of ``count`` words."""
    return (ceil_log2(count) + 1) // 2


def picks(m: Module, index: Value, words: list, name: str) -> Value:
    """Word ``index`` of ``words``, `steps` cycles after both have come to stand.

    Words may be far away, because none passes more than two levels of logic between registers.
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
    # Cases rather than a variable shift, which simulators would work out always.
    with m.Switch(index):
        for case, each in enumerate(words):
            with m.Case(case):
                m.d.sync += word.eq(each)
