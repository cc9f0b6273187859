"""Time and memory of `celosia check` on large models: ``python -m bench.check``.

Each model is checked by a process of its own, as a user would; its time counts from the start of
Python. Run it from the checkout's root, with the [dev] extra.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tests.litert import Op, Tensor, build
from tests.random_models import fully_connected

__all__ = ["Answer", "check", "large_tflite"]

_SECONDS, _BYTES = 2.0, 1 << 30
#: 24 layers of 2048 x 2048 and two narrower ones: 101 MB of weights.
_WIDTHS = (784, *[2048] * 25, 10)


@dataclass(frozen=True)
class Answer:
    """How a check ended, what it took, and what it said."""

    status: int
    seconds: float
    peak_bytes: int
    document: dict


def large_tflite(widths: tuple[int, ...] = _WIDTHS) -> bytes:
    """A .tflite perceptron of these widths."""
    rng = np.random.default_rng(0)
    tensors = [Tensor((1, widths[0]), "int8", 0.01, -128, name="input")]
    ops, current = [], 0
    for k, n in zip(widths, widths[1:], strict=False):
        at = len(tensors)
        tensors += [
            Tensor((n, k), "int8", np.full(n, 0.01), 0, rng.integers(-127, 128, (n, k), np.int8)),
            Tensor((n,), "int32", np.full(n, 1e-4), 0, np.zeros(n, np.int32)),
            Tensor((1, n), "int8", 0.01, -128, name=f"dense{at}"),
        ]
        ops.append(Op("FULLY_CONNECTED", [current, at, at + 1], [at + 2], fully_connected(1)))
        current = at + 2
    return build(tensors, ops, [0], [current])


def check(path: Path, *options: str) -> Answer:
    """Run ``celosia check`` on ``path`` and measure it."""
    start = time.perf_counter()
    # The child reports its own peak: RUSAGE_CHILDREN would be that of the largest child so far.
    program = (
        "import resource, sys; from celosia.cli import main; status = main(sys.argv[1:]);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr);"
        "sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "check", os.fspath(path), "-q", "--json", "-", *options],
        capture_output=True,
        text=True,
    )
    seconds = time.perf_counter() - start
    unit = 1 if sys.platform == "darwin" else 1024
    document = json.loads(done.stdout) if done.stdout else {}
    return Answer(done.returncode, seconds, unit * int(done.stderr.split()[-1]), document)


def main() -> int:
    """0 when every answer came in time and memory."""
    good = True
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "large.tflite")
        # A process of its own: what a child's peak is counted from includes its parent's size.
        subprocess.run([sys.executable, "-m", "bench.check", os.fspath(path)], check=True)
        size = path.stat().st_size
        for options in ((), ("--target", "1x64"), ("--target", "32x256"), ("--target", "8x8")):
            answer = check(path, *options)
            reached = answer.seconds < _SECONDS and answer.peak_bytes < _BYTES
            good &= reached and answer.status in (0, 3)
            print(
                f"{path.suffix} of {size / 1e6:.0f} MB, check {' '.join(options) or '(16x16)'}: "
                f"{answer.document['verdict']}, {answer.seconds:.2f} s, "
                f"{answer.peak_bytes / 1e6:.0f} MB{'' if reached else ' MISSED'}"
            )
    return int(not good)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_bytes(large_tflite())
        sys.exit()
    sys.exit(main())
