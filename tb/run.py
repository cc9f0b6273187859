"""Run benches: ``python -m tb.run --sim both --bench all``.

Flags, or the environment: SIM, BENCH, SEED, STALL, WAVES=1. Exit status 1 when a test failed, 2
when a simulator is missing.
"""

import argparse
import os
import secrets
import shutil
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from celosia.support.errors import CelosiaError

from .benches import BENCHES
from .simulators import SIMULATORS, Job, Result, require, run

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    console = Console(soft_wrap=True)
    try:
        arguments = _parse(argv)
        jobs = list(_jobs(arguments))
        for sim in {job.sim for job in jobs}:
            require(sim)
        console.print(f"{len(jobs)} runs with SEED={arguments.seed}", highlight=False)
        results = _run_all(jobs, arguments, console)
    except CelosiaError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    console.print(_table(results))
    for result in results:
        for name, message in result.failures:
            console.print(f"FAILED {result.job} {name}: {message}", style="red", markup=False)
            console.print(f"       log {result.log}", markup=False, highlight=False)
        if result.failures:
            console.print(
                f"       repeat with {_command(result.job)}", markup=False, highlight=False
            )
        if result.waves:
            viewer = "surfer" if shutil.which("surfer") else "gtkwave"
            console.print(f"waveform: {viewer} {result.waves}", markup=False, highlight=False)
    return int(any(result.failures for result in results))


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    env = os.environ.get
    parser = argparse.ArgumentParser(prog="tb.run", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--sim", default=env("SIM") or "both", help="icarus, verilator or both (default)")
    add("--bench", default=env("BENCH") or "all", help=f"all, or of {', '.join(BENCHES)}")
    add("--variant", default="", help="only configurations whose name contains this")
    add("--seed", default=env("SEED") or None, type=int, help="repeat a run")
    add("--stall", default=env("STALL") or None, type=float, help="0 <= p < 1, on all streams")
    add("--quick", action="store_true", help="do less of everything, as the unit tests do")
    add("--waves", action="store_true", default=env("WAVES", "0") not in ("", "0"))
    add("--jobs", default=os.cpu_count() or 1, type=int, help="runs side by side")
    add("--build", default="build/tb", type=Path, help="folder for all that is made")
    arguments = parser.parse_args(argv)
    if arguments.seed is None:
        arguments.seed = secrets.randbelow(1 << 31)
    if arguments.stall is not None and not 0 <= arguments.stall < 1:
        raise CelosiaError(f"STALL = {arguments.stall} is not a probability in 0 <= p < 1")
    return arguments


def _jobs(arguments: argparse.Namespace) -> Iterator[Job]:
    sims = SIMULATORS if arguments.sim == "both" else arguments.sim.split(",")
    names = list(BENCHES) if arguments.bench == "all" else arguments.bench.split(",")
    for kind, chosen, known in (("simulator", sims, SIMULATORS), ("bench", names, BENCHES)):
        for name in chosen:
            if name not in known:
                raise CelosiaError(f"no {kind} {name!r}", todo=f"choose of {', '.join(known)}")
    for name in names:
        for variant in BENCHES[name].variants:
            if arguments.variant in variant:
                for sim in sims:
                    yield Job(
                        name,
                        variant,
                        sim,
                        arguments.seed,
                        stall=arguments.stall,
                        waves=arguments.waves,
                        quick=arguments.quick,
                    )


def _run_all(jobs: list[Job], arguments: argparse.Namespace, console: Console) -> list[Result]:
    work = partial(run, root=arguments.build.resolve())
    done: dict[Job, Result] = {}
    # cocotb's runner works through the environment, so each run needs a process of its own.
    with ProcessPoolExecutor(max(1, arguments.jobs)) as pool:
        futures = [pool.submit(work, job) for job in jobs]
        try:
            for future in as_completed(futures):
                result = future.result()
                done[result.job] = result
                state = "[red]FAIL[/red]" if result.failures else "[green]pass[/green]"
                console.print(f"{state} {result.job}", highlight=False)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [done[job] for job in jobs]


def _command(job: Job) -> str:
    options = f"--sim {job.sim} --bench {job.bench} --variant {job.variant} --seed {job.seed}"
    options += "" if job.stall is None else f" --stall {job.stall}"
    return f"python -m tb.run {options}{' --quick' * job.quick}"


def _table(results: list[Result]) -> Table:
    table = Table(title="test benches")
    for name in ("bench", "engine", "simulator"):
        table.add_column(name)
    for name in ("tests", "failed", "cycles", "build s", "run s"):
        table.add_column(name, justify="right")
    for result in results:
        table.add_row(
            result.job.bench,
            result.job.variant,
            result.job.sim,
            str(result.tests),
            f"[red]{len(result.failures)}[/red]" if result.failures else "0",
            f"{result.cycles:,}",
            f"{result.build_seconds:.1f}",
            f"{result.run_seconds:.1f}",
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
