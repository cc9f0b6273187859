"""The link model: every status, every order of checks, and what a refusal leaves behind."""

import numpy as np
import pytest

from celosia.driver.frames import padded
from celosia.model.link import LinkModel
from celosia.spec import (
    COUNTERS,
    DESCRIPTOR,
    IDENTITY,
    PARAMETER,
    REQUEST,
    TRAILER,
    Config,
    Memory,
    Op,
    Opcode,
    Status,
    config_of,
    memories,
    pack_descriptor,
    record,
    round_up,
)

CONFIG = Config(
    rows=3,
    cols=4,
    lanes=2,
    link_bytes=4,
    weight_depth=8,
    param_depth=4,
    program_depth=4,
    act_depth=8,
    tables=1,
)
#: 4 inputs, 4 outputs.
LAYER = {
    "op": Op.DENSE,
    "last": 1,
    "emit": 1,
    "from_input": 1,
    "clamp_max": 255,
    "src_words": 2,
    "tail": 2,
    "tiles": 1,
    "weight_stride": 4,
}


def ask(model: LinkModel, opcode: int, arg=0, address=0, count=0, payload=b"") -> tuple:
    """(status, info, count, payload) of the response; its opcode is checked here."""
    header = REQUEST.pack(opcode=opcode, arg=arg, address=address, count=count)
    link_bytes = model.config.link_bytes
    header = header.ljust(round_up(len(header), link_bytes), b"\0")
    frame = model.respond(header + payload)
    size = round_up(TRAILER.size, link_bytes)
    assert len(frame) % link_bytes == 0 and len(frame) >= size
    trailer = TRAILER.unpack(frame[-size:])
    assert trailer["opcode"] == opcode and not any(frame[len(frame) - size + TRAILER.size :])
    return Status(trailer["status"]), trailer["info"], trailer["count"], frame[:-size]


def loaded(*descriptors: dict) -> LinkModel:
    """Identity weights and unit factors, so that outputs are inputs."""
    model = LinkModel(CONFIG)
    ask(model, Opcode.WRITE, Memory.WEIGHTS, 0, 4, np.eye(4, dtype=np.uint8).tobytes())
    channel = PARAMETER.pack(multiplier=1 << 30, shift=1)
    word = (channel * 2).ljust(20, b"\0")
    assert ask(model, Opcode.WRITE, Memory.PARAMS, 0, 2, word * 2)[0] == Status.OK
    size = padded(DESCRIPTOR.size, CONFIG.link_bytes)
    program = b"".join(pack_descriptor(**each).ljust(size, b"\0") for each in descriptors)
    ask(model, Opcode.WRITE, Memory.PROGRAM, 0, len(descriptors), program)
    return model


def words(*pairs: bytes) -> bytes:
    """Activation words of 2 bytes, each padded to a link word of 4."""
    return b"".join(pair.ljust(4, b"\xee") for pair in pairs)


#: Word 0 of three images, then word 1 of them.
INPUT = words(b"\1\2", b"\3\4", b"\5\6", b"\7\x08", b"\x09\x0a", b"\x0b\x0c")
OUTPUT = INPUT.replace(b"\xee", b"\0")


def test_identify():
    status, info, count, payload = ask(LinkModel(CONFIG), Opcode.IDENTIFY)
    assert (status, info, count) == (Status.OK, 0, 0)
    identity = IDENTITY.unpack(payload)
    assert identity["magic"].to_bytes(4, "little") == b"CELO" and identity["ops"] == 1 << Op.DENSE
    assert config_of(identity) == CONFIG


@pytest.mark.parametrize("link_bytes", [1, 2, 4, 8, 16, 32])
def test_header_shorter_than_a_request(link_bytes):
    model = LinkModel(Config(**CONFIG.to_dict() | {"link_bytes": link_bytes}))
    for size in range(link_bytes, REQUEST.size, link_bytes):
        frame = model.respond(bytes([Opcode.IDENTIFY] * size))
        trailer = TRAILER.unpack(frame)
        assert trailer == {"status": Status.TRUNCATED, "opcode": 0, "info": 0, "count": 0}
    assert ask(model, Opcode.IDENTIFY)[0] == Status.OK


def test_not_words():
    for frame in (b"", b"12345"):
        with pytest.raises(ValueError, match="are not words of 4"):
            LinkModel(CONFIG).respond(frame)


