"""The program walker: hand-written descriptors, one field at a time."""

import numpy as np
import pytest

from celosia.model.memories import Memories
from celosia.model.program import decode
from celosia.spec import (
    DESCRIPTOR,
    PARAMETER,
    Config,
    Memory,
    Op,
    Status,
    pack_descriptor,
    unpack_descriptor,
    violations,
)
from celosia.support.errors import CelosiaError

CONFIG = Config(
    rows=2,
    cols=4,
    lanes=2,
    link_bytes=4,
    weight_depth=64,
    param_depth=16,
    program_depth=4,
    act_depth=16,
    tables=1,
)
#: 3 inputs, 4 outputs, emitted, from the input bank.
GOOD = {
    "op": Op.DENSE,
    "last": 1,
    "emit": 1,
    "from_input": 1,
    "clamp_max": 255,
    "src_words": 2,
    "tail": 1,
    "tiles": 1,
    "weight_stride": 3,
}


def packed(values: dict) -> bytes:
    """The descriptor, with the part of a dense layer whatever ``op`` says."""
    fields = DESCRIPTOR.unpack(pack_descriptor(**values | {"op": Op.DENSE}))
    return DESCRIPTOR.pack(**fields | {"op": values["op"]})


def engine(*descriptors: dict) -> Memories:
    """Weight word i is [i, i + 1, i + 2, i + 3]; every factor is 1; table[u] = 255 - u."""
    memories = Memories(CONFIG)
    words = np.arange(64)[:, None] + np.arange(4)
    memories.write(Memory.WEIGHTS, 0, words.astype(np.uint8))
    channel = PARAMETER.pack(multiplier=1 << 30, shift=1)
    params = np.frombuffer(channel * 2 * 16, np.uint8).reshape(16, -1)
    memories.write(Memory.PARAMS, 0, params)
    memories.write(Memory.TABLES, 0, np.arange(255, -1, -1, dtype=np.uint8)[:, None])
    for index, descriptor in enumerate(descriptors):
        data = np.frombuffer(packed(descriptor), np.uint8)
        memories.write(Memory.PROGRAM, index, data[None])
    return memories


def act(*values: int) -> np.ndarray:
    memory = np.zeros((1, 32), np.uint8)
    memory[0, : len(values)] = values
    return memory


def run(*descriptors: dict, memory: np.ndarray | None = None, base: int = 0) -> list[list[int]]:
    program = decode(engine(*descriptors), 0)
    memory = act(1, 2, 3, 99) if memory is None else memory
    return [y[0].tolist() for y in program.run(memory, base)]


def test_tail_ends_the_input():
    # 1*[0..3] + 2*[1..4] + 3*[2..5]; the 99 behind the tail does not count.
    assert run(GOOD) == [[8, 14, 20, 26]]


def test_tiles_step_by_the_stride_and_parameters_follow():
    assert run(GOOD | {"tiles": 2, "weights": 1}) == [[14, 20, 26, 32, 32, 38, 44, 50]]


def test_stride_is_the_distance_of_tiles_only():
    assert run(GOOD | {"tiles": 2, "weight_stride": 5}) == [[8, 14, 20, 26, 38, 44, 50, 56]]


def test_zero_point_clamp_and_table():
    assert run(GOOD | {"zero_point": 10}) == [[18, 24, 30, 36]]
    assert run(GOOD | {"clamp_min": 10, "clamp_max": 20}) == [[10, 14, 20, 20]]
    assert run(GOOD | {"use_table": 1}) == [[247, 241, 235, 229]]


def test_source_and_bank():
    memory = act(0, 0, 0, 0, 1, 2, 3)
    assert run(GOOD, memory=memory, base=2) == [[8, 14, 20, 26]]
    assert run(GOOD | {"from_input": 0, "src": 2}, memory=memory, base=7) == [[8, 14, 20, 26]]
    assert run(GOOD | {"src": 1}, memory=memory, base=1) == [[8, 14, 20, 26]]


def test_store_then_read():
    first = GOOD | {"last": 0, "emit": 0, "store": 1, "dst": 5}
    second = GOOD | {"from_input": 0, "src": 5, "tail": 1, "clamp_max": 254}
    memory = act(1, 2, 3)
    # 8*[0..3] + 14*[1..4] + 20*[2..5]
    assert run(first, second, memory=memory) == [[54, 96, 138, 180]]
    assert memory[0, 10:14].tolist() == [8, 14, 20, 26] and not memory[0, 14:].any()
    assert run(first | {"emit": 1}, second) == [[8, 14, 20, 26], [54, 96, 138, 180]]


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        ({"op": 0}, "op"),
        ({"op": 15}, "op"),
        ({"src_words": 0}, "src_words"),
        ({"tiles": 0}, "tiles"),
        ({"weight_stride": 0}, "weight_stride"),
        ({"tail": 0}, "tail"),
        ({"tail": 3}, "tail"),
        ({"emit": 0}, "last"),
        ({"use_table": 1, "table": 1}, "table"),
        ({"clamp_min": 9, "clamp_max": 8}, "clamp"),
    ],
    ids=str,
)
def test_illegal(bad, rule):
    assert violations(unpack_descriptor(packed(GOOD)), CONFIG) == []
    assert violations(unpack_descriptor(packed(GOOD | bad)), CONFIG) == [rule]
    program = decode(engine(GOOD | {"last": 0}, GOOD | bad), 0)
    assert (program.status, program.info, len(program.layers)) == (Status.BAD_DESCRIPTOR, 1, 1)


def test_running_past_the_memory():
    program = decode(engine(*[GOOD | {"last": 0}] * 4), 2)
    assert (program.status, program.info, len(program.layers)) == (Status.BAD_DESCRIPTOR, 4, 2)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"weights": 62}, "weight words 62..64 of 64"),
        ({"params": 15}, "parameter words 15..16 of 16"),
        ({"src": 15}, "activation words 15..16 of 16"),
        ({"store": 1, "dst": 15}, "activation words 15..16 of 16"),
        ({"store": 1, "dst": 1, "tiles": 2}, "overwrites its input"),
    ],
)
def test_no_defined_result(bad, message):
    with pytest.raises(CelosiaError, match=message):
        run(GOOD | bad)


def test_padding_is_not_stored():
    memories = Memories(CONFIG)
    for memory in (Memory.PARAMS, Memory.PROGRAM, Memory.WEIGHTS):
        size = memories.records(memory).shape[1]
        memories.write(memory, 1, np.full((1, size), 255, np.uint8))
    assert memories.params[1, 8] == 0b11111 and memories.params[1, 17] == 0b11111
    stored = int.from_bytes(memories.program[1].tobytes(), "little")
    assert stored == (1 << DESCRIPTOR.width) - 1
    assert (memories.weights[1] == -1).all() and not memories.weights[0].any()
