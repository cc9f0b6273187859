"""Coverage of the test suite on the RTL, and the functional points of its benches.

    python -m bench.coverage [--json build/coverage/rtl.json] [--full]

Whole engines and the feeder on maps run the cocotb benches on Verilator, and a board's serial line
its faults; what they cover is merged. A line is one of `celosia_hw`: a statement, or a branch
(``with m.If(...)``), which is covered when it was active in any engine; a state is a branch ``with
m.State(...)``. Toggles and terms of expressions are those of the emitted Verilog, block by block.
Exit status 1 when lines or states are below `LEAST` percent, when a line that is not covered has no
reason in `bench/coverage_waivers.txt`, when a line with a reason is covered, or a point was never
hit.
"""

import argparse
import multiprocessing
import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tb.points import POINTS, VARIABLE

from celosia.cli.console import Console

__all__ = ["LEAST", "Covered", "main", "points_of", "waivers"]

#: Percent of lines and of states.
LEAST = 99.0
_WAIVERS = Path(__file__).with_name("coverage_waivers.txt")
#: Benches of whole engines, with the variants that differ in what is elaborated; and of windows of
#: any kind, most of which no network has.
_JOBS = (
    *(("link", each) for each in ("1x4b1", "2x5b8", "2x6b16", "3x4b4m")),
    ("map_feeder", "3x5m"),
    *(("networks", each) for each in ("3x5m", "4x12l4m")),
    *(("engine", each) for each in ("3x12l6r2", "2x16l8r4s")),
    ("axi", "1x4"),
    ("engine_simulated", "2x7"),
)
_SERIAL = ("serial", "2x4")
#: Of blocks that are not part of an engine of these technologies; their cells have tests of their
#: own, against the portable ones, before and after synthesis (tests/hw/cells).
_CELLS = re.compile(r"cells/(ecp5\w*|gowin|ice40\w*)\.py")

Place = tuple[str, int]


@dataclass
class Covered:
    """What was covered, of one simulation or of several merged.

    Parameters
    ----------
    branches : place -> kind of branch, such as "If" or "State".
    statements : place -> places of the branches that it is in; one of them active covers it.
    active : branches that were active.
    toggles, terms : of each block, how many points there are and how many were hit.
    points : how often each functional point was hit.
    """

    branches: dict[Place, str] = field(default_factory=dict)
    statements: dict[Place, set[Place]] = field(default_factory=dict)
    active: set[Place] = field(default_factory=set)
    toggles: dict[str, list[int]] = field(default_factory=dict)
    terms: dict[str, list[int]] = field(default_factory=dict)
    points: Counter = field(default_factory=Counter)

    def merge(self, other: "Covered") -> None:
        self.branches |= other.branches
        self.active |= other.active
        self.points += other.points
        for place, inside in other.statements.items():
            self.statements.setdefault(place, set()).update(inside)
        for mine, theirs in ((self.toggles, other.toggles), (self.terms, other.terms)):
            for block, counts in theirs.items():
                known = mine.setdefault(block, [0, 0])
                known[0] += counts[0]
                known[1] += counts[1]

    def lines(self) -> dict[Place, bool]:
        """Whether each line under a condition, and each condition, was executed."""
        found = {place: place in self.active for place in self.branches}
        for place, inside in self.statements.items():
            found[place] = found.get(place, False) or bool(inside & self.active)
        return {place: hit for place, hit in found.items() if not _CELLS.match(place[0])}

    def states(self) -> dict[Place, bool]:
        return {p: p in self.active for p, kind in self.branches.items() if kind == "State"}


def points_of(data: str) -> dict[str, list[tuple[str, str, int]]]:
    """Points of a ``coverage.dat`` by kind, as (module, name, count)."""
    found: dict[str, list[tuple[str, str, int]]] = {}
    for line in data.splitlines():
        match = re.match(r"C '(.*)' (\d+)$", line)
        if not match:
            continue
        keys = dict(part.split("\x02", 1) for part in match[1].split("\x01") if "\x02" in part)
        kind, _, module = keys["page"].partition("/")
        found.setdefault(kind, []).append((module, keys["o"], int(match[2])))
    return found


