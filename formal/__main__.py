"""Prove everything: ``python -m formal``, which is ``make prove``."""

import argparse
import fnmatch
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from . import PROOFS
from .proof import Proof
from .solve import Result, solve

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Prove, and show a table. Returns 0 if all is proven, 1 if not, 2 for a wrong name."""
    parser = argparse.ArgumentParser(prog="formal", description=__doc__.partition(":")[0])
    parser.add_argument("name", nargs="*", help="only these proofs; * stands for any letters")
    parser.add_argument("--quick", action="store_true", help="only those of make test")
    parser.add_argument("--mistakes", action="store_true", help="find the planted mistakes instead")
    parser.add_argument("--folder", type=Path, default=Path("build/prove"), help="for the files")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the results here")
    args = parser.parse_args(arguments)
    unknown = [name for name in args.name if not fnmatch.filter([p.name for p in PROOFS], name)]
    if unknown:
        known = ", ".join(proof.name for proof in PROOFS)
        print(f"error: unknown proof {unknown[0]!r}; known: {known}", file=sys.stderr)
        return 2
    chosen = [proof for proof in PROOFS if _is_chosen(proof, args.name, args.quick)]
    jobs = [(proof, each) for proof in chosen for each in _mistakes(proof, args.mistakes)]
    results = list(_with_progress(jobs, args.folder))
    Console().print(_table(results))
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps([_record(result) for result in results], indent=2) + "\n")
    bad = [result for result in results if not result.good]
    for result in bad:
        print(f"error: {result.name}: {result.outcome}, see {result.file}", file=sys.stderr)
    return int(bool(bad))


def _is_chosen(proof: Proof, names: list[str], quick: bool) -> bool:
    named = not names or any(fnmatch.fnmatch(proof.name, name) for name in names)
    return named and (proof.quick or not quick)


def _mistakes(proof: Proof, mistakes: bool) -> tuple[str | None, ...]:
    return proof.mistakes if mistakes else (None,)


def _with_progress(jobs: list[tuple[Proof, str | None]], folder: Path) -> Iterator[Result]:
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        for number, (proof, mistake) in enumerate(jobs, 1):
            what = proof.name if mistake is None else f"{proof.name}, with a mistake in {mistake}"
            task = progress.add_task(f"{number} of {len(jobs)}: {what}", total=None)
            yield solve(proof, folder, mistake)
            progress.remove_task(task)


def _table(results: list[Result]) -> Table:
    table = Table("proof", "blocks", "method", "cycles", "seconds", "result")
    for result in results:
        proof = result.proof
        colour = "green" if result.good else "red"
        table.add_row(
            result.name,
            proof.blocks,
            proof.method,
            str(proof.depth),
            f"{result.seconds:.1f}",
            f"[{colour}]{result.outcome}[/]",
        )
    return table


def _record(result: Result) -> dict:
    proof = result.proof
    return {
        "name": result.name,
        "claim": proof.claim,
        "blocks": proof.blocks,
        "method": proof.method,
        "depth": proof.depth,
        "seconds": round(result.seconds, 1),
        "result": result.outcome,
        "good": result.good,
        "file": result.file and str(result.file),
    }


if __name__ == "__main__":
    sys.exit(main())
