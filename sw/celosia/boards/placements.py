"""Results of place and route for engines on boards, as kept in the project."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from statistics import median
from typing import Any

from celosia.spec import Config
from celosia.support.errors import CelosiaError
from celosia.support.files import atomic_write

from .catalog import BOARDS

__all__ = ["PLACEMENTS", "Placement", "Result", "load_placements", "save_placements"]

#: The project's file of results; ``make report`` updates it.
PLACEMENTS = Path(__file__).with_name("placements.json")
_VERSION = 1

#: Names of the counts in `Placement.used` and `Placement.available`.
_COUNTS = ("luts", "ffs", "multipliers", "block_rams", "single_port_rams")


@dataclass(frozen=True, kw_only=True)
class Result:
    """Result of one run of place and route: its seed, and the highest clock it reports in MHz."""

    seed: int
    fmax_mhz: float

    def __post_init__(self) -> None:
        if type(self.seed) is not int:
            raise ValueError(f"seed = {self.seed!r} is not an integer")
        _number("fmax_mhz", self.fmax_mhz)


@dataclass(frozen=True, kw_only=True)
class Placement:
    """One engine, placed and routed on one board with one or more seeds.

    Parameters
    ----------
    board, family, device : of the FPGA.
    config : of the engine, as `Config.to_dict`.
    technology : name of the cells (`celosia_hw.cells`).
    options : the synthesis command, for people.
    clock_mhz : requested MHz.
    results : one for each seed.
    used, available : number of cells by name: luts, ffs, multipliers, block_rams, single_port_rams.
        ``used`` is that of the first seed; other seeds differ only by a few feed-throughs.
    tools : name -> version of each tool.
    date : year-month-day.

    Raises
    ------
    ValueError : a field has an invalid value; the message has both.
    """

    board: str
    family: str
    device: str
    config: Mapping[str, int] = field(hash=False)
    technology: str
    options: str
    clock_mhz: float
    results: tuple[Result, ...]
    used: Mapping[str, int] = field(hash=False)
    available: Mapping[str, int] = field(hash=False)
    tools: Mapping[str, str] = field(hash=False)
    date: str

    def __post_init__(self) -> None:
        for name in ("board", "family", "device", "technology", "options", "date"):
            if not isinstance(getattr(self, name), str):
                raise ValueError(f"{name} = {getattr(self, name)!r} is not a string")
        if self.board not in BOARDS:
            raise ValueError(f"unknown board {self.board!r}; known: {', '.join(BOARDS)}")
        if self.family != BOARDS[self.board].family:
            raise ValueError(f"family = {self.family!r} is not that of {self.board}")
        _number("clock_mhz", self.clock_mhz)
        if not self.results:
            raise ValueError("results is empty")
        if len({result.seed for result in self.results}) != len(self.results):
            raise ValueError("results has a seed twice")
        for name in ("used", "available"):
            counts = getattr(self, name)
            if not isinstance(counts, Mapping) or set(counts) != set(_COUNTS):
                raise ValueError(f"{name} = {counts!r} is not a count of {', '.join(_COUNTS)}")
            for key, value in counts.items():
                if type(value) is not int or value < 0:
                    raise ValueError(f"{name} {key} = {value!r} is not an integer of at least 0")
        if not isinstance(self.tools, Mapping) or not all(
            isinstance(value, str) for value in self.tools.values()
        ):
            raise ValueError(f"tools = {self.tools!r} is not a version for each name")
        if not isinstance(self.config, Mapping):
            raise ValueError(f"config = {self.config!r} is not a configuration")
        # With every name, whatever file it was read from.
        object.__setattr__(self, "config", self.engine.to_dict())

    @property
    def engine(self) -> Config:
        return Config.from_dict(dict(self.config))

    @property
    def fmax_mhz(self) -> float:
        """Median over the seeds."""
        return median(result.fmax_mhz for result in self.results)

    @property
    def timed(self) -> bool:
        """Whether nextpnr's timing includes all cells: of Gowin's it leaves out the multipliers."""
        return self.family != "gowin"

    @property
    def usable_mhz(self) -> float:
        """`fmax_mhz`; where not all cells are timed at most what was asked for, since
        `fmax_mhz` may be too high."""
        return self.fmax_mhz if self.timed else min(self.fmax_mhz, self.clock_mhz)

    @property
    def met(self) -> bool:
        """Whether the median seed reaches the requested clock."""
        return self.fmax_mhz >= self.clock_mhz

    @property
    def key(self) -> tuple:
        """Identity of the placement: a newer one replaces an older one of equal key."""
        return (self.board, tuple(sorted(self.config.items())), self.technology)

    def to_dict(self) -> dict:
        return asdict(self) | {
            name: dict(getattr(self, name)) for name in ("config", "used", "available", "tools")
        }

    @classmethod
    def from_dict(cls, values: Mapping) -> "Placement":
        """The inverse of `to_dict`.

        Raises
        ------
        ValueError : a name is unknown or missing, or a value is invalid.
        """
        _names(cls, values)
        results = values["results"]
        if not isinstance(results, list | tuple):
            raise ValueError(f"results = {results!r} is not a list")
        for each in results:
            _names(Result, each)
        return cls(**(dict(values) | {"results": tuple(Result(**each) for each in results)}))


def load_placements(path: Path | str = PLACEMENTS) -> tuple[Placement, ...]:
    """All placements in a file; an empty tuple when the file does not exist.

    Raises
    ------
    CelosiaError : it cannot be read or is damaged; the message has the entry and its fault.
    """
    path, todo = Path(path), "renew it with `make report`, or restore it"
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise CelosiaError(f"cannot read: {error.strerror or error}", where=str(path)) from error
    except (ValueError, RecursionError) as error:
        raise CelosiaError(f"is not JSON: {error}", where=str(path), todo=todo) from error
    if not isinstance(document, dict) or document.get("version") != _VERSION:
        raise CelosiaError(
            f"is not a file of placements, version {_VERSION}", where=str(path), todo=todo
        )
    entries = document.get("placements")
    if not isinstance(entries, list):
        raise CelosiaError("has no list of placements", where=str(path), todo=todo)
    placements = []
    for index, entry in enumerate(entries):
        try:
            placements.append(Placement.from_dict(entry))
        except (TypeError, ValueError) as error:
            where = f"{path}, placement {index}"
            raise CelosiaError(str(error), where=where, todo=todo) from error
    return tuple(placements)


def save_placements(placements: Iterable[Placement], path: Path | str = PLACEMENTS) -> None:
    """Write ``placements``, sorted by `Placement.key`; of equal keys the last one.

    Raises
    ------
    CelosiaError : the file cannot be written; the old one is unchanged.
    """
    latest = {each.key: each for each in placements}
    document = {
        "version": _VERSION,
        "placements": [latest[key].to_dict() for key in sorted(latest)],
    }
    atomic_write(path, (json.dumps(document, indent=1, allow_nan=False) + "\n").encode())


def _number(name: str, value: Any) -> None:
    if type(value) not in (int, float) or not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name} = {value!r} is not a positive number")


def _names(cls: type, values: object) -> None:
    names = {each.name for each in fields(cls)}
    if not isinstance(values, Mapping):
        raise ValueError(f"{values!r} is not a {cls.__name__.lower()}")
    if set(values) != names:
        wrong = ", ".join(sorted(set(values) ^ names))
        raise ValueError(f"unknown or missing names: {wrong}")
