"""Damaged and hostile .tflite files: a CelosiaError or a network, soon, and nothing else."""

import struct
import time

import numpy as np
import pytest
from tests.helpers.litert import Op, Tensor, build
from tests.helpers.random_cnns import random_cnn
from tests.helpers.random_models import random_model

from celosia.importer.tflite import tflite_network
from celosia.importer.tflite.flatbuffer import root
from celosia.importer.tflite.outline import tflite_outline
from celosia.network.network import Network
from celosia.support.errors import CelosiaError

_MUTATIONS = 500


def outcome(data: bytes) -> str:
    """How reading `data` ended; anything but a network or a CelosiaError of one line escapes."""
    begin = time.perf_counter()
    try:
        tflite_outline(data)
        network = tflite_network(data)
        assert isinstance(network, Network)
        x = np.zeros((1, *network.host.input_shape), network.host.input_dtype)
        assert network.prepare(x).dtype == np.int8
        return "network"
    except CelosiaError as error:
        assert "\n" not in str(error) and str(error).isprintable()
        return "error"
    finally:
        assert time.perf_counter() - begin < 5


def mutate(data: bytes, rng: np.random.Generator) -> bytes:
    """Cut, flip bits, or overwrite words; half of them near the ends, where structure is."""
    changed = bytearray(data)
    kind = rng.integers(3)
    if kind == 0:
        return bytes(changed[: rng.integers(len(changed))])
    for _ in range(rng.integers(1, 9)):
        at = int(rng.integers(len(changed) - 8))
        if rng.random() < 0.5:
            at = int(rng.choice([at % 400, len(changed) - 8 - at % 4000])) % (len(changed) - 8)
        if kind == 1:
            changed[at] ^= 1 << rng.integers(8)
        else:
            word = rng.choice([0, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, rng.integers(1 << 32), at])
            struct.pack_into("<I", changed, at // 4 * 4, int(word))
    return bytes(changed)


def fuzz(data: bytes, seed: int, least: int = 20) -> None:
    counts = {"network": 0, "error": 0}
    for index in range(_MUTATIONS):
        rng = np.random.default_rng([seed, index])
        try:
            counts[outcome(mutate(data, rng))] += 1
        except BaseException:
            print(f"seed [{seed}, {index}]")
            raise
    # A mutation of weights is harmless, one of structure is not: both must have been tried.
    assert min(counts.values()) > least, counts


def test_small_model():
    data = random_model(np.random.default_rng(3))[0]
    assert outcome(data) == "network"
    fuzz(data, 1)


@pytest.mark.parametrize("seed", range(3))
def test_convolutions(seed):
    data = random_cnn(np.random.default_rng(seed))
    assert outcome(data) == "network"
    fuzz(data, seed, least=5)


def test_ad01(models_dir):
    fuzz((models_dir / "ad01_int8.tflite").read_bytes(), 2)


def test_every_truncation_and_every_byte_of_the_smallest_model():
    tensors = [
        Tensor((1, 2), "int8", 0.5, 0),
        Tensor((1, 2), "int8", 0.5, 0, np.ones((1, 2), np.int8)),
        Tensor((1, 1), "int8", 0.5, 0),
    ]
    data = build(tensors, [Op("FULLY_CONNECTED", [0, 1, -1], [2])], [0], [2])
    assert outcome(data) == "network"
    for at in range(len(data)):
        outcome(data[:at])
        for value in (0, 1, 0x7F, 0x80, 0xFF):
            outcome(data[:at] + bytes([value]) + data[at + 1 :])


@pytest.mark.parametrize("data", [b"", b"TFL3", b"\0" * 64, b"\xff" * 64, b"\0\0\0\0TFL3" * 9])
def test_what_is_no_model(data):
    assert outcome(data) == "error"


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
