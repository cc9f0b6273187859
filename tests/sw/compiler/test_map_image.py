"""Program images of engines with convolution: what a file may say, and what not."""

import hashlib
import json
import struct

import numpy as np
import pytest
from tests.helpers.random_graphs import MAP_CONFIGS, random_graph

from celosia.compiler import compile
from celosia.compiler.image import Image
from celosia.compiler.metadata import PieceInfo
from celosia.spec import INPUT_LAYOUT, Memory, pack_descriptor
from celosia.support.errors import CelosiaError

IMAGE = compile(random_graph(np.random.default_rng(12)), MAP_CONFIGS["4x12-lanes4"], emit_all=True)
DATA = IMAGE.to_bytes()


def sections(data: bytes) -> list[bytes]:
    body, parts = data[20:-32], []
    while body:
        (size,) = struct.unpack_from("<Q", body)
        parts.append(body[8 : 8 + size])
        body = body[8 + size :]
    return parts


def rebuilt(parts: list[bytes]) -> bytes:
    body = b"".join(struct.pack("<Q", len(part)) + part for part in parts)
    head = DATA[:12] + struct.pack("<Q", 20 + len(body) + 32)
    return head + body + hashlib.sha256(head + body).digest()


def with_model(change) -> bytes:
    parts = sections(DATA)
    model = json.loads(parts[1])
    change(model)
    parts[1] = json.dumps(model).encode()
    return rebuilt(parts)


def with_descriptor(index: int, **fields: int) -> bytes:
    parts = sections(DATA)
    program = [pack_descriptor(**d) for d in IMAGE.descriptors()]
    program[index] = pack_descriptor(**IMAGE.descriptors()[index] | fields)
    parts[4] = b"".join(program)
    return rebuilt(parts)


