"""Checksums of the simulated engine: what they are, how long they take, and that they tell."""

import numpy as np
import pytest
from tests.helpers.random_graphs import MAP_CONFIGS, random_graph

from celosia.compiler import compile
from celosia.driver.device import Device
from celosia.driver.golden import GoldenTransport
from celosia.driver.rtl.transport import RtlTransport
from celosia.predict.checksum import checksum_cycles
from celosia.spec import Memory, Opcode, memories, record
from celosia.support.errors import CelosiaError

#: Their simulations are those of `test_maps`.
CONFIG = MAP_CONFIGS["3x5"]
IMAGE = compile(random_graph(np.random.default_rng(4)), CONFIG)


def test_any_range_takes_the_predicted_cycles():
    rng = np.random.default_rng(4)
    engine, golden = Device(RtlTransport(CONFIG)), Device(GoldenTransport(CONFIG))
    for device in (engine, golden):
        device.load(IMAGE)
    for memory in memories(CONFIG):
        depth = record(CONFIG, memory).depth
        for _ in range(6):
            count = int(rng.integers(1, min(depth, 40) + 1))
            # At the beginning, which the image has filled, or across the end of a row.
            address = int(rng.choice([0, depth - count, min(depth - count, CONFIG.act_depth - 3)]))
            asked = memory, address, count
            if memory is not Memory.ACTIVATIONS:
                assert engine.checksum(*asked) == golden.checksum(*asked), asked
            engine.checksum(*asked)
            assert engine.transport.cycles == checksum_cycles(CONFIG, *asked), asked


@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_each_memory_is_told_apart(stall):
    rng = np.random.default_rng(5)
    engine = Device(RtlTransport(CONFIG, stall_input=stall, stall_output=stall, seed=1))
    engine.load(IMAGE)
    for memory in IMAGE.sections:
        records = IMAGE.records(memory)
        assert len(records), memory
        index = int(rng.integers(len(records)))
        flipped = np.array(records[index : index + 1])
        flipped[0, rng.integers(flipped.shape[1] if memory != Memory.PROGRAM else 60)] ^= 1
        engine.write(memory, index, flipped)
        title = record(CONFIG, memory).title
        with pytest.raises(CelosiaError, match=f"engine, {title}: record {index} differs"):
            engine.verify()
        engine.write(memory, index, records[index : index + 1])
        engine.image = IMAGE
        engine.verify()


def test_a_reset_behind_a_checksum_leaves_the_engine_in_step():
    """Requests are answered in order: the checksum first, whole, then the reset."""
    transport = RtlTransport(CONFIG, seed=2)
    engine = Device(transport)
    engine.load(IMAGE)
    frame = bytes([Opcode.CHECKSUM, Memory.WEIGHTS, 0, 0, 0, 40, 0, 0])
    null, reset = bytes(CONFIG.link_bytes), bytes([Opcode.RESET]).ljust(8, b"\0")
    first, refusal, done = transport.exchange([frame, null, reset])
    assert int.from_bytes(first[:4], "little") == engine.checksum(Memory.WEIGHTS, 0, 40)
    assert len(refusal) == len(done) == 8
    engine.verify()