def _covered(source, files: list[Path]) -> Covered:
    """The coverage in ``files`` of simulations of what ``source`` is."""
    from .coverage_build import line_of

    covered = Covered(source.branches, source.statements)
    for file in files:
        by_kind = points_of(file.read_text(errors="replace"))
        for module, name, count in by_kind.get("v_toggle", ()):
            place = line_of(name)
            if place is None:
                _count(covered.toggles, module, count)
            elif count:
                covered.active.add(place)
        for module, _, count in by_kind.get("v_expr", ()):
            _count(covered.terms, module, count)
    return covered


def _count(blocks: dict[str, list[int]], module: str, count: int) -> None:
    # dut.engine.core.feeder.walker$12 -> core.feeder.walker
    name = re.sub(r"\$\d+", "", module)
    name = re.sub(r"^.*?engine\.?", "", name) or "engine"
    counts = blocks.setdefault(".".join(name.split(".")[:3]), [0, 0])
    counts[0] += 1
    counts[1] += count > 0


def measure(bench: str, variant: str, full: bool, root: Path) -> Covered:
    """Run one bench on one engine, in a process of its own."""
    from .coverage_build import instrumented

    with instrumented() as source, tempfile.TemporaryDirectory() as folder:
        points = Path(folder) / "points"
        points.touch()
        os.environ[VARIABLE] = str(points)
        if (bench, variant) == _SERIAL:
            covered = _covered(source, _serial(Path(folder)))
        else:
            from tb.simulators import Job, run

            result = run(Job(bench, variant, "verilator", 2026, quick=not full), root)
            if result.failures:
                raise RuntimeError(f"{bench} {variant}: {result.failures}, log {result.log}")
            covered = _covered(source, [result.log.parent / "coverage.dat"])
        covered.points = Counter(points.read_text().splitlines())
        return covered


def _serial(folder: Path) -> list[Path]:
    """A serial engine whose line loses, doubles, flips and inserts bytes."""
    import ctypes

    import numpy as np
    from tests.helpers.networks import images, network

    from celosia.compiler import compile
    from celosia.driver import Device
    from celosia.driver.serial.transport import SerialTransport
    from celosia.simulated import Faults, RtlDevice, SerialBoard
    from celosia.simulated.rtl import engine_board
    from celosia.spec import Config

    class Counting(RtlDevice):
        """Writes its coverage to the next of ``files`` when it is closed."""

        def close(self) -> None:
            if self._engine:
                files.append(folder / f"{len(files)}.dat")
                write = self._lib.celosia_coverage
                write.argtypes, write.restype = [ctypes.c_void_p, ctypes.c_char_p], None
                write(self._engine, str(files[-1]).encode())
            super().close()

    os.environ["CELOSIA_CACHE"] = str(folder / "cache")
    config, rng = Config.default(2, 4, link_bytes=4, convolution=0), np.random.default_rng(5)
    graph = network(rng, [30, 20, 7])
    image, x = compile(graph, config, emit_all=True), images(rng, graph, 24)
    verilog = engine_board(config)
    files: list[Path] = []
    for rate in (0.0, 0.004):
        with SerialBoard(Counting(verilog), Faults(rate, 11), Faults(rate, 12)) as board:
            # Much shorter than the driver's patience: a packet that is lost is asked for again.
            with Device(SerialTransport(board.port, timeout=5)) as device:
                device.load(image)
                for found, want in zip(device.run_layers(x), graph.evaluate(x), strict=True):
                    assert (found == want).all()
    return files