def test_it_comes_back():
    loaded = Image.from_bytes(DATA)
    assert rebuilt(sections(DATA)) == DATA == loaded.to_bytes()
    assert loaded.model == IMAGE.model and loaded.sections == IMAGE.sections
    assert set(loaded.sections) == {
        Memory.WEIGHTS,
        Memory.PARAMS,
        Memory.PROGRAM,
        Memory.TABLES,
        Memory.LAYOUT,
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(shape=[1, 2]), "shape = .* are not integers"),
        (lambda m: m.update(shape=[1, 1, 1]), "does not hold|are not integers"),
        (lambda m: m.update(packed=1), "packed = 1 is not bool"),
        (lambda m: m.update(heads=[0]), "heads = .* are not integers"),
        (lambda m: m.update(heads=[99]), "heads = .* are not integers"),
        (lambda m: m["reads"].__setitem__(0, [1]), "reads = .* are not integers"),
        (lambda m: m["reads"].__setitem__(0, []), "reads nothing"),
        (lambda m: m["reads"].pop(), "reads of"),
        (lambda m: m["layers"][0].update(pieces=[]), "emitted|nothing makes it"),
        (lambda m: m["layers"][0].update(emitted=False), "emitted"),
        (lambda m: m["layers"][0].update(shape=[1, 1, 10**9]), "shape = "),
        (lambda m: m["layers"][0]["pieces"][0].update(descriptor=-1), "descriptor -1"),
        (lambda m: m["layers"][0]["pieces"][0].update(descriptor=999), "emitted|descriptor 999"),
        (lambda m: m["layers"][0]["pieces"][0].update(corner=[9, 9]), "outside of it"),
        (lambda m: m["layers"][0]["pieces"][0].update(runs=[[0, 1, 70000, 0]]), "run = "),
        (lambda m: m["layers"][0]["pieces"][0].update(runs=[[0, 1, 1, 60000]]), "not "),
        (lambda m: m["layers"][0]["pieces"][0].update(more=1), "more"),
        (lambda m: m["layers"][0].update(inputs=0), "layer of 0 inputs"),
        (lambda m: m["layers"][0].update(shape=[1, 1, 1]), "does not hold|are not integers"),
        (lambda m: m["layers"][0].update(constants=[[0, 200]]), "is no channel's"),
        (lambda m: m["layers"][0].update(constants=[[900, 1]]), "is no channel's"),
        (lambda m: m["layers"][0].update(name="x" * 9, outputs=1), "does not hold|are not int"),
        (lambda m: m["layers"][0]["pieces"].pop(), "is not made|emitted|nothing makes it"),
        (lambda m: m["layers"][0]["pieces"][0].update(runs=[[0, 1, 0, 0]]), "has no channel"),
        (lambda m: m["layers"][0]["pieces"][0].update(runs=[[0, 1, 1, 0]] * 99), "is made of"),
        (lambda m: m["layers"][1].update(inputs=1), "does not take what"),
        (lambda m: m["layers"][0].update(inputs=1), "does not take what|does not hold|not integ"),
        (lambda m: m.update(images_per_row=0), "images_per_row = 0"),
        (lambda m: m.update(images_per_row=2), "images_per_row = 2"),
        (lambda m: m["kernels"].pop(), "descriptors of .* kernels"),
        (lambda m: m["kernels"].__setitem__(0, [0, 1]), "kernel = "),
        (lambda m: m["kernels"].__setitem__(0, [99, 1, 0]), "kernel = "),
        (lambda m: m["kernels"].__setitem__(0, [0, 1, 5]), "kernel = "),
        (lambda m: m.update(reference="memory"), "memory"),
    ],
)
def test_a_model_that_is_wrong(change, message):
    with pytest.raises(CelosiaError, match=f"file: inconsistent: .*({message})"):
        Image.from_bytes(with_model(change), where="file")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"last": 1, "emit": 1}, "contradicts the model: last"),
        ({"emit": 0}, "contradicts the model: emitted"),
        ({"images": 1 - IMAGE.descriptors()[0]["images"]}, "illegal|contradicts the model"),
        ({"weights": (1 << 20) - 1}, "contradicts the model: weights"),
        ({"params": (1 << 16) - 1}, "contradicts the model: params"),
        ({"use_table": 1, "table": 15}, "contradicts the model: table"),
        ({"dst": (1 << 16) - 1, "store": 1, "length": 999}, "contradicts the model: dst"),
        ({"steps": (1 << 16) - 1, "rows_full": (1 << 16) - 1}, "reads too much|not what its"),
        ({"kernel_y": 0}, "descriptor 0 is illegal: kernel_y"),
        ({"kernel_rest": 0}, "descriptor 0 is illegal: kernel_rest"),
    ],
)
def test_a_program_that_is_wrong(fields, message):
    with pytest.raises(CelosiaError, match=f"file: inconsistent: .*({message})"):
        Image.from_bytes(with_descriptor(0, **fields), where="file")


def test_an_input_layout_that_is_wrong():
    parts = sections(DATA)
    layout = INPUT_LAYOUT.pack(row_words=1, halo=0, length=(1 << 16) - 1)
    for wrong, message in (
        (layout, "two input banks"),
        (b"", "input_layout needs"),
        (2 * layout, "exceed"),
    ):
        with pytest.raises(CelosiaError, match=message):
            Image.from_bytes(rebuilt([*parts[:6], wrong]))


def test_no_program():
    parts = sections(DATA)
    with pytest.raises(CelosiaError, match="0 descriptors and 1 input layouts"):
        Image.from_bytes(rebuilt([*parts[:4], b"", *parts[5:]]))


def test_runs_of_channels():
    channels, places = np.array([1, 4, 7, 2, 3]), np.array([8, 9, 10, 0, 1])
    piece = PieceInfo.of(0, (0, 0), (1, 1), channels, places)
    assert piece.runs == ((1, 3, 3, 8), (2, 1, 2, 0))
    for got, want in zip(piece.channels(), (channels, places), strict=True):
        assert (got == want).all()
