"""Admission judged by the link model: every opcode, memory, and corner of addresses and counts."""

from collections import Counter
from collections.abc import Iterator

import pytest
from tests.helpers.streams import LINKS, simulate

from celosia.driver.frames import request
from celosia.model.link import LinkModel
from celosia.spec import (
    REQUEST,
    TRAILER,
    Config,
    InferFlag,
    Memory,
    Opcode,
    Status,
    memories,
    record,
    round_up,
)
from celosia_hw.link.admission import Admission

MOST = (1 << REQUEST.width_of("address")) - 1


def requests(config: Config) -> Iterator[dict[str, int]]:
    """Fields of requests around every limit of ``config``."""
    for opcode in (Opcode.WRITE, Opcode.READ, Opcode.CHECKSUM):
        for arg in (*Memory, 5, 8, Memory.PARAMS | 64, 255):
            known = arg in memories(config)
            depth = record(config, Memory(arg)).depth if known else 3
            for address in {0, 1, max(depth - 1, 0), depth, depth + 1, MOST}:
                for count in {0, 1, max(depth - 1, 0), depth, depth + 1, MOST}:
                    yield {"opcode": opcode, "arg": arg, "address": address, "count": count}
    half, rows = config.act_depth // 2, config.rows
    for images in {1, rows, rows + 1, InferFlag.IMAGES_MASK + 1}:
        for flags in (0, InferFlag.NO_SKIP, 96):
            for address in {0, config.program_depth - 1, config.program_depth, MOST}:
                for count in {0, 1, half, half + 1, config.act_depth, MOST}:
                    arg = images - 1 | flags
                    yield {"opcode": Opcode.INFER, "arg": arg, "address": address, "count": count}
    for opcode in (*Opcode, 0, 8, 128 | Opcode.WRITE, 255):
        if opcode not in (Opcode.WRITE, Opcode.READ, Opcode.CHECKSUM, Opcode.INFER):
            for arg, address, count in ((0, 0, 0), (1, 0, 1), (255, MOST, MOST)):
                yield {"opcode": opcode, "arg": arg, "address": address, "count": count}


def judgement(config: Config, fields: dict[str, int], *, ended: bool) -> Status:
    """Status that the model answers a frame with: its header alone, or with the payload it names.

    A header that names no payload, or more than any memory has, is followed by one word.
    """
    words = 0
    if not ended:
        deepest = max(record(config, memory).depth for memory in memories(config))
        words = _payload_words(config, fields) if 0 < fields["count"] <= deepest else 1
    frame = request(config.link_bytes, **fields, payload=bytes(words * config.link_bytes))
    response = LinkModel(config).respond(frame)
    status = TRAILER.unpack(response[-round_up(TRAILER.size, config.link_bytes) :])["status"]
    # Found by the run, whose program memory is empty.
    return Status.OK if status == Status.BAD_DESCRIPTOR else Status(status)


def _payload_words(config: Config, fields: dict[str, int]) -> int:
    if fields["opcode"] == Opcode.INFER:
        images = (fields["arg"] & InferFlag.IMAGES_MASK) + 1
        return fields["count"] * images * record(config, Memory.ACTIVATIONS).words
    if fields["opcode"] == Opcode.WRITE and fields["arg"] in memories(config):
        return fields["count"] * record(config, Memory(fields["arg"])).words
    return 1


@pytest.mark.parametrize("config", LINKS, ids=lambda config: f"{config}b{config.link_bytes}")
def test_admission(config):
    dut = Admission(config)
    seen = Counter()

    async def bench(ctx):
        for fields in requests(config):
            for ended in (False, True):
                ctx.set(dut.request, fields)
                ctx.set(dut.words, fields["count"])
                ctx.set(dut.ended, ended)
                for _ in range(dut.latency):
                    await ctx.tick()
                expected = judgement(config, fields, ended=ended)
                assert ctx.get(dut.status) == expected, (fields, ended)
                opcode = fields["opcode"]
                assert ctx.get(dut.input_follows) == (opcode == Opcode.INFER)
                assert ctx.get(dut.records_follow) == (opcode == Opcode.WRITE)
                assert ctx.get(dut.resets) == (opcode == Opcode.RESET)
                seen[expected] += 1

    simulate(dut, bench)
    # These two are found by a run.
    assert set(seen) == set(Status) - {Status.BAD_DESCRIPTOR, Status.ABORTED}