@pytest.mark.parametrize("opcode", [0, 7, 255])
def test_unknown_opcode(opcode):
    assert ask(LinkModel(CONFIG), opcode, payload=b"1234") == (Status.UNKNOWN_OPCODE, 0, 0, b"")


@pytest.mark.parametrize("opcode", [Opcode.IDENTIFY, Opcode.COUNTERS, Opcode.READ, Opcode.RESET])
def test_overlong_without_payload(opcode):
    model = loaded(LAYER)
    ask(model, Opcode.INFER, 0, 0, 2, words(b"\1\2", b"\3\4"))
    answer = ask(model, opcode, 1, 0, 1, b"1234")
    assert answer == (Status.OVERLONG, 0, 0, b"")
    assert model.bank == 1 and model.counters["images"] == 1


@pytest.mark.parametrize("opcode", [Opcode.WRITE, Opcode.READ])
def test_order_of_checks_of_an_access(opcode):
    model = LinkModel(CONFIG)
    assert ask(model, opcode, 5, 99, 0, b"1234") == (Status.UNKNOWN_MEMORY, 0, 0, b"")
    if opcode == Opcode.WRITE:
        assert ask(model, opcode, Memory.ACTIVATIONS, 0, 0)[0] == Status.UNKNOWN_MEMORY
    assert ask(model, opcode, Memory.WEIGHTS, 99, 0, b"1234")[0] == Status.EMPTY
    for address, count in ((8, 1), (0, 9), (7, 2), ((1 << 24) - 1, (1 << 24) - 1)):
        refusal = ask(model, opcode, Memory.WEIGHTS, address, count, b"1234")
        assert refusal == (Status.OUT_OF_RANGE, 0, 0, b"")
    none = LinkModel(Config(**CONFIG.to_dict() | {"tables": 0}))
    assert ask(none, opcode, Memory.TABLES, 0, 1, b"1234")[0] == Status.OUT_OF_RANGE


WRITABLE = [each for each in memories(CONFIG) if each != Memory.ACTIVATIONS]


@pytest.mark.parametrize("memory", WRITABLE)
def test_write_and_read_back(memory):
    model, shape = LinkModel(CONFIG), record(CONFIG, memory)
    rng = np.random.default_rng(5)
    data = rng.integers(0, 256, (3, 4 * shape.words)).astype(np.uint8)
    answer = ask(model, Opcode.WRITE, memory, shape.depth - 3, 3, data.tobytes())
    assert answer == (Status.OK, 0, 3, b"")
    status, _, count, payload = ask(model, Opcode.READ, memory, shape.depth - 3, 3)
    assert (status, count) == (Status.OK, 3)
    got = np.frombuffer(payload, np.uint8).reshape(3, -1)
    assert got.shape == data.shape and not got[:, shape.size :].any()
    if memory in (Memory.WEIGHTS, Memory.TABLES):
        assert (got[:, : shape.size] == data[:, : shape.size]).all()
    assert not any(ask(model, Opcode.READ, memory, 0, shape.depth - 3)[3])


def test_write_of_the_wrong_length():
    model = LinkModel(CONFIG)
    data = bytes(range(1, 13))
    # Records are whole or not there: the third one lacks nothing here, then half of it.
    wide = LinkModel(Config(**CONFIG.to_dict() | {"link_bytes": 2}))
    assert ask(wide, Opcode.WRITE, 0, 0, 3, data[:10]) == (Status.TRUNCATED, 0, 2, b"")
    assert ask(wide, Opcode.READ, 0, 0, 3)[3] == data[:8] + bytes(4)
    assert ask(model, Opcode.WRITE, 0, 0, 3) == (Status.TRUNCATED, 0, 0, b"")
    assert ask(model, Opcode.WRITE, 0, 0, 2, data) == (Status.OVERLONG, 0, 2, b"")
    assert ask(model, Opcode.READ, 0, 0, 3)[3] == data[:8] + bytes(4)


