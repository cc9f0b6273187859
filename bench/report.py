"""Place and route the declared engines: ``python -m bench.report [--only NAME]... [--force]``.

Two run in parallel. Each result is saved at once, so an interrupted report continues where it
stopped. Results of the same sources and tools come from the cache.
"""

import argparse
import sys
import threading
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path

from bench.engines import ENGINES, SEEDS, Engine
from bench.report_table import report_table
from celosia.boards import PLACEMENTS, board, load_placements, save_placements
from celosia.cli.console import Console
from celosia.flow import Placed, TooLarge, elaborate, place, placement, synthesize
from celosia.support.errors import CelosiaError
from celosia.support.files import atomic_write
from celosia.support.progress import Progress

__all__ = ["REPORT", "main"]

REPORT = Path(__file__).resolve().parents[1] / "docs/boards/report.md"
#: Engines in parallel: nextpnr uses one core most of the time.
_PARALLEL = 2
#: Seconds between two messages of a tool: on a terminal, and in a log.
_TERMINAL_SECONDS, _LOG_SECONDS = 1, 60


def main(argv: list[str] | None = None) -> int:
    """Write the placements and their table; returns 0 when all engines meet their clocks, else 1.

    2: wrong usage or a missing tool; 130: interrupted.
    """
    parser = argparse.ArgumentParser(prog="report", description=__doc__)
    parser.add_argument("--only", action="append", metavar="NAME", help="may be repeated (all)")
    parser.add_argument("--force", action="store_true", help="place again, without the cache")
    parser.add_argument("--list", action="store_true", help="only list the engines")
    args = parser.parse_args(argv)
    console = Console()
    try:
        engines = _chosen(args.only)
        if args.list:
            console.table([(each.name, each.technology, str(each.config)) for each in engines])
            return 0
        with console.progress() as progress:
            problems = _Report(engines, args.force, progress).run()
    except CelosiaError as error:
        print(f"report: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("report: interrupted; continue with `make report`", file=sys.stderr)
        return 130
    placements = load_placements()
    kept = [each for each in placements if any(engine.is_of(each) for engine in ENGINES)]
    if len(kept) < len(placements):
        save_placements(kept)
    atomic_write(REPORT, report_table(kept).encode())
    console.say(f"{PLACEMENTS} and {REPORT}: {len(kept)} engines")
    for problem in problems:
        console.say(problem, "bold red")
    return int(bool(problems))


def _chosen(names: list[str] | None) -> list[Engine]:
    known = {each.name: each for each in ENGINES}
    if unknown := [name for name in names or [] if name not in known]:
        raise CelosiaError(
            f"unknown engine {unknown[0]!r}", where="--only", todo=f"known: {', '.join(known)}"
        )
    return [known[name] for name in names] if names else list(ENGINES)


class _Report:
    """Places every seed of some engines, in parallel."""

    def __init__(self, engines: Iterable[Engine], force: bool, progress: Progress):
        self.engines, self.force, self.progress = engines, force, progress
        self.stop, self.lock = threading.Event(), threading.Lock()
        self.total, self.done = sum(len(each.seeds) for each in self.engines), 0
        self.doing: dict[str, str] = {}
        self.told: dict[str, tuple[str, float]] = {}

    def run(self) -> list[str]:
        """Place all; returns the problems, a line each."""
        problems: dict[str, None] = {}
        placed: dict[str, list[Placed]] = defaultdict(list)
        pool = ThreadPoolExecutor(_PARALLEL)
        try:
            # All engines with the first seed first: different ones are synthesized in parallel.
            work: dict[Future, Engine] = {
                pool.submit(self._place, engine, seed): engine
                for seed in SEEDS
                for engine in self.engines
                if seed in engine.seeds
            }
            for future in as_completed(work):
                engine, self.done = work[future], self.done + 1
                try:
                    placed[engine.name].append(future.result())
                except CelosiaError as error:
                    problems[f"{engine.name}: {error}"] = None
                    if isinstance(error, TooLarge):  # its old placement is outdated
                        save_placements(
                            each for each in load_placements() if not engine.is_of(each)
                        )
                    continue
                made = placement(placed[engine.name], engine.config.to_dict())
                save_placements((*load_placements(), made))
                if len(made.results) == len(engine.seeds) and not made.met:
                    problems[f"{engine.name}: {made.fmax_mhz:.1f} of {made.clock_mhz:g} MHz"] = None
        finally:
            self.stop.set()
            pool.shutdown(cancel_futures=True)
        return list(problems)

    def _place(self, engine: Engine, seed: int) -> Placed:
        name = f"{engine.name}, seed {seed}"

        def watch(stage: str, seconds: float, line: str) -> None:
            self._watch(name, stage, seconds)

        try:
            on = board(engine.board)
            design = elaborate(
                on, engine.config, technology=engine.technology, clock=engine.clock_mhz
            )
            return place(synthesize(on, design, watch), seed, watch, again=self.force)
        finally:
            with self.lock:
                self.doing.pop(name, None)

    def _watch(self, name: str, stage: str, seconds: float) -> None:
        if self.stop.is_set():
            raise KeyboardInterrupt
        every = _TERMINAL_SECONDS if sys.stderr.isatty() else _LOG_SECONDS
        with self.lock:
            before, when = self.told.get(name, ("", 0.0))
            if stage == before and seconds - when < every:
                return
            self.told[name] = (stage, seconds)
            self.doing[name] = f"{name}: {stage.partition(',')[0]}, {seconds:.0f} s"
            self.progress(" | ".join(self.doing.values()), self.done, self.total)


if __name__ == "__main__":
    sys.exit(main())
