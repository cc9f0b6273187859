"""Program image files: a round trip, and every way a file can be wrong."""

import hashlib
import json
import struct
from dataclasses import replace

import numpy as np
import pytest
from tests.helpers.networks import CONFIGS, network

from celosia.compiler import compile
from celosia.compiler.image import MAGIC, VERSION, Image
from celosia.spec import DESCRIPTOR, Memory, pack_descriptor, unpack_descriptor
from celosia.support.errors import CelosiaError

GRAPH = network(np.random.default_rng(3), [30, 20, 10])
IMAGE = compile(GRAPH, CONFIGS["4x12-lanes4"])
DATA = IMAGE.to_bytes()


def sections(data: bytes) -> list[bytes]:
    parts, start = [], 20
    while start < len(data) - 32:
        (size,) = struct.unpack_from("<Q", data, start)
        parts.append(data[start + 8 : start + 8 + size])
        start += 8 + size
    return parts


def rebuilt(parts: list[bytes]) -> bytes:
    """A file with a right size and checksum around wrong contents."""
    body = b"".join(struct.pack("<Q", len(part)) + part for part in parts)
    data = struct.pack("<8sIQ", MAGIC, VERSION, 20 + len(body) + 32) + body
    return data + hashlib.sha256(data).digest()


def edited(index: int, **changes: object) -> bytes:
    """A file in which values of JSON section ``index`` are replaced."""
    parts = sections(DATA)
    parts[index] = json.dumps(json.loads(parts[index]) | changes).encode()
    return rebuilt(parts)


def descriptor(index: int, **changes: int) -> bytes:
    parts = sections(DATA)
    rows = [parts[4][i : i + DESCRIPTOR.size] for i in range(0, len(parts[4]), DESCRIPTOR.size)]
    rows[index] = pack_descriptor(**unpack_descriptor(rows[index]) | changes)
    return rebuilt([*parts[:4], b"".join(rows), parts[5]])


def foreign(index: int, op: int) -> bytes:
    """A file with an operation that there is not."""
    parts = sections(DATA)
    rows = [parts[4][i : i + DESCRIPTOR.size] for i in range(0, len(parts[4]), DESCRIPTOR.size)]
    rows[index] = DESCRIPTOR.pack(**DESCRIPTOR.unpack(rows[index]) | {"op": op})
    return rebuilt([*parts[:4], b"".join(rows), parts[5]])


def test_round_trip(tmp_path):
    path = tmp_path / "deep" / "model.celosia"
    IMAGE.save(path)
    assert [each.name for each in path.parent.iterdir()] == ["model.celosia"]
    loaded = Image.load(path)
    assert (loaded.config, loaded.model) == (IMAGE.config, IMAGE.model)
    assert loaded.sections == IMAGE.sections
    assert loaded.to_bytes() == DATA == rebuilt(sections(DATA))
    assert loaded.model.macs == GRAPH.macs == 800
    assert loaded.model.output == GRAPH.output and loaded.model.input == GRAPH.input


def test_a_file_older_than_checksums():
    parts = sections(DATA)
    config = json.loads(parts[0])
    del config["checksum"]
    parts[0] = json.dumps(config).encode()
    loaded = Image.from_bytes(rebuilt(parts))
    assert loaded.config == replace(IMAGE.config, checksum=0)
    assert all(loaded.runs_on(replace(IMAGE.config, checksum=has)) for has in (0, 1))
    assert not loaded.runs_on(replace(IMAGE.config, tables=IMAGE.config.tables + 1))


def test_missing(tmp_path):
    with pytest.raises(CelosiaError, match=r"gone.celosia: cannot read: No such file"):
        Image.load(tmp_path / "gone.celosia")
    with pytest.raises(CelosiaError, match="cannot read: Is a directory"):
        Image.load(tmp_path)


@pytest.mark.parametrize("data", [b"", b"x", b"\x80\x04pickle", b"PK\3\4" * 99, b"{}", DATA[1:]])
def test_foreign(data):
    with pytest.raises(CelosiaError, match="m: not a Celosia program image"):
        Image.from_bytes(data, "m")


def test_every_truncation():
    for size in [*range(1, 400), len(DATA) - 33, len(DATA) - 1]:
        with pytest.raises(CelosiaError, match="m: truncated: .*; compile the model again"):
            Image.from_bytes(DATA[:size], "m")


def test_too_long():
    with pytest.raises(CelosiaError, match="too long"):
        Image.from_bytes(DATA + b"\0")


