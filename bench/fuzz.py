"""Fuzz every importer with thousands of damaged files.

    python -m bench.fuzz [--count 20000] [--format .onnx] [--seed 0] [--json FILE]

Each file must give a model or a `CelosiaError`. Any other outcome is reported as bad, with the seed
that repeats it, and so is a worker process that dies (a crash in a C library), that does not end,
or that takes more than `_MOST_MEMORY`. Of .tflite files the structure is read for `celosia check`
too, and models are compiled.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

__all__ = ["main"]

FORMATS = (".tflite", ".onnx", ".keras", ".pt2", ".celosia")
_CHUNK = 500
#: Random CNNs among the good files of a float format.
_CNNS = 4
#: MiB that a worker may take more than for a good file.
_MOST_MEMORY = 512


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=20_000, help="files per format (20000)")
    parser.add_argument("--format", choices=FORMATS, help="only this one")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", metavar="FILE", help="write the results here")
    args = parser.parse_args()
    figures = {}
    for suffix in [args.format] if args.format else FORMATS:
        figures[suffix] = fuzz(suffix, args.count, args.seed)
        print(suffix, json.dumps(figures[suffix]), flush=True)
    if args.json:
        Path(args.json).write_text(json.dumps(figures, indent=2) + "\n")
    return int(any(each["bad"] for each in figures.values()))


def fuzz(suffix: str, count: int, seed: int) -> dict:
    """Results of ``count`` files: outcomes, the slowest, memory in MiB, files left behind."""
    files, begin = seeds(suffix), time.perf_counter()
    total = {"files": 0, "model": 0, "error": 0, "slowest": 0.0, "memory": 0, "bad": []}
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        for start in range(0, count, _CHUNK):
            end, results = min(start + _CHUNK, count), context.SimpleQueue()
            arguments = (suffix, files, seed, start, end, folder, results)
            worker = context.Process(target=_work, args=arguments)
            worker.start()
            worker.join(60 + _CHUNK)
            if worker.exitcode != 0:
                worker.kill()
                total["bad"].append(f"worker of {start}..{end} ended with {worker.exitcode}")
                continue
            part = results.get()
            for key in ("model", "error"):
                total[key] += part[key]
            for key in ("slowest", "memory"):
                total[key] = max(total[key], part[key])
            total["bad"] += part["bad"]
            if part["memory"] > _MOST_MEMORY:
                total["bad"].append(f"{start}..{end} took {part['memory']} MiB")
            total["files"] += end - start
        total["left behind"] = sorted(os.listdir(folder))
    total["seconds"] = round(time.perf_counter() - begin, 1)
    return total


def _work(
    suffix: str, files: list[bytes], seed: int, start: int, end: int, folder: str, results
) -> None:
    from tests.helpers.hostile import mutate, outcome

    os.chdir(folder)
    part = {"model": 0, "error": 0, "slowest": 0.0, "bad": []}
    for data in files:
        with contextlib.suppress(AssertionError):  # the first may be slow: packages are imported
            outcome(data, suffix)
    before = _peak()
    for index in range(start, end):
        begin = time.perf_counter()
        try:
            data = mutate(files[index % len(files)], suffix, [seed, index])
            part[outcome(data, suffix)] += 1
        except Exception as error:
            part["bad"].append(f"seed [{seed}, {index}]: {type(error).__name__}: {error}"[:300])
        part["slowest"] = max(part["slowest"], round(time.perf_counter() - begin, 3))
    results.put(part | {"memory": _peak() - before})


def _peak() -> int:
    """Peak memory so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def seeds(suffix: str) -> list[bytes]:
    """Small valid files, which are damaged in turn."""
    if suffix == ".tflite":
        from tests.helpers import hostile_tflite

        return hostile_tflite.seeds()
    files = [good(suffix)]
    if suffix != ".celosia":
        files += [_cnn(suffix, np.random.default_rng([7, seed])) for seed in range(_CNNS)]
    if suffix == ".onnx":
        files += [_quantized(data) for data in files[:2]]
    return files


def _cnn(suffix: str, rng: np.random.Generator) -> bytes:
    """A small random CNN."""
    from tests.helpers import float_cnns

    cnn = float_cnns.random_cnn(rng, common=True)
    if suffix == ".onnx":
        return float_cnns.onnx_bytes(cnn)
    if suffix == ".keras":
        return float_cnns.saved_keras(float_cnns.keras_model(cnn))
    return float_cnns.torch_bytes(cnn, float_cnns.torch_module(cnn))


def _quantized(data: bytes) -> bytes:
    """A float .onnx file as onnxruntime quantizes it, with QDQ."""
    from tests.helpers.judges import qdq_file

    from celosia.importer import model_from_bytes

    shape = model_from_bytes(data, "fuzz", ".onnx").input_shape
    x = np.random.default_rng(0).uniform(0, 1, (20, *shape)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        return qdq_file(data, x, Path(folder))


def good(suffix: str) -> bytes:
    """A small valid file: three layers and everything else that the format's importer reads."""
    from tests.helpers.judges import Mlp, keras_file, onnx_file, torch_file, torch_module

    mlp = Mlp.random(3, (6, 5, 4, 3), norm=True)
    if suffix == ".tflite":
        from tests.helpers.random_models import random_model

        return random_model(np.random.default_rng(3))[0]
    if suffix == ".onnx":
        return onnx_file(mlp)
    if suffix == ".keras":
        return keras_file(mlp)
    if suffix == ".pt2":
        return torch_file(torch_module(mlp), 6)
    from celosia.compiler import compile
    from celosia.importer import model_from_bytes, to_network
    from celosia.spec import Config

    x = np.random.default_rng(0).uniform(0, 1, (20, 6)).astype(np.float32)
    network = to_network(model_from_bytes(onnx_file(mlp), "fuzz"), x)
    return compile(network, Config.default(2, 4)).to_bytes()


if __name__ == "__main__":
    raise SystemExit(main())
