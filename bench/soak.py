"""A soak: random engines and networks for as long as asked, everything compared with everything.

    python -m bench.soak SECONDS [--seed N] [--jobs N | --dask ADDRESS] [--json FILE]

Each case (`bench.soak_case`) is an engine of the whole legal space in RTL and networks of every
operation on it. Compared are the RTL with the golden model and the golden model with LiteRT, TFLite
Micro or direct evaluation, every byte, and counters and cycles with the cycle model. Exit status 1
when something differs: the case's command repeats it. Ctrl-C ends with the summary of what is done;
the JSON is written anew after every case.
"""

import argparse
import contextlib
import itertools
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path

from celosia.cli.console import Console
from celosia.support.cluster import on_cluster, require_dask
from celosia.support.errors import CelosiaError

from .soak_case import NETWORKS

__all__ = ["Summary", "main", "one_case"]

#: Seconds after which a case counts as hung.
_LIMIT = 3600
_SUMS = ("networks", "runs", "refused", "bytes", "counters", "cycles", "frames")
#: Processes of the cases that run in this one.
_running: set[subprocess.Popen] = set()


def main(argv: list[str] | None = None) -> int:
    """0: nothing differs; 1: something does; 2: it cannot run; 130: the same as 0, interrupted."""
    args = _arguments(argv)
    console = Console(json=args.json)
    summary = Summary(args.seed, args.networks)
    begin, interrupted = time.monotonic(), False
    console.say(f"seed {args.seed}")
    try:
        with console.progress() as progress, contextlib.closing(_results(args, begin)) as results:
            for index, found in results:
                summary.add(index, found)
                done = min(round(time.monotonic() - begin), args.seconds)
                progress(summary.line(), done, args.seconds)
                for line in summary.failed(index, found):
                    console.warn(line)
                if args.json != "-":
                    console.write_json(summary.document(time.monotonic() - begin))
    except CelosiaError as error:
        print(f"soak: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        interrupted = True
    document = summary.document(time.monotonic() - begin) | {"interrupted": interrupted}
    console.table(summary.rows(document))
    console.write_json(document)
    return 1 if summary.differences else 130 if interrupted else 0


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("seconds", type=int, help="no case starts after these")
    parser.add_argument("--seed", type=int, help="of all cases (a new one)")
    parser.add_argument("--networks", type=int, default=NETWORKS, help=f"of a case ({NETWORKS})")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--jobs", type=int, default=1, help="cases side by side (1)")
    where.add_argument(
        "--dask", metavar="ADDRESS",
        help="on the cluster of this Dask scheduler, whose workers were started in a checkout",
    )  # fmt: skip
    parser.add_argument("--json", metavar="FILE", help="write the results here; - for stdout")
    args = parser.parse_args(argv)
    if args.seed is None:
        args.seed = secrets.randbelow(1 << 31)
    for name in ("seconds", "networks", "jobs"):
        if getattr(args, name) < 1:
            parser.error(f"{name}: {getattr(args, name)} is not at least 1")
    return args


def _results(args: argparse.Namespace, begin: float) -> Iterator[tuple[int, dict]]:
    """Results of the cases until ``args.seconds`` are over, in the order in which they end."""
    indices = itertools.takewhile(
        lambda index: time.monotonic() - begin < args.seconds, itertools.count()
    )
    task = partial(one_case, args.seed, args.networks)
    if args.dask is not None:
        require_dask()
        return on_cluster(args.dask, task, indices, ahead=1)
    from celosia.driver.rtl.toolchain import find_toolchain

    find_toolchain()
    return _in_threads(task, indices, args.jobs)


def one_case(seed: int, networks: int, index: int) -> tuple[int, dict]:
    """Case ``index`` in a process of its own, which may crash or hang: its `Found` as a dict."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", *_command(seed, networks, index)],
        cwd=Path(__file__).parents[1],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    _running.add(process)
    try:
        out, err = process.communicate(timeout=_LIMIT)
    except subprocess.TimeoutExpired:
        _kill(process)
        return index, {"differences": [f"has not ended after {_LIMIT} seconds"]}
    finally:
        _running.discard(process)
    try:
        return index, json.loads(out)
    except json.JSONDecodeError:
        said = "; ".join(err.strip().splitlines()[-3:])
        return index, {"differences": [f"died with exit status {process.returncode}: {said}"]}


def _command(seed: int, networks: int, index: int) -> list[str]:
    more = [] if networks == NETWORKS else ["--networks", str(networks)]
    return ["-m", "bench.soak_case", str(seed), str(index), *more]


def _in_threads(task: Callable, items: Iterable, jobs: int) -> Iterator:
    """Results of ``task``, ``jobs`` at a time; on the way out the cases' processes are ended."""
    items, pending = iter(items), set()
    pool = ThreadPoolExecutor(jobs)
    try:
        pending |= {pool.submit(task, item) for item in itertools.islice(items, jobs)}
        while pending:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            pending |= {pool.submit(task, item) for item in itertools.islice(items, len(done))}
            for future in done:
                yield future.result()
    finally:
        for process in list(_running):
            _kill(process)
        pool.shutdown(cancel_futures=True)


def _kill(process: subprocess.Popen) -> None:
    """End a case with the compilers that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Summary:
    """Sums over the cases of a soak.

    Attributes
    ----------
    sums : of `Found`'s counts, by name.
    counts : of judged bytes, operations and technologies, each by name.
    differences : by the number of the case.
    """

    def __init__(self, seed: int, networks: int):
        self.seed, self.networks, self.cases = seed, networks, 0
        self.sums = dict.fromkeys(_SUMS, 0)
        self.counts: dict[str, dict[str, int]] = {"judged": {}, "operations": {}, "technology": {}}
        self.differences: dict[int, list[str]] = {}

    def add(self, index: int, found: dict) -> None:
        """Add the case ``index``; one that died has differences alone."""
        self.cases += 1
        for name in _SUMS:
            self.sums[name] += found.get(name, 0)
        technology = found.get("engine", {}).get("technology")
        more = {"technology": {technology: 1} if technology else {}}
        for kind, counts in self.counts.items():
            for name, count in (found | more).get(kind, {}).items():
                counts[name] = counts.get(name, 0) + count
        if found["differences"]:
            self.differences[index] = found["differences"]

    def line(self) -> str:
        return (
            f"{self.cases} engines, {self.sums['networks']:,} networks, "
            f"{self.sums['bytes']:,} bytes, {len(self.differences)} cases differ"
        )

    def failed(self, index: int, found: dict) -> list[str]:
        """For people: what differs in a case, and the command that repeats it."""
        if not found["differences"]:
            return []
        command = " ".join(_command(self.seed, self.networks, index))
        return [*found["differences"][:3], f"repeat it with: python {command}"]

    def document(self, seconds: float) -> dict:
        """All of it, as for JSON."""
        return {
            "seed": self.seed,
            "seconds": round(seconds, 1),
            "engines": self.cases,
            **self.sums,
            **self.counts,
            "differences": [
                {
                    "command": f"python {' '.join(_command(self.seed, self.networks, index))}",
                    "lines": lines,
                }
                for index, lines in sorted(self.differences.items())
            ],
        }

    @staticmethod
    def rows(document: dict) -> list[tuple[str, str]]:
        """The table for people."""

        def by_name(kind: str) -> str:
            counts = sorted(document[kind].items())
            return ", ".join(f"{count:,} {name}" for name, count in counts)

        rows = [("engines", f"{document['engines']:,} ({by_name('technology')})")]
        for name in _SUMS:
            rows.append((_TITLES[name], f"{document[name]:,}"))
        rows.append(("layers", by_name("operations")))
        rows.append(("bytes of the golden model against its judges", by_name("judged")))
        rows.append(("cases that differ", str(len(document["differences"]))))
        rows.append(("seconds", f"{document['seconds']:,.0f}"))
        return rows


_TITLES = {
    "networks": "networks",
    "runs": "programs run in RTL",
    "refused": "networks too large for their engine",
    "bytes": "bytes of the RTL against the golden model",
    "counters": "counters against the cycle model",
    "cycles": "cycles of these",
    "frames": "requests to memories, responses compared",
}


if __name__ == "__main__":
    raise SystemExit(main())
