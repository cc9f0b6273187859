"""Mutation cover of the RTL: killed / (mutants - proven to be the engine itself).

    python -m bench.mutate [--engine 2x4] [--count 4000] [--first 1000] [--seed 1] [--no-proofs]
        [--json FILE]

An interrupted run goes on where it was. Exit status 1 when a score is below --least.
"""

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from celosia.support.progress import Progress

from .engines import ENGINES
from .run import Score, mutate

__all__ = ["main", "watched"]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.mutate", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--engine", choices=ENGINES, help="only this one")
    parser.add_argument("--count", type=int, default=4000, help="mutants of each engine (4000)")
    parser.add_argument("--first", type=int, help="only so many of them; all if not given")
    parser.add_argument("--seed", type=int, default=1, help="of mutants and stimulus (1)")
    parser.add_argument("--workers", type=int, help="threads; all cores if not given")
    parser.add_argument("--least", type=float, default=0.0, help="score in percent that is needed")
    parser.add_argument("--no-proofs", action="store_true", help="survivors are not proven")
    parser.add_argument("--folder", type=Path, default=Path("build/mutate"), help="of results")
    parser.add_argument("--json", metavar="FILE", help="write the results here")
    args = parser.parse_args()
    if not 1 <= args.count < 1 << 16:
        parser.error(f"--count {args.count} is not in 1..65535")
    scores = {}
    for name in [args.engine] if args.engine else ENGINES:
        print(f"{name}: {args.count} mutants, seed {args.seed}", flush=True)
        scores[name] = watched(name, partial(_score, name, args))
        _print(name, scores[name])
    if args.json:
        found = {name: score.to_dict() for name, score in scores.items()}
        Path(args.json).write_text(json.dumps(found, indent=2) + "\n")
    return int(any(100 * score.score < args.least for score in scores.values()))


def watched(name: str, work: Callable[[Progress], Any]) -> Any:
    """``work`` under a progress bar on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Bar(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=None)

        def progress(text: str, done: int, total: int) -> None:
            bar.update(task, description=text, completed=done, total=total or None)

        return work(progress)


def _score(name: str, args: argparse.Namespace, progress: Progress) -> Score:
    return mutate(
        ENGINES[name],
        args.count,
        args.seed,
        args.folder,
        prove=not args.no_proofs,
        first=args.first,
        workers=args.workers,
        progress=progress,
    )


def _print(name: str, score: Score) -> None:
    for mutant in score.survivors:
        print(f"survives: {mutant}")
    for mutant, proof in score.proven.items():
        print(f"proven ({proof}): {mutant}")
    killed = ", ".join(f"{part} {count}" for part, count in score.by.items())
    print(
        f"{name}: {score.mutants} mutants, {score.killed} killed, {len(score.proven)} proven the "
        f"same, {len(score.survivors)} survive: {100 * score.score:.2f} %; "
        f"{score.cycles:,} cycles; killed by {killed}; seconds {score.seconds}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