def test_infer():
    model = loaded(LAYER)
    assert ask(model, Opcode.INFER, 2, 0, 2, INPUT) == (Status.OK, 0, 6, OUTPUT)
    assert ask(model, Opcode.INFER, 128, 0, 2, words(b"\1\0", b"\3\4"))[2:] == (
        2,
        b"\1\0\0\0\3\4\0\0",
    )
    # The second run's input went to the other bank, of the first row only.
    memory = ask(model, Opcode.READ, Memory.ACTIVATIONS, 0, 24)[3]
    rows = np.frombuffer(memory, np.uint8).reshape(3, 8, 4)[..., :2].reshape(3, -1)
    assert rows[:, :4].tolist() == [[1, 2, 7, 8], [3, 4, 9, 10], [5, 6, 11, 12]]
    assert rows[0, 4:8].tolist() == [1, 0, 3, 4] and not rows[1:, 4:].any()


def test_order_of_checks_of_infer():
    model = loaded(LAYER)
    for arg, address, count, status in (
        (3, 99, 0, Status.TOO_MANY_IMAGES),
        (31, 0, 1, Status.TOO_MANY_IMAGES),
        (2, 99, 0, Status.EMPTY),
        (2, 4, 2, Status.OUT_OF_RANGE),
        (2, 0, 5, Status.OUT_OF_RANGE),
        (2, 3, 2, Status.BAD_DESCRIPTOR),
    ):
        assert ask(model, Opcode.INFER, arg, address, count, INPUT)[0] == status
    assert ask(model, Opcode.INFER, 0, 0, 4, bytes(16))[0] == Status.OK


@pytest.mark.parametrize("size", [0, 4, 20, 28])
def test_infer_of_the_wrong_length(size):
    model = loaded(LAYER)
    status = Status.TRUNCATED if size < 24 else Status.OVERLONG
    assert ask(model, Opcode.INFER, 2, 0, 2, (INPUT * 2)[:size]) == (status, 0, 0, b"")
    assert model.bank == 0 and model.counters["images"] == 0
    stored = model.memories.activations.reshape(3, 8, 2)[:, :2].transpose(1, 0, 2).tobytes()
    assert stored == b"".join(INPUT[i : i + 2] for i in range(0, 24, 4))[: size // 2].ljust(
        12, b"\0"
    )
    assert ask(model, Opcode.INFER, 2, 0, 2, INPUT)[3] == OUTPUT


def test_bad_descriptor_after_results():
    model = loaded(LAYER | {"last": 0}, {"op": 9, "tiles": 1})
    assert ask(model, Opcode.INFER, 2, 0, 2, INPUT) == (Status.BAD_DESCRIPTOR, 1, 0, OUTPUT)
    assert ask(model, Opcode.INFER, 0, 1, 2, bytes(8)) == (Status.BAD_DESCRIPTOR, 1, 0, b"")
    assert model.counters == {"issued": 4, "skipped": 0, "images": 0} and model.bank == 0


def test_a_write_changes_the_next_run():
    model = loaded(LAYER)
    ask(model, Opcode.INFER, 2, 0, 2, INPUT)
    ask(model, Opcode.WRITE, Memory.WEIGHTS, 0, 4, bytes(16))
    assert not any(ask(model, Opcode.INFER, 2, 0, 2, INPUT)[3])


def test_counters():
    model = loaded(LAYER)
    pair = words(b"\0\2", b"\0\0", b"\0\0", b"\0\4")
    ask(model, Opcode.INFER, 1, 0, 2, pair)  # k 1 and 3 are needed
    ask(model, Opcode.INFER, 1 | 128, 0, 2, pair)
    ask(model, Opcode.INFER, 1, 0, 2, bytes(16))  # one issue ends the tile
    expected = {"issued": 2 + 4 + 1, "skipped": 2 + 0 + 4, "images": 6}
    for arg, values in ((0, expected), (1, expected), (0, dict.fromkeys(expected, 0))):
        status, _, count, payload = ask(model, Opcode.COUNTERS, arg)
        assert (status, count, len(payload)) == (Status.OK, 0, COUNTERS.size)
        counters = COUNTERS.unpack(payload)
        assert {name: counters[name] for name in values} == values


def test_reset_returns_to_bank_0_and_keeps_memories():
    model = loaded(LAYER)
    ask(model, Opcode.INFER, 2, 0, 2, INPUT)
    before = {memory: model.memories.records(memory).copy() for memory in memories(CONFIG)}
    assert ask(model, Opcode.RESET) == (Status.OK, 0, 0, b"")
    assert model.bank == 0 and model.counters["images"] == 3
    for memory, records in before.items():
        assert (model.memories.records(memory) == records).all()
