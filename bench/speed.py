"""How fast the engine is simulated, against its bare array in the same run."""

from collections.abc import Callable

from celosia.progress import Progress
from celosia_hw.array import MacArray

from .bare import PlainArray, cycles_per_second
from .row import Row
from .simulate import Measured

__all__ = ["rates"]

_CYCLES = 2_000_000
#: Both are measured in turn and the best of each counts: other programs only slow down.
_ROUNDS = 3


def rates(measure: Callable[[], Measured], progress: Progress) -> list[Row]:
    """Multipliers times simulated cycles per second, and the engine's share of a bare array's.

    There are two bare arrays: the engine's own, written so that simulators vectorize it, and the
    same one with a signal per cell, which is how the arrays of other projects simulate.
    """
    engine = bare = plain = 0.0
    for _ in range(_ROUNDS):
        figures = measure().figures
        config, to_rate = figures.config, figures.config.multipliers / 1e6
        engine = max(engine, figures.sim_cycles_per_second * to_rate)
        bare = max(bare, cycles_per_second(config, MacArray, _CYCLES, progress) * to_rate)
        plain = max(plain, cycles_per_second(config, PlainArray, _CYCLES, progress) * to_rate)
    return [
        Row(
            name=f"{config}, engine simulated",
            value=engine,
            unit="million MAC/s",
            peers="100-200",
        ),
        Row(
            name=f"{config}, bare array simulated",
            value=bare,
            unit="million MAC/s",
            goal=240,
            at_most=False,
            peers="bare arrays of others 130-534, by coding style",
        ),
        Row(
            name=f"{config}, bare array with a signal per cell",
            value=plain,
            unit="million MAC/s",
            goal=240,
            at_most=False,
        ),
        Row(
            name=f"{config}, engine to bare array",
            value=100 * engine / bare,
            unit="%",
            goal=50,
            at_most=False,
        ),
        Row(
            name=f"{config}, engine to bare array with a signal per cell",
            value=100 * engine / plain,
            unit="%",
        ),
    ]
