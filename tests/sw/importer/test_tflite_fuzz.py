"""Damaged and hostile .tflite files: a CelosiaError or a network, soon, and nothing else."""

import contextlib
import os
import struct
import time

import numpy as np
import pytest
from tests.helpers.float_cnns import random_cnn
from tests.helpers.float_tflite import tflite_bytes
from tests.helpers.hostile import mutate, outcome
from tests.helpers.hostile_tflite import seeds
from tests.helpers.litert import Op, Tensor, build

from celosia.importer.tflite import tflite_network
from celosia.importer.tflite.flatbuffer import root
from celosia.importer.tflite.outline import tflite_outline
from celosia.support.errors import CelosiaError

_MUTATIONS = 500
_FLOATS = int(os.environ.get("CELOSIA_FLOAT_MUTATIONS", "40"))


def reading(data: bytes) -> None:
    """Read ``data``, without compiling it: a network or a CelosiaError, soon."""
    begin = time.perf_counter()
    with contextlib.suppress(CelosiaError):
        tflite_outline(data)
        tflite_network(data)
    assert time.perf_counter() - begin < 5


def fuzz(data: bytes, seed: int, count: int = _MUTATIONS, least: int = 20) -> None:
    assert outcome(data, ".tflite") == "model"
    counts = {"model": 0, "error": 0}
    for index in range(count):
        try:
            counts[outcome(mutate(data, ".tflite", [seed, index]), ".tflite")] += 1
        except BaseException:
            print(f"seed [{seed}, {index}]")
            raise
    # A mutation of weights is harmless, one of structure is not: both must have been tried.
    assert min(counts.values()) > least, counts


@pytest.mark.parametrize("seed", range(6))
def test_small_models(seed):
    fuzz(seeds()[seed], seed, count=330, least=5)


@pytest.mark.parametrize("weights", ["float32", "float16", "int8"])
def test_float_models(weights):
    for seed in (5, 9):
        cnn = random_cnn(np.random.default_rng([seed, 5]), common=True)
        fuzz(tflite_bytes(cnn, weights), seed, count=_FLOATS, least=3)


def test_ad01(models_dir):
    data = (models_dir / "ad01_int8.tflite").read_bytes()
    for index in range(_MUTATIONS):
        reading(mutate(data, ".bytes", [2, index]))


def test_every_truncation_and_every_byte_of_the_smallest_model():
    tensors = [
        Tensor((1, 2), "int8", 0.5, 0),
        Tensor((1, 2), "int8", 0.5, 0, np.ones((1, 2), np.int8)),
        Tensor((1, 1), "int8", 0.5, 0),
    ]
    data = build(tensors, [Op("FULLY_CONNECTED", [0, 1, -1], [2])], [0], [2])
    assert outcome(data, ".tflite") == "model"
    for at in range(len(data)):
        reading(data[:at])
        for value in (0, 1, 0x7F, 0x80, 0xFF):
            reading(data[:at] + bytes([value]) + data[at + 1 :])


@pytest.mark.parametrize("data", [b"", b"TFL3", b"\0" * 64, b"\xff" * 64, b"\0\0\0\0TFL3" * 9])
def test_what_is_no_model(data):
    assert outcome(data, ".tflite") == "error"


def test_shared_vectors_do_not_multiply_the_work():
    """65,536 tables in a file of 1 MB that all name the same vector of 200,000 integers."""
    vtable = struct.pack("<HHH", 6, 8, 4)  # one field, 4 bytes into the table
    table = struct.pack("<iI", 6, 4) + struct.pack("<I", 200_000) + bytes(800_000)
    count = 1 << 16
    offsets_at = 8 + 6 + 14  # after header, root's vtable and root table
    tables_at = offsets_at + 4 + 4 * count + len(vtable)
    offsets = b"".join(
        struct.pack("<I", tables_at - (offsets_at + 4 + 4 * n)) for n in range(count)
    )
    head = struct.pack("<I4s", 14, b"TFL3") + struct.pack("<HHH", 6, 8, 4)
    data = head + struct.pack("<iI", 6, 10).ljust(14, b"\0")
    data += struct.pack("<I", count) + offsets + vtable + table
    with pytest.raises(CelosiaError, match="overlap"):
        for one in root(data, b"TFL3").tables(0):
            one.array(0, "i4")
