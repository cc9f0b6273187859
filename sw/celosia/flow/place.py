"""Place and route of a netlist with one seed, and the bitstream if its clock is met."""

import gzip
import json
import math
from dataclasses import dataclass
from pathlib import Path

from celosia.support.cache import keep, kept
from celosia.support.errors import CelosiaError

from .netlist import Netlist
from .store import being_made, key_of, store
from .tools import Program, Watch, Workshop, find, run, unwatched, workshop
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
        known = None if again else kept(facts)
        if known is None or (_share(known) >= 1 and kept(bitstream) is None):
            facts.unlink(missing_ok=True)
            known = _make(netlist, seed, (placer, packer), bitstream, log, watch)
            keep(facts, known)
    share = _share(known)
    return Placed(
        netlist=netlist,
        seed=seed,
        fmax_mhz=share * netlist.design.clock,
        bitstream=bitstream if share >= 1 else None,
        log=log,
        tools=dict(netlist.tools) | {packer.name: packer.version},
    )


def _share(facts: bytes) -> float:
    """Reached clock by requested clock."""
    return json.loads(facts)["share"]


def prepare(netlist: Netlist, seed: int, work: Workshop) -> tuple[object, ...]:
    """Write nextpnr's input files into the folder of ``work``; returns its options for placement.

    Raises
    ------
    CelosiaError : another program has damaged or removed the netlist since it was made.
    """
    family, design = netlist.family, netlist.design
    packed = kept(netlist.path)
    if packed is None:
        raise CelosiaError("damaged", where=str(netlist.path), todo="try again")
    (work.path / "top.json").write_bytes(gzip.decompress(packed))
    (work.path / family.constraints).write_text(design.constraints)
    asked = ("--json", "top.json", "--seed", seed, "--freq", f"{design.clock:.6f}")
    # `place` reads from the report whether the clock is met.
    placing = family.placing(netlist.board, design.technology)
    return (*placing, *asked, "--timing-allow-fail")


def _make(
    netlist: Netlist,
    seed: int,
    programs: tuple[Program, Program],
    bitstream: Path,
    log: Path,
    watch: Watch,
) -> bytes:
    """Write the bitstream, if the clock is met; returns the facts about it, as JSON."""
    family, board, (placer, packer) = netlist.family, netlist.board, programs
    note = f"floorplan: no site for {netlist.unplanned:,} cells, which nextpnr places as it likes\n"
    with workshop() as work:
        log.write_text(note if netlist.unplanned else "")
        asked = prepare(netlist, seed, work)
        stage = f"place and route, seed {seed}"
        run(placer, (*asked, "--report", "report.json", *family.routing), work, log, stage, watch)
        share = clock_share(read_report(work.path / "report.json"))
        if share >= 1:
            run(packer, family.packing(board), work, log, "packing the bitstream", watch)
            keep(bitstream, (work.path / family.bitstream).read_bytes())
        else:
            bitstream.unlink(missing_ok=True)
    return json.dumps({"share": share}).encode()
