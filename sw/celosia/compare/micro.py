"""The tensors that TFLite Micro computes for the same inputs."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path

import numpy as np

from celosia.network.network import Network
from celosia.support.errors import CelosiaError
from celosia.support.files import read
from celosia.support.progress import Progress, silent

from .reference import Reference

__all__ = ["tflm"]

#: Bytes that the runtime takes beside its tensors: its own records of the model, several times it.
_SPARE, _TIMES = 1 << 20, 10


def tflm(
    path: Path | str, network: Network, x: np.ndarray, progress: Progress = silent
) -> Reference:
    """TFLite Micro's reference kernels on ``path``, the file that ``network`` was imported from.

    Parameters
    ----------
    x : the model's inputs, run one by one.

    Raises
    ------
    CelosiaError : tflite-micro is not installed, or refuses the file, or it is not a .tflite file.
    """
    try:
        from tflite_micro.python.tflite_micro import runtime
    except ImportError as error:
        raise CelosiaError(
            "TFLite Micro is not installed",
            where="--against tflm",
            todo="pip install --pre tflite-micro",
        ) from error
    if len(network.tensors) != len(network.graph.layers) + 1:
        raise CelosiaError("not a .tflite file", where=str(path), todo="use --against reference")
    data, said = read(path), [""]
    values = sum(map(prod, network.graph.shapes)) + prod(network.host.input_shape)
    try:
        with _stderr(said):
            interpreter = runtime.Interpreter.from_bytes(
                data,
                # At most float32, and as much again for what kernels need beside their tensors.
                arena_size=_TIMES * len(data) + 8 * values + _SPARE,
                intrepreter_config=runtime.InterpreterConfig.kPreserveAllTensors,
            )
        shape = interpreter.get_input_details(0)["shape"]
        heads = range(len(network.heads))
        rows: list[list[np.ndarray]] = [[] for _ in (*network.tensors, *heads)]
        for index, image in enumerate(x):
            interpreter.set_input(image.reshape(shape), 0)
            interpreter.invoke()
            for row, tensor in zip(rows, network.tensors, strict=False):
                if tensor == -1:
                    continue
                row.append(_flat(interpreter.GetTensor(tensor, 0)["tensor_data"]))
            for head in heads:
                rows[len(network.tensors) + head].append(_flat(interpreter.get_output(head)))
            progress("running TFLite Micro", index + 1, len(x))
    except (RuntimeError, ValueError) as error:
        why = f"TFLite Micro refuses it: {said[0] or error}"
        raise CelosiaError(why, where=str(path)) from error
    count = len(network.tensors)
    tensors = tuple(np.stack(each) if each else None for each in rows[:count])
    return Reference("TFLite Micro, reference kernels", tensors, tuple(map(np.stack, rows[count:])))


def _flat(values: np.ndarray) -> np.ndarray:
    """A copy: the runtime writes the next image's values to the same place."""
    return np.array(values).reshape(-1)


@contextmanager
def _stderr(said: list[str]) -> Iterator[None]:
    """Keep what C++ writes to standard error from the terminal; its first line goes to ``said``."""
    saved = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            file.seek(0)
            said[0] = file.readline().decode(errors="replace").strip()