def test_every_corruption():
    """One flipped bit anywhere is refused; behind the header, by the checksum."""
    for at in [*range(200), *range(200, len(DATA), 97), len(DATA) - 1]:
        data = bytearray(DATA)
        data[at] ^= 1 << at % 8
        with pytest.raises(CelosiaError, match="corrupt" if at >= 20 else "program image: "):
            Image.from_bytes(bytes(data))


def test_other_version():
    data = MAGIC + struct.pack("<I", VERSION + 1) + DATA[12:]
    text = f"file format {VERSION + 1}, this Celosia reads {VERSION}"
    with pytest.raises(CelosiaError, match=text):
        Image.from_bytes(data)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (1 << 20, "section 0 of 1048576 bytes exceeds the file"),
        ((1 << 64) - 1, "section 0 of .* exceeds the file"),
        (0, "section 1 of .* exceeds the file"),
        (5, "exceeds the file"),
        (len(DATA) - 20 - 32 - 7, "section 0 of .* exceeds the file"),
    ],
)
def test_section_sizes(size, message):
    body = DATA[20:-32]
    data = DATA[:20] + struct.pack("<Q", size) + body[8:]
    with pytest.raises(CelosiaError, match=f"inconsistent: .*{message}"):
        Image.from_bytes(data + hashlib.sha256(data).digest())


@pytest.mark.parametrize("count", [0, 5, 7])
def test_section_count(count):
    with pytest.raises(CelosiaError, match="section 5 is missing|bytes after|section 0 is"):
        Image.from_bytes(rebuilt((sections(DATA) * 2)[:count]))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (edited(0, rows=0), "rows = 0"),
        (edited(0, rows="4"), "rows = '4'"),
        (edited(0, colour=1), "colour"),
        (edited(0, weight_depth=1), "weights: 80 records exceed the memory's 1"),
        (edited(0, cols=28), "weights: 960 bytes are not records of 28"),
        (edited(1, name=3), "name = 3"),
        (edited(1, layers=[]), "last layer"),
        (edited(1, layers=7), "not iterable"),
        (edited(1, scale=-1.0), "scale"),
        (edited(1, zero_point=300), "zero_point"),
        (edited(1, extra=1), "extra"),
        (rebuilt([b"{}", *sections(DATA)[1:]]), "names differ"),
        (rebuilt([b"[1]", *sections(DATA)[1:]]), ""),
        (rebuilt([b"7", *sections(DATA)[1:]]), "not iterable"),
        (rebuilt([b"\xff{", *sections(DATA)[1:]]), "decode"),
        (rebuilt([b"[" * 100000, *sections(DATA)[1:]]), "recursion"),
        (foreign(0, op=7), "descriptor 0 is illegal: op"),
        (descriptor(1, src_words=0, clamp_min=9, clamp_max=8), "illegal: clamp, src_words"),
        (rebuilt([*sections(DATA)[:4], b"", *sections(DATA)[5:]]), "0 descriptors for 2 layers"),
        (descriptor(0, tail=1), "inputs"),
        (descriptor(0, weight_stride=31), "inputs"),
        (descriptor(1, tiles=2), "outputs"),
        (descriptor(0, emit=1), "emitted"),
        (descriptor(0, emit=1, last=1), "emitted"),
        (descriptor(1, last=0), "last"),
        (descriptor(1, weights=71), "weights"),
        (descriptor(1, params=9), "params"),
        (descriptor(1, use_table=1, table=3), "table"),
        (descriptor(1, src=1023), "src"),
        (descriptor(0, src=1012), "src"),  # with bank 1 of 8 words
        (descriptor(0, dst=1020), "dst"),
    ],
)
def test_inconsistent(data, message):
    with pytest.raises(CelosiaError, match=f"inconsistent: .*{message}"):
        Image.from_bytes(data)


def test_save_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CelosiaError, match="cannot write"):
        IMAGE.save(tmp_path / "file" / "model.celosia")


def test_check_input():
    for x in (np.zeros((2, 30)), np.zeros((2, 29), np.int8), np.zeros(30, np.int8), [[1.5]]):
        with pytest.raises(CelosiaError, match=r"random: the input is .*not int8 \[images, 30\]"):
            IMAGE.check_input(x)


def test_records():
    assert IMAGE.records(Memory.PROGRAM).shape == (2, DESCRIPTOR.size)
    assert IMAGE.records(Memory.WEIGHTS).shape == (2 * 30 + 20, 12)
