"""Synthesis: an elaborated board to a netlist of the family's cells, kept in the cache."""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from celosia.boards import Board
from celosia.support.cache import keep, kept
from celosia.support.errors import CelosiaError

from . import floorplan
from .families import FAMILIES, Family
from .store import being_made, key_of, store
from .tools import Program, Watch, find, run, unwatched, workshop
from .usage import Counts, read_report, too_many

if TYPE_CHECKING:
    from celosia_hw.boards.design import Design

__all__ = ["Netlist", "TooLarge", "synthesize"]


class TooLarge(CelosiaError):
    """The engine needs more cells of some type than the device has."""


@dataclass(frozen=True)
class Netlist:
    """A synthesized board.

    Parameters
    ----------
    board : the board.
    design : its elaborated top level.
    key : hash of everything that determines the netlist and its placement, except the seed.
    path : the netlist in Yosys's JSON, compressed with gzip.
    cells : type -> number of cells after synthesis.
    report : nextpnr's report on the packed netlist: cells used and available.
    tools : name -> version of each tool.
    unplanned : number of cells that the floorplan should place but has no site for.
    """

    board: Board
    design: "Design"
    key: str
    path: Path
    cells: Mapping[str, int]
    report: Mapping
    tools: Mapping[str, str]
    unplanned: int = 0

    @property
    def family(self) -> Family:
        return FAMILIES[self.board.family]

    @property
    def options(self) -> str:
        """The synthesis command, for people."""
        return self.family.synthesis(self.board, self.design.technology)

    @cached_property
    def counts(self) -> Counts:
        return self.family.counts(self.report, self.cells)

    def check_fit(self) -> None:
        """Refuse a netlist that cannot be placed, before nextpnr spends minutes on it.

        Raises
        ------
        TooLarge : the message has each type of cell of which the device has too few.
        """
        found = too_many(self.report)
        if found:
            texts = (f"{n:,} {name} (has {has:,})" for name, (n, has) in found.items())
            raise TooLarge(
                f"the engine needs {' and '.join(texts)}",
                where=self.board.title,
                todo="choose fewer rows or columns, smaller memories or another board",
            )


def synthesize(board: Board, design: "Design", watch: Watch = unwatched) -> Netlist:
    """The netlist of ``design`` for ``board``, from the cache if it is there.

    Raises
    ------
    CelosiaError : a tool is missing or fails, or the cache cannot be written.
    """
    family = FAMILIES[board.family]
    yosys, placer = find("yosys"), find(family.placer)
    script = _script(family.synthesis(board, design.technology))
    plan = family.floorplan(board, design.technology)
    key = key_of(
        *(design.verilog, design.constraints, design.clock, script),
        *(yosys.version, placer.version, *family.placing(board, design.technology)),
        floorplan.version() if plan else "",
    )
    folder = store()
    path, facts = folder / f"{key}.json.gz", folder / f"{key}.facts.json"
    with being_made(key, watch):
        # The facts are written last: with them the netlist is complete.
        known = kept(facts)
        if known is None or kept(path) is None:
            log = folder / f"{key}.log"
            known = _make(board, design, script, (yosys, placer), path, log, watch)
            keep(facts, known)
            log.unlink(missing_ok=True)
    found = json.loads(known)
    tools = {program.name: program.version for program in (yosys, placer)}
    unplanned = found.get("unplanned", 0)
    return Netlist(board, design, key, path, found["cells"], found["report"], tools, unplanned)


def _script(synthesis: str) -> str:
    return f"""\
read_verilog top.v
{synthesis}
tee -q -o top.stat.json stat -json
write_json top.json
"""


def _make(
    board: Board,
    design: "Design",
    script: str,
    programs: tuple[Program, Program],
    path: Path,
    log: Path,
    watch: Watch,
) -> bytes:
    """Write the netlist to ``path``; returns the facts about it, as JSON."""
    family = FAMILIES[board.family]
    yosys, placer = programs
    with workshop() as work:
        folder = work.path
        log.write_text("")
        (folder / "top.v").write_text(design.verilog)
        (folder / "top.ys").write_text(script)
        (folder / family.constraints).write_text(design.constraints)
        run(yosys, ("top.ys",), work, log, "synthesis", watch)
        plan, unplanned = family.floorplan(board, design.technology), 0
        if plan:
            unplanned = floorplan.fix(folder / "top.json", plan)
        placing = family.placing(board, design.technology)
        packing = (*placing, "--pack-only", "--json", "top.json", "--report", "report.json")
        run(placer, packing, work, log, "packing cells", watch)
        stat = json.loads((folder / "top.stat.json").read_bytes())
        report = read_report(folder / "report.json")
        keep(path, gzip.compress((folder / "top.json").read_bytes(), 1, mtime=0))
    facts = {
        "cells": stat["design"]["num_cells_by_type"],
        "report": _short(report),
        "unplanned": unplanned,
    }
    return json.dumps(facts).encode()


def _short(report: dict) -> dict:
    """The report without its paths, which are long."""
    return {name: report[name] for name in ("utilization", "fmax")}
