"""What place and route said of engines on boards: kept with the project, never computed here."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from statistics import median

from celosia.spec import Config
from celosia.support.errors import CelosiaError
from celosia.support.files import atomic_write

from .board import BOARDS

__all__ = ["PLACEMENTS", "Placement", "Result", "load_placements", "save_placements"]

#: The file that is kept with the project; `make report` renews it.
PLACEMENTS = Path(__file__).with_name("placements.json")
_VERSION = 1

#: What `Placement.used` and `Placement.available` count.
_COUNTS = ("luts", "ffs", "multipliers", "block_rams", "single_port_rams")


@dataclass(frozen=True, kw_only=True)
class Result:
    """One run of place and route: highest clock that it reports, for the seed it began with."""

    seed: int
    fmax_mhz: float

    def __post_init__(self):
        if type(self.seed) is not int:
            raise ValueError(f"seed = {self.seed!r} is not an integer")
        _number("fmax_mhz", self.fmax_mhz)


@dataclass(frozen=True, kw_only=True)
class Placement:
    """One engine, placed and routed on one board with one or more seeds.

    Parameters
    ----------
    board, family, device : where.
    config : of the engine, as `Config.to_dict`.
    technology : name of the cells (`celosia_hw.cells`).
    options : of the flow, as words for people.
    clock_mhz : asked for.
    results : of every seed.
    used, available : cells by name: luts, ffs, multipliers, block_rams, single_port_rams. ``used``
        is of the first seed; seeds differ only by a few feed-throughs.
    tools : version of each tool by its name.
    date : year-month-day.

    Raises
    ------
    ValueError : naming the field that makes no sense, with its value.
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

    def __post_init__(self):
        for name in ("board", "family", "device", "technology", "options", "date"):
            if not isinstance(getattr(self, name), str):
                raise ValueError(f"{name} = {getattr(self, name)!r} is no text")
        if self.board not in BOARDS:
            raise ValueError(f"board = {self.board!r} is none of {', '.join(BOARDS)}")
        if self.family != BOARDS[self.board].family:
            raise ValueError(f"family = {self.family!r} is not that of {self.board}")
        _number("clock_mhz", self.clock_mhz)
        if not self.results:
            raise ValueError("results are empty")
        if len({result.seed for result in self.results}) != len(self.results):
            raise ValueError("results name a seed twice")
        for name in ("used", "available"):
            counts = getattr(self, name)
            if not isinstance(counts, Mapping) or set(counts) != set(_COUNTS):
                raise ValueError(f"{name} = {counts!r} does not count {', '.join(_COUNTS)}")
            for key, value in counts.items():
                if type(value) is not int or value < 0:
                    raise ValueError(f"{name} {key} = {value!r} is not an integer of at least 0")
        if not isinstance(self.tools, Mapping) or not all(
            isinstance(value, str) for value in self.tools.values()
        ):
            raise ValueError(f"tools = {self.tools!r} are no versions by name")
        if not isinstance(self.config, Mapping):
            raise ValueError(f"config = {self.config!r} is no configuration")
        Config.from_dict(dict(self.config))

    @property
    def engine(self) -> Config:
        return Config.from_dict(dict(self.config))

    @property
    def fmax_mhz(self) -> float:
        """Median over the seeds."""
        return median(result.fmax_mhz for result in self.results)

    @property
    def met(self) -> bool:
        """Does the median seed reach the clock that was asked for?"""
        return self.fmax_mhz >= self.clock_mhz

    @property
    def key(self) -> tuple:
        """What a newer placement replaces an older one by."""
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
        ValueError : a name is unknown or missing, or a value makes no sense.
        """
        _names(cls, values)
        results = values["results"]
        if not isinstance(results, list | tuple):
            raise ValueError(f"results = {results!r} is no list")
        for each in results:
            _names(Result, each)
        return cls(**(dict(values) | {"results": tuple(Result(**each) for each in results)}))


def load_placements(path: Path | str = PLACEMENTS) -> tuple[Placement, ...]:
    """All placements in a file; none when there is no file.

    Raises
    ------
    CelosiaError : it cannot be read or is damaged; says which entry and what is wrong with it.
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
    """Write all ``placements``, sorted, of equal `Placement.key` the last one.

    Raises
    ------
    CelosiaError : the file cannot be written; the old one is left as it was.
    """
    latest = {each.key: each for each in placements}
    document = {
        "version": _VERSION,
        "placements": [latest[key].to_dict() for key in sorted(latest)],
    }
    atomic_write(path, (json.dumps(document, indent=1, allow_nan=False) + "\n").encode())


def _number(name: str, value: object) -> None:
    if type(value) not in (int, float) or not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name} = {value!r} is not a number above 0")


def _names(cls: type, values: object) -> None:
    names = {each.name for each in fields(cls)}
    if not isinstance(values, Mapping):
        raise ValueError(f"{values!r} is no {cls.__name__.lower()}")
    if set(values) != names:
        raise ValueError(f"names differ: {', '.join(sorted(set(values) ^ names))}")
