"""Time and memory of `celosia check` on large models: ``python -m bench.check``.

Each model is checked by a process of its own, as a user would run it; the time includes starting
Python. Run it in the root of the checkout, with the [dev] extra.
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
from tests.helpers.litert import Op, Tensor, build
from tests.helpers.random_models import fully_connected

__all__ = ["Answer", "check", "large_tflite"]

_SECONDS, _BYTES = 2.0, 1 << 30
#: 24 layers of 2048 x 2048 and two narrower ones: 101 MB of weights.
_WIDTHS = (784, *[2048] * 25, 10)
#: About as many bytes in float32.
_FLOAT_WIDTHS = (784, *[2048] * 7, 10)


@dataclass(frozen=True)
class Answer:
    """The result of a check.

    Parameters
    ----------
    status : exit status.
    seconds, cpu_seconds : elapsed time, and time of the processor.
    peak_bytes : largest resident memory.
    document : its JSON output.
    """

    status: int
    seconds: float
    cpu_seconds: float
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


def large_onnx(widths: tuple[int, ...] = _FLOAT_WIDTHS) -> bytes:
    """A float .onnx perceptron of these widths."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    rng, nodes, constants, current = np.random.default_rng(0), [], [], "x"
    for index, (k, n) in enumerate(zip(widths, widths[1:], strict=False)):
        weights = rng.standard_normal((n, k), np.float32)
        constants += [
            numpy_helper.from_array(weights, f"w{index}"),
            numpy_helper.from_array(np.zeros(n, np.float32), f"b{index}"),
        ]
        nodes += [
            helper.make_node("Gemm", [current, f"w{index}", f"b{index}"], [f"s{index}"], transB=1),
            helper.make_node("Relu", [f"s{index}"], [f"y{index}"]),
        ]
        current = f"y{index}"
    ends = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width])
        for name, width in (("x", widths[0]), (current, widths[-1]))
    )
    graph = helper.make_graph(nodes, "large", *([end] for end in ends), constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    onnx.checker.check_model(model)
    return model.SerializeToString()


def check(path: Path, *options: str) -> Answer:
    """Run ``celosia check`` on ``path`` and measure it."""
    start = time.perf_counter()
    # The child reports its own peak; RUSAGE_CHILDREN gives that of the largest child so far.
    program = (
        "import resource, sys; from celosia.cli import main; status = main(sys.argv[1:]);"
        "used = resource.getrusage(resource.RUSAGE_SELF);"
        "print(used.ru_utime + used.ru_stime, used.ru_maxrss, file=sys.stderr); sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "check", os.fspath(path), "-q", "--json", "-", *options],
        capture_output=True,
        text=True,
    )
    seconds = time.perf_counter() - start
    unit = 1 if sys.platform == "darwin" else 1024
    document = json.loads(done.stdout) if done.stdout else {}
    cpu, peak = done.stderr.split()[-2:]
    return Answer(done.returncode, seconds, float(cpu), unit * int(peak), document)


def main() -> int:
    """0 when every check stayed within the limits of time and memory."""
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for suffix in (".tflite", ".onnx"):
            path = Path(folder, f"large{suffix}")
            # In a process of its own: a child's peak includes the size of its parent at the fork.
            subprocess.run([sys.executable, "-m", "bench.check", os.fspath(path)], check=True)
            for options in ((), ("--target", "1x64"), ("--target", "32x256"), ("--target", "8x8")):
                good &= _row(path, options)
    return int(not good)


def _row(path: Path, options: tuple[str, ...]) -> bool:
    answer, size = check(path, *options), path.stat().st_size
    reached = answer.seconds < _SECONDS and answer.peak_bytes < _BYTES
    print(
        f"{path.suffix} of {size / 1e6:.0f} MB, check {' '.join(options) or '(16x16)'}: "
        f"{answer.document.get('verdict', 'failed')}, {answer.seconds:.2f} s "
        f"({answer.cpu_seconds:.2f} s of a processor), "
        f"{answer.peak_bytes / 1e6:.0f} MB{'' if reached else ' MISSED'}"
    )
    return reached and answer.status in (0, 3)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        target = Path(sys.argv[1])
        target.write_bytes(large_onnx() if target.suffix == ".onnx" else large_tflite())
        sys.exit()
    sys.exit(main())