def waivers() -> dict[str, str]:
    """The text of a line that is not covered, as "core/sequencer.py: with m.If(x):", -> why."""
    found = {}
    for line in _WAIVERS.read_text().splitlines():
        if line and not line.startswith("#"):
            text, _, reason = line.partition("  # ")
            found[text.strip()] = reason.strip()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", metavar="FILE", help="write the figures here")
    parser.add_argument("--full", action="store_true", help="benches as `make sim` runs them")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="side by side")
    parser.add_argument("--build", type=Path, default=Path("build/coverage/rtl"))
    args = parser.parse_args()
    console, total, root = Console(json=args.json), Covered(), args.build.resolve()
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    jobs, failed = [*_JOBS, _SERIAL], []
    context = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(args.jobs, mp_context=context, max_tasks_per_child=1) as pool,
        console.progress() as progress,
    ):
        futures = [pool.submit(measure, *job, args.full, root) for job in jobs]
        for done, future in enumerate(futures, 1):
            try:
                total.merge(future.result())
            except Exception as error:  # what the others cover is shown all the same
                failed.append(f"{' '.join(jobs[done - 1])}: {error}")
            progress(f"{' '.join(jobs[done - 1])} is covered", done, len(jobs))
    document, wrong = judge(total, waivers())
    _show(console, document)
    console.write_json(document)
    for line in [*failed, *wrong]:
        print(f"coverage: {line}", file=sys.stderr)
    return int(bool(failed or wrong))


def judge(total: Covered, reasons: dict[str, str]) -> tuple[dict, list[str]]:
    """The figures, and what is wrong with them."""
    lines, states = total.lines(), total.states()
    missing = {_text(place): place for place, hit in sorted(lines.items()) if not hit}
    files: dict[str, list[int]] = {}
    for (file, _), hit in lines.items():
        counts = files.setdefault(file, [0, 0])
        counts[0] += 1
        counts[1] += hit
    wrong = []
    for name, found in (("lines", lines), ("states", states)):
        if _percent(sum(found.values()), len(found)) < LEAST:
            wrong.append(f"{sum(found.values())} of {len(found)} {name} are below {LEAST} %")
    for text, (file, line) in missing.items():
        if text not in reasons:
            wrong.append(f"{file}:{line} is never executed and has no reason: {text}")
    stale = reasons.keys() - missing.keys()
    wrong += [f"{_WAIVERS.name}: is covered, or there is no such line: {text}" for text in stale]
    empty = (text for text in missing if text in reasons and not reasons[text])
    wrong += [f"{_WAIVERS.name}: no reason for {text}" for text in empty]
    wrong += [f"the point {each!r} was never hit" for each in POINTS if not total.points[each]]
    document = {
        "lines": _figures(sum(lines.values()), len(lines)),
        "states": _figures(sum(states.values()), len(states)),
        "files": {file: _figures(hit, of) for file, (of, hit) in sorted(files.items())},
        "missing": {text: reasons.get(text, "") for text in missing},
        "toggles": {block: _figures(hit, of) for block, (of, hit) in sorted(total.toggles.items())},
        "terms": {block: _figures(hit, of) for block, (of, hit) in sorted(total.terms.items())},
        "points": {each: total.points[each] for each in POINTS},
    }
    return document, wrong


def _text(place: Place) -> str:
    import celosia_hw

    text = (Path(celosia_hw.__file__).parent / place[0]).read_text().splitlines()[place[1] - 1]
    return f"{place[0]}: {text.strip()}"


def _figures(hit: int, of: int) -> dict:
    return {"hit": hit, "of": of, "percent": round(_percent(hit, of), 2)}


def _percent(hit: int, of: int) -> float:
    return 100 * hit / of if of else 100.0


def _show(console: Console, document: dict) -> None:
    rows = [
        (file, f"{f['percent']:.1f} %", f"{f['hit']} of {f['of']}")
        for file, f in document["files"].items()
    ]
    console.table(rows, ("file", "lines", ""))
    for kind in ("toggles", "terms"):
        console.say()
        rows = [
            (block, f"{f['percent']:.1f} %", f"{f['hit']} of {f['of']}")
            for block, f in document[kind].items()
        ]
        console.table(rows, ("block", kind, ""))
    console.say()
    for text, reason in document["missing"].items():
        console.say(f"not executed: {text}  ({reason or 'without a reason'})")
    hit = sum(count > 0 for count in document["points"].values())
    for name in ("lines", "states"):
        f = document[name]
        console.say(f"{name}: {f['hit']} of {f['of']}, {f['percent']:.2f} %")
    console.say(f"functional points: {hit} of {len(document['points'])}")


if __name__ == "__main__":
    raise SystemExit(main())
