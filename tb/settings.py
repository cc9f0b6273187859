"""What the runner tells a bench inside the simulator, carried by environment variables."""

import json
import os
import zlib

import numpy as np

from celosia.spec import Config

__all__ = ["amount", "config", "environment", "rng", "seed", "stalls"]

_CONFIG, _SEED, _STALL = "CELOSIA_TB_CONFIG", "CELOSIA_TB_SEED", "CELOSIA_TB_STALL"
_QUICK = "CELOSIA_TB_QUICK"
#: Probability of a stall on (input, output) in the benches that sweep it.
_SWEEP = ((0.0, 0.0), (0.6, 0.0), (0.0, 0.6), (0.4, 0.5))


def environment(config: Config, seed: int, stall: float | None, quick: bool) -> dict[str, str]:
    """The variables of one bench; the functions below read them back."""
    variables = {_CONFIG: json.dumps(config.to_dict()), _SEED: str(seed), _QUICK: str(int(quick))}
    return variables | ({} if stall is None else {_STALL: str(stall)})


def config() -> Config:
    """Configuration of the engine, or of the engine the block belongs to."""
    return Config.from_dict(json.loads(os.environ[_CONFIG]))


def seed() -> int:
    return int(os.environ[_SEED])


def rng(name: str) -> np.random.Generator:
    """The random generator of the test ``name``, whatever tests run besides it."""
    return np.random.default_rng([seed(), zlib.crc32(name.encode())])


def amount(full: int) -> int:
    """How often to do what a bench does ``full`` times: a sixth of it in quick runs."""
    return max(1, full // 6) if _quick() else full


def stalls() -> tuple[tuple[float, float], ...]:
    """The (input, output) stalls to test: a sweep, or only the one asked for by STALL."""
    if one := os.environ.get(_STALL):
        return ((float(one), float(one)),)
    return (_SWEEP[0], _SWEEP[-1]) if _quick() else _SWEEP


def _quick() -> bool:
    return os.environ.get(_QUICK) == "1"
