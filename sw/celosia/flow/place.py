"""Place and route of a netlist with one seed, and the bitstream if its clock is met."""

import gzip
import json
import math
from dataclasses import dataclass
from pathlib import Path

from celosia.support.cache import CACHE_TODO
from celosia.support.errors import CelosiaError
from celosia.support.files import atomic_write

from .netlist import Netlist
from .store import being_made, key_of, store
from .tools import Program, Watch, find, run, unwatched, workshop
from .usage import clock_share, read_report

__all__ = ["Placed", "TimingFailed", "place", "prepare"]


class TimingFailed(CelosiaError):
    """The placed and routed design does not reach the requested clock."""


@dataclass(frozen=True)
class Placed:
    """A placed and routed netlist.

    Parameters
    ----------
    netlist : the netlist.
    seed : seed of nextpnr's random numbers.
    fmax_mhz : highest clock that nextpnr reports. With several clocks: the requested clock of the
        engine times the smallest ratio of reached to requested clock.
    bitstream : file in the cache; None when the clock is not met.
    log : file in the cache with nextpnr's output.
    tools : name -> version of each tool.
    """

    netlist: Netlist
    seed: int
    fmax_mhz: float
    bitstream: Path | None
    log: Path
    tools: dict[str, str]

    @property
    def met(self) -> bool:
        return self.bitstream is not None

    def check_timing(self) -> None:
        """Refuse a design that does not reach the requested clock.

        Raises
        ------
        TimingFailed : the message has both clocks, and the highest one to request.
        """
        if not self.met:
            reached, clock = self.fmax_mhz, self.netlist.design.clock
            raise TimingFailed(
                f"timing fails: {clock:g} MHz requested, {reached:.2f} MHz reached with seed "
                f"{self.seed}; no bitstream was made",
                where=self.netlist.board.name,
                todo=f"try --clock {math.floor(reached)} or less, another --seed, or a smaller "
                "engine",
            )


def place(netlist: Netlist, seed: int, watch: Watch = unwatched, again: bool = False) -> Placed:
    """Place and route ``netlist``; from the cache if it is there and not ``again``.

    Raises
    ------
    TooLarge : the device has too few cells.
    CelosiaError : a tool is missing or fails, or the cache cannot be written.
    """
    netlist.check_fit()
    family = netlist.family
    placer, packer = find(family.placer), find(family.packer)
    key = key_of(netlist.key, seed, packer.version, *family.packing(netlist.board))
    folder = store()
    facts, log = folder / f"{key}.facts.json", folder / f"{key}.log"
    bitstream = folder / f"{key}{Path(family.bitstream).suffix}"
    with being_made(key, watch):
        # The facts are written last: with them the result is complete.
        if again or not facts.exists():
            facts.unlink(missing_ok=True)
            _make(netlist, seed, (placer, packer), bitstream, facts, log, watch)
    kept = json.loads(facts.read_bytes())
    return Placed(
        netlist=netlist,
        seed=seed,
        fmax_mhz=kept["share"] * netlist.design.clock,
        bitstream=bitstream if kept["share"] >= 1 else None,
        log=log,
        tools=dict(netlist.tools) | {packer.name: packer.version},
    )


def prepare(netlist: Netlist, seed: int, work: Path) -> tuple[object, ...]:
    """Write nextpnr's input files into the folder ``work``; returns its options for placement."""
    family, design = netlist.family, netlist.design
    (work / "top.json").write_bytes(gzip.decompress(netlist.path.read_bytes()))
    (work / family.constraints).write_text(design.constraints)
    asked = ("--json", "top.json", "--seed", seed, "--freq", f"{design.clock:.6f}")
    # `place` reads from the report whether the clock is met.
    return (*family.placing(netlist.board), *asked, "--timing-allow-fail")


def _make(
    netlist: Netlist,
    seed: int,
    programs: tuple[Program, Program],
    bitstream: Path,
    facts: Path,
    log: Path,
    watch: Watch,
) -> None:
    family, board, (placer, packer) = netlist.family, netlist.board, programs
    note = f"floorplan: no site for {netlist.unplanned:,} cells, which nextpnr places as it likes\n"
    log.write_text(note if netlist.unplanned else "")
    with workshop() as work:
        asked = prepare(netlist, seed, work)
        stage = f"place and route, seed {seed}"
        run(placer, (*asked, "--report", "report.json", *family.routing), work, log, stage, watch)
        share = clock_share(read_report(work / "report.json"))
        if share >= 1:
            run(packer, family.packing(board), work, log, "packing the bitstream", watch)
            atomic_write(bitstream, (work / family.bitstream).read_bytes(), todo=CACHE_TODO)
        else:
            bitstream.unlink(missing_ok=True)
    atomic_write(facts, json.dumps({"share": share}).encode(), todo=CACHE_TODO)
