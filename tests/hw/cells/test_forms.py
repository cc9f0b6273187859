"""The fast form of the engine against the placed one: the same words in the same cycles."""

import numpy as np
import pytest
from tb.benches import BENCHES
from tests.conftest import EVERY_FAMILY
from tests.helpers.networks import CONFIGS, network

from celosia.compiler import compile
from celosia.driver import Device
from celosia.driver.frames import pad_records, request
from celosia.driver.rtl.source import engine_verilog
from celosia.driver.rtl.transport import RtlTransport, _Outcome, _Report
from celosia.spec import Config, InferFlag, Memory, Opcode, ceil_div, memories, record

#: Every engine that the tests run programs on.
ENGINES = {**BENCHES["engine"].variants, **{f"default {name}": c for name, c in CONFIGS.items()}}
#: That of `make test`, with words so wide that they are read only when needed; `make netlist` has
#: all.
SOME = {"8x8": Config.default(8, 8, link_bytes=4, act_depth=64, convolution=0)}
INPUTS = 40
#: Cycles in which nothing happens only when nothing will.
IDLE = 3000


def requests(rng: np.random.Generator, config: Config, count: int) -> list[bytes]:
    """Any requests, good and bad, on whatever is in the memories; often runs.

    Inputs have the length that the program reads: what one reads beyond its own, the next may be
    writing, and whether it is read before or after is up to a technology.
    """

    def frame(opcode, arg=0, address=0, count=0, payload=b""):
        return request(config.link_bytes, opcode, arg, address, count, payload)

    def run() -> bytes:
        rows, words = int(rng.integers(1, config.rows + 1)), ceil_div(INPUTS, config.lanes)
        x = rng.integers(0, 256, (words, rows, config.lanes)).astype(np.uint8)
        x[rng.random((words, 1, config.lanes)).repeat(rows, 1) < 0.7] = 0
        flags = InferFlag.NO_SKIP if rng.random() < 0.3 else InferFlag(0)
        entry = int(rng.choice([0, 0, 0, 1, config.program_depth - 1]))
        payload = pad_records(x, config.link_bytes)
        return frame(Opcode.INFER, flags | (rows - 1), entry, words, payload)

    def other() -> bytes:
        kind = rng.integers(6)
        memory = Memory(rng.choice(memories(config)))
        depth = record(config, memory).depth
        address = int(rng.integers(depth + 2))
        if kind == 0:
            return frame(Opcode.COUNTERS, int(rng.integers(2)))
        if kind == 1:
            opcode = rng.choice([Opcode.READ, Opcode.CHECKSUM])
            return frame(opcode, memory, address, int(rng.integers(6)))
        if kind == 2:
            size = record(config, memory).size
            records = rng.integers(0, 256, (int(rng.integers(1, 5)), size)).astype(np.uint8)
            if memory == Memory.PROGRAM:
                records[:] = 0  # illegal, wherever a run comes to it
            payload = pad_records(records, config.link_bytes)
            return frame(Opcode.WRITE, memory, address, len(records), payload)
        if kind == 3:
            return frame(int(rng.choice([Opcode.IDENTIFY, 99, 255])))
        if kind == 4:
            return frame(Opcode.RESET)
        broken = run()
        words = int(rng.integers(1, len(broken) // config.link_bytes + 1))
        return broken[: words * config.link_bytes] + bytes(config.link_bytes * int(rng.integers(2)))

    return [run() if rng.random() < 0.7 else other() for _ in range(count)]


@pytest.mark.parametrize("name", ENGINES | SOME if EVERY_FAMILY else SOME)
def test_same_words_in_the_same_cycles(name):
    config = (ENGINES | SOME)[name]
    seed = 40 + config.rows
    print(f"seed {seed}")
    rng = np.random.default_rng(seed)
    # Tiles of the last layer take longer than their results.
    graph = network(rng, [INPUTS, 70, 13], tables=config.tables)
    image = compile(graph, config, emit_all=True)
    exchanges = [requests(rng, config, int(rng.integers(1, 30))) for _ in range(40)]
    seen = []
    for technology in ("portable", "simulation"):
        verilog = engine_verilog(config, technology=technology)
        stalls = {"stall_input": 0.2, "stall_output": 0.3, "seed": seed}
        with Device(RtlTransport(config, verilog, **stalls)) as device:
            device.load(image)
            seen.append([words(device.transport, frames) for frames in exchanges])
    assert seen[0] == seen[1]
    assert all(seen[0])


def words(transport: RtlTransport, frames: list[bytes]) -> list[tuple[int, bytes]]:
    """Every word of the responses, and the cycle in which it was taken, until nothing happens."""
    sent, last = transport._pack(frames)
    transport._lib.celosia_begin(
        transport._engine, sent.ctypes.data, last.ctypes.data, len(last), len(frames)
    )
    word, ends = np.empty(transport.link_bytes, np.uint8), np.empty(1, np.uint8)
    report, taken = _Report(), []
    outcome = _Outcome.MORE
    # Nobody answers the runs that a RESET ends: then the wait for it does.
    while outcome == _Outcome.MORE:
        outcome = transport._lib.celosia_run(
            transport._engine, word.ctypes.data, ends.ctypes.data, 1, 2 * IDLE, IDLE, report
        )
        if report.out_words:
            taken.append((report.clocked, word.tobytes()))
    assert outcome in (_Outcome.DONE, _Outcome.HUNG)
    return taken
