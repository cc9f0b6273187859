"""Engines of a soak: any legal configuration, in any technology's cells."""

from dataclasses import dataclass

import numpy as np

from celosia.spec import Config
from celosia.spec.timing import MULTICYCLE_CYCLES

__all__ = ["Engine", "draw_engine"]

#: Most bytes of all memories: they are the simulating process's, or block RAMs one by one.
_MEMORY, _BLOCK_RAMS = 256 << 20, 64 << 10
#: Most of `_cost` of most engines and of one of `_SELDOM`: a large one takes minutes to compile.
_USUAL, _LARGE, _SELDOM = 320, 900, 25

#: Technology -> family whose cell models its Verilog needs; none for what has no vendor's cells.
_FAMILIES = {
    "simulation": "",
    "portable": "",
    "ecp5": "ecp5",
    "ecp5-packed": "ecp5",
    "ice40": "ice40",
    "gowin": "gowin",
}


_STALLS = (0.0, 0.1, 0.4, 0.8)


@dataclass(frozen=True)
class Engine:
    """An engine to build, and how its streams stall beside a run without stalls.

    Parameters
    ----------
    config : any that is legal and not too large.
    technology : of the cells.
    stalls : probabilities 0..1 of a stall of input and output in a cycle.
    """

    config: Config
    technology: str
    stalls: tuple[float, float]

    def verilog(self) -> str:
        """The Verilog of module ``celosia``, with models of all cells that it instantiates."""
        from celosia_hw.cells.models import models
        from celosia_hw.emit import verilog

        family = _FAMILIES[self.technology]
        return verilog(self.config, self.technology) + (models(family) if family else "")


def draw_engine(rng: np.random.Generator) -> Engine:
    """An engine; of every parameter all legal values are possible, small and extreme ones likely.

    Two of three have convolution, and most of the memories hold a network.
    """
    technology = str(rng.choice(list(_FAMILIES)))
    most = _LARGE if rng.integers(_SELDOM) == 0 else _USUAL
    # Many rows and many columns would be refused as too large too often.
    least = ((12, 4), (1, 64), (1, 4))[min(int(rng.integers(8)), 2)]
    while True:
        try:
            config = _config(rng, *least)
        except ValueError:
            continue
        memory = _BLOCK_RAMS if _FAMILIES[technology] else _MEMORY
        if _cost(config, technology) <= most and _bytes(config) <= memory:
            break
    stalls = float(rng.choice(_STALLS)), float(rng.choice(_STALLS))
    return Engine(config, technology, stalls)


def _config(rng: np.random.Generator, rows: int, cols: int) -> Config:
    """Any configuration of at least ``rows`` and ``cols``."""
    cols = _log(rng, cols, 256)
    if rng.random() < 0.5:
        cols = 1 << (cols - 1).bit_length()
    lanes = int(rng.choice(_divisors(cols)))
    convolution = int(rng.random() < 0.67)
    slots = 1 << (lanes - 1).bit_length()
    deepest = (1 << 16) // slots if convolution else 1 << 16
    # One of eight memories may be too small for any network.
    least = {"weight": 256, "param": 16, "program": 8, "act": 64} if rng.random() < 0.88 else {}
    return Config(
        rows=_log(rng, rows, 32),
        cols=cols,
        lanes=lanes,
        link_bytes=1 << int(rng.integers(6)),
        weight_depth=_log(rng, least.get("weight", 1), 1 << 20),
        param_depth=_log(rng, least.get("param", 1), 1 << 16),
        program_depth=_log(rng, least.get("program", 1), 1 << 12),
        act_depth=_log(rng, min(least.get("act", 2), deepest), deepest),
        tables=int(rng.choice([0, 1, 4, 16, rng.integers(17)])),
        requantizers=int(rng.choice(_divisors(lanes))),
        counter_bits=int(rng.choice([48, 48, 0, rng.integers(1, 49)])),
        requantizer_cycles=int(rng.choice([1, 1, MULTICYCLE_CYCLES])),
        convolution=convolution,
        depthwise=int(convolution and rng.random() < 0.75),
        checksum=int(rng.integers(2)),
    )


def _log(rng: np.random.Generator, low: int, high: int) -> int:
    """low..high, each power of two as likely as the next; the ends now and then."""
    if rng.random() < 0.05:
        return int(rng.choice([low, high]))
    return min(int(low * (high / low) ** rng.random() + rng.random()), high)


def _divisors(n: int) -> list[int]:
    return [d for d in range(1, n + 1) if n % d == 0]


def _cost(config: Config, technology: str) -> int:
    """How long Verilator takes, in about the cost of a multiplier."""
    products = config.multipliers * (3 if _FAMILIES[technology] else 1)
    return products + 4 * config.rows * config.lanes + 12 * config.requantizers


def _bytes(config: Config) -> int:
    return (
        config.weight_depth * config.cols
        + config.param_depth * config.requantizers * 12
        + config.rows * config.act_depth * config.lanes
    )
