"""Simulation speed of the engine and of its bare array, measured in the same run."""

import time

import numpy as np

from bench.bare import PlainArray, cycles_per_second, open_bare
from bench.row import Row
from celosia import driver
from celosia.compiler import compile
from celosia.driver.rtl.transport import prepare
from celosia.network.graph import Graph
from celosia.spec import Config
from celosia.support.progress import Progress
from celosia_hw.array.mac_array import MacArray

__all__ = ["rates"]

#: All are measured in turn and the best turn of each counts, because other programs only slow down.
#: So each turn is short, some tenths of a second, and there are many.
_ROUNDS = 20
_IMAGES = 1000
_CYCLES = 400_000


def rates(graph: Graph, config: Config, x: np.ndarray, progress: Progress) -> list[Row]:
    """Multipliers times simulated cycles per second, and the engine's share of a bare array's.

    There are two bare arrays: the engine's own, written so that compilers vectorize it, and one
    with a signal per cell, as other projects write theirs. The engine runs ``graph`` on images of
    ``x``; the time includes all work of the host.
    """
    to_rate = config.multipliers / 1e6
    engine = bare = plain = 0.0
    prepare(config, progress)
    with (
        driver.open("rtl", compile(graph, config)) as device,
        open_bare(config, MacArray, progress) as own,
        open_bare(config, PlainArray, progress) as others,
    ):
        for turn in range(_ROUNDS):
            progress("measuring the speed of simulation", turn, _ROUNDS)
            start = time.perf_counter()
            device.run(x[:_IMAGES])
            engine = max(engine, device.cycles / (time.perf_counter() - start) * to_rate)
            bare = max(bare, cycles_per_second(own, _CYCLES) * to_rate)
            plain = max(plain, cycles_per_second(others, _CYCLES) * to_rate)
    return [
        Row(
            name=f"{config}, engine simulated",
            value=engine,
            unit="million MAC/s",
            goal=200,
            at_most=False,
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
        ),
        Row(
            name=f"{config}, engine to bare array with a signal per cell",
            value=100 * engine / plain,
            unit="%",
        ),
    ]
