"""How fast the engine is simulated, against its bare array in the same run."""

from collections.abc import Callable

from celosia.progress import Progress

from .bare import cycles_per_second
from .row import Row
from .simulate import Measured

__all__ = ["rates"]

_CYCLES = 2_000_000
#: Both are measured in turn and the best of each counts: other programs only slow down.
_ROUNDS = 3


def rates(measure: Callable[[], Measured], progress: Progress) -> list[Row]:
    """Multipliers times simulated cycles per second of both, and the engine's share."""
    engine = bare = 0.0
    for _ in range(_ROUNDS):
        figures = measure().figures
        config, to_rate = figures.config, figures.config.multipliers / 1e6
        engine = max(engine, figures.sim_cycles_per_second * to_rate)
        bare = max(bare, cycles_per_second(config, _CYCLES, progress) * to_rate)
    return [
        Row(name=f"{config}, engine simulated", value=engine, unit="million MAC/s"),
        Row(
            name=f"{config}, bare array simulated",
            value=bare,
            unit="million MAC/s",
            peers="peers 100-200; bare arrays by coding style 162-534",
        ),
        Row(name=f"{config}, engine to bare array", value=100 * engine / bare, unit="%"),
    ]
