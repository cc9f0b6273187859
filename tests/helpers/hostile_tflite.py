"""Small .tflite files with every operator, and one value of their structure changed by a seed."""

from collections.abc import Iterator
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as tfl
from tests.helpers.random_cnns import Cnn, random_cnn
from tests.helpers.random_models import random_model

__all__ = ["everything", "other_value", "seeds"]

_NUMBERS = (0, 1, -1, 2, 3, 7, 127, 128, 255, 256, 257, 511, 512, 65535, 65536, 1 << 24, 2**31 - 1)
_REALS = (0.0, -1.0, 1.0, float("nan"), float("inf"), 1e-40, 1e-30, 1e30, 0.5)


def seeds() -> list[bytes]:
    """Good files: a perceptron, a graph of all operators on maps, a line, random ones."""
    rng = np.random.default_rng
    return [
        random_model(rng(3))[0],
        everything(),
        _line(),
        *(random_cnn(rng([7, seed]), layers=6, side=8, channels=8) for seed in range(3)),
    ]


def everything() -> bytes:
    cnn = Cnn(np.random.default_rng(1), (6, 5, 3), tame=True)
    one = cnn.convolution(0, 4, (3, 3), activation=1)
    two = cnn.depthwise(cnn.pad(one, ((1, 1), (0, 0))), 1, (3, 1), same=False)
    two = cnn.activation(two, "TANH")
    both = cnn.concatenate(one, cnn.quantize(cnn.add(one, two), like=one))
    small = cnn.pool(cnn.pool(both, "MAX_POOL_2D", (2, 2)), "AVERAGE_POOL_2D", (2, 2), (2, 1))
    head = cnn.dense(cnn.reshape(cnn.mean(small, keep=False), (8,)), 3)
    return cnn.build(head, cnn.convolution(small, 2, (2, 1), dilation=(1, 2)))


def _line() -> bytes:
    cnn = Cnn(np.random.default_rng(2), (12, 2), tame=True)
    map_ = cnn.convolution(cnn.reshape(cnn.quantize(0), (1, 12, 2)), 4, (1, 3), (1, 2))
    flat = cnn.reshape(map_, (24,))
    return cnn.build(cnn.quantize(cnn.activation(cnn.dense(flat, 5), "LOGISTIC")))


def other_value(data: bytes, rng: np.random.Generator) -> bytes:
    """``data``, a good file, with one or two of its numbers or lists changed, and packed again."""
    model = tfl.ModelT.InitFromPackedBuf(data, 0)
    for _ in range(rng.integers(1, 3)):
        places = list(_places(model))
        owner, name, at = places[rng.integers(len(places))]
        if at is None:
            setattr(owner, name, _other(getattr(owner, name), rng))
        else:
            values = list(getattr(owner, name))
            values[at] = _other(values[at], rng)
            if rng.random() < 0.2:
                values = values[:at] + values[at + 1 :]
            setattr(owner, name, values)
    builder = flatbuffers.Builder(1024)
    try:
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    except Exception:  # a value that its field cannot hold
        return other_value(data, rng)
    return bytes(builder.Output())


def _places(owner: Any) -> Iterator[tuple[Any, str, int | None]]:
    """All numbers of the structure: object, field, and index where the field is a list."""
    for name, value in vars(owner).items():
        if name in ("data", "metadata", "signatureDefs", "description", "version"):
            continue
        if isinstance(value, int | float):
            yield owner, name, None
        elif isinstance(value, list | np.ndarray):
            for at, each in enumerate(value):
                if hasattr(each, "Pack"):
                    yield from _places(each)
                elif isinstance(each, int | float | np.number):
                    yield owner, name, at
        elif hasattr(value, "Pack"):
            yield from _places(value)


def _other(value: Any, rng: np.random.Generator) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, float | np.floating):
        return float(rng.choice([*_REALS, value * 2, -value]))
    return int(rng.choice([*_NUMBERS, int(value) + 1, int(value) - 1, *range(4)]))
