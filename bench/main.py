"""Measure the project's figures: ``python -m bench.main [--data FOLDER] [--json FILE]``."""

import argparse
import os
import platform
import sys
from pathlib import Path

import celosia
from bench.anomaly import Anomaly
from bench.cnn import Convolutional
from bench.mnist import Mnist
from bench.models import digits
from bench.row import Row
from bench.speed import rates
from celosia.cli.console import Console
from celosia.cli.options import check_outputs
from celosia.spec import Config
from celosia.support.errors import CelosiaError

__all__ = ["main"]

#: The folder of MLPerf Tiny's models: $CELOSIA_MODELS, else next to the checkout.
_MODELS = (
    os.environ.get("CELOSIA_MODELS") or Path(__file__).resolve().parents[1] / "../shared/models"
)


def main(argv: list[str] | None = None) -> int:
    """Print the table; 0 when every goal is reached, else 1."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--data", help="folder with MNIST")
    parser.add_argument(
        "--models", type=Path, default=Path(_MODELS), help="folder with ad01_int8.tflite"
    )
    parser.add_argument("--json", help="write the figures here; - for stdout")
    args = parser.parse_args(argv)
    console = Console(json=args.json)
    try:
        check_outputs(args.json)
        with console.progress() as progress:
            dataset, rows = _measure(args, progress)
    except CelosiaError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        return 130
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    console.say(f"dataset: {dataset}; machine: {machine}")
    console.table([_cells(row) for row in rows], ("figure", "measured", "goal", "", "beside"))
    console.write_json(
        {
            "celosia": celosia.__version__,
            "machine": machine,
            "dataset": dataset,
            "figures": [row.to_dict() for row in rows],
        }
    )
    return int(any(row.reached is False for row in rows))


def _measure(args: argparse.Namespace, progress) -> tuple[str, list[Row]]:
    mnist = Mnist(digits(args.data, progress), progress)
    dense = Config.default(16, 16, convolution=0)
    rows = [
        mnist.cycles(8, 8, False, 1730, "SCALE-Sim 1,758, Amaranth MNIST TPU 6,608"),
        mnist.cycles(16, 16, False, 433, "FINN 429, axis-systolic-array 437"),
        mnist.cycles(16, 16, True, 260, "none of the peers skips zeros"),
        mnist.cycles(1, 128, False, 1050, "FINN about 870, Amaranth MNIST TPU 52,458"),
        mnist.cycles(1, 128, True, 270, "225 bytes of an image are not 0"),
        mnist.utilization(8, 8),
        mnist.utilization(16, 16),
        mnist.accuracy_lost(),
        mnist.agreement(),
        mnist.seconds(),
        *rates(mnist.digits.graph, dense, mnist.digits.x, progress),
    ]
    runs = [mnist.measured(*run) for run in _RUNS]
    path = args.models / "ad01_int8.tflite"
    if path.exists():
        ad = Anomaly(path, progress)
        rows += [ad.cycles(8, 8), ad.cycles(16, 16, "FINN 1,044, SCALE-Sim 1,233")]
        rows += [*ad.against_litert(1, 64), *ad.against_litert(4, 32)]
        runs += [ad.measured(8, 8), ad.measured(16, 16)]
    else:
        print(f"bench: {path} is missing, its figures are left out", file=sys.stderr)
    rows.append(_mismatches(runs))
    cnn = Convolutional(args.models, progress)
    if missing := cnn.missing:
        print(f"bench: {missing[0]} is missing, CNNs are left out", file=sys.stderr)
    else:
        rows += cnn.rows()
    return mnist.digits.name, rows


_RUNS = ((8, 8, False), (16, 16, False), (16, 16, True), (1, 128, False), (1, 128, True))


def _mismatches(runs: list) -> Row:
    total = sum(run.outputs.size for run in runs)
    return Row(
        name=f"bytes that differ from golden, of {total:,} in all runs above",
        value=sum(run.mismatches for run in runs),
        unit="bytes",
        goal=0,
    )


def _cells(row: Row) -> tuple[str, ...]:
    goal = "" if row.goal is None else f"{'<=' if row.at_most else '>='} {row.goal:,.4g}"
    verdict = {None: "", True: "reached", False: "MISSED"}[row.reached]
    return row.name, f"{row.value:,.6g} {row.unit}", goal, verdict, row.peers


if __name__ == "__main__":
    sys.exit(main())
