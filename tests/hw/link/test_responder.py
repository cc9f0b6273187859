"""Response frames: replies judged by the link model, runs, and runs that end early."""

from collections import deque
from random import Random

import numpy as np
import pytest
from tests.helpers.streams import LINKS, feed, simulate, words_of

from celosia.driver.frames import request
from celosia.model.link import LinkModel
from celosia.spec import REQUEST, TRAILER, Config, Opcode, Status, memories, record
from celosia.spec.timing import RECORD_LATENCY
from celosia_hw.link.responder import Responder

CONFIG = Config.default(
    2, 4, weight_depth=16, param_depth=8, act_depth=16, program_depth=4, tables=0, convolution=0
)


@pytest.mark.parametrize("flushed_after", range(6))
def test_a_flushed_run_has_no_fault(flushed_after):
    """Nothing may be taken of the core while or after it is flushed: it would count as another run
    that has ended."""
    dut = Responder(CONFIG)
    taken = []

    async def bench(ctx):
        ctx.set(dut.o.ready, 1)
        ctx.set(dut.fault, 1)
        for cycle in range(20):
            ctx.set(dut.flush, cycle == flushed_after)
            # The core has forgotten it in the cycle after.
            ctx.set(dut.fault, cycle <= flushed_after and not taken)
            if ctx.get(dut.fault_taken):
                taken.append(cycle)
            assert not (ctx.get(dut.fault_taken) and cycle >= flushed_after)
            await ctx.tick()

    simulate(dut, bench)
    # Without a flush in its way it is taken, once.
    assert len(taken) == (flushed_after > 1)


class Bench:
    """Plays the receiver, the core with its memories, the counters and the host."""

    def __init__(self, config: Config, stall: float):
        self.config, self.stall, self.rng = config, stall, Random(config.rows)
        self.dut, self.model = Responder(config), LinkModel(config)
        contents = np.random.default_rng(config.rows)
        for memory in memories(config):
            one = record(config, memory)
            data = contents.integers(0, 256, (one.depth, one.size)).astype(np.uint8)
            self.model.memories.write(memory, 0, data)
        self.counters = {"issued": 1 << 47, "skipped": 2, "images": 77}
        self.model.counters = dict(self.counters)
        self.frames = [self.reply(opcode) for opcode in Opcode]
        self.frames += [self.reply() if self.rng.random() < 0.6 else self.run() for _ in range(20)]
        self.words, self.answered = [], 0

    def reply(self, opcode: int | None = None) -> tuple[str, dict, bytes]:
        """A reply, and its frame."""
        rng = self.rng
        if opcode is None:
            opcode = rng.choice([*Opcode, Opcode.READ, Opcode.READ, Opcode.CHECKSUM, 99])
        fields = {"opcode": opcode, "arg": rng.choice([0, 255, 255]), "address": rng.randrange(9)}
        if opcode in (Opcode.READ, Opcode.WRITE, Opcode.CHECKSUM):
            one = record(self.config, rng.choice(memories(self.config)))
            count = rng.randint(1, min(max(one.depth, 1), 4))
            address = rng.choice([0, one.depth // 2, max(one.depth - count, 0)])
            fields = {"opcode": opcode, "arg": one.memory, "address": address, "count": count}
        # A WRITE that ends at once has stored nothing; here it is said to have stored some.
        frame = self.model.respond(request(self.config.link_bytes, **fields))
        trailer = TRAILER.unpack(frame[-len(self.pad(bytes(TRAILER.size))) :])
        stored = 0
        if opcode == Opcode.WRITE:
            stored = rng.randrange(1000)
            frame = self.pad(TRAILER.pack(**trailer | {"count": stored}))
        request_ = {field.name: fields.get(field.name, 0) for field in REQUEST.fields}
        return "reply", {"status": trailer["status"], "request": request_, "stored": stored}, frame

    def run(self) -> tuple[str, list, bytes]:
        """Results and maybe a fault, and their frame."""
        results = [self.rng.randbytes(self.config.lanes) for _ in range(self.rng.randrange(5))]
        fault = None
        end = {"status": Status.OK, "count": len(results)}
        if not results or self.rng.random() < 0.3:
            fault = self.rng.randint(0, self.config.program_depth)
            end = {"status": Status.BAD_DESCRIPTOR, "info": fault}
        trailer = TRAILER.pack(opcode=Opcode.INFER, **end)
        return "run", (results, fault), b"".join(map(self.pad, [*results, trailer]))

    def pad(self, data: bytes) -> bytes:
        return b"".join(
            word.to_bytes(self.config.link_bytes, "little")
            for word in words_of(data, self.config.link_bytes)
        )

    async def core(self, ctx):
        """Asks for all frames, in order."""
        dut = self.dut
        ctx.set(dut.counters, self.counters)
        runs = 0
        for kind, what, _ in self.frames:
            if kind == "reply":
                # The receiver waits until all runs have been answered.
                while self.answered < runs:
                    await ctx.tick()
                await feed(ctx, dut.reply, [what], self.rng)
                # The next request begins with nothing stored.
                ctx.set(dut.reply.payload, {})
                continue
            runs += 1
            results, fault = what
            payloads = [
                {"data": list(result), "frame_end": fault is None and n == len(results) - 1}
                for n, result in enumerate(results)
            ]
            await feed(ctx, dut.results, payloads, self.rng, self.stall)
            if fault is not None:
                ctx.set(dut.fault, 1)
                ctx.set(dut.fault_addr, fault)
                await ctx.tick().until(dut.fault_taken)
                ctx.set(dut.fault, 0)
                # The address may change at once.
                ctx.set(dut.fault_addr, 0)

    async def memories(self, ctx):
        """`RECORD_LATENCY` cycles from an address to its records, as long as it is read."""
        dut, latest = self.dut, deque([{}] * RECORD_LATENCY, RECORD_LATENCY)
        while len(self.words) < self.total:
            ctx.set(dut.read_data, latest[0])
            address = ctx.get(dut.read_row) * self.config.act_depth + ctx.get(dut.read_addr)
            found = {}
            for memory in memories(self.config):
                records = self.model.memories.records(memory)
                if ctx.get(dut.reading) and address < len(records):
                    found[memory.name.lower()] = int.from_bytes(
                        records[address].tobytes(), "little"
                    )
            latest.append(found)
            await ctx.tick()

    async def host(self, ctx):
        """Takes all words; stalls none that is not offered."""
        dut = self.dut
        while len(self.words) < self.total:
            ctx.set(dut.o.ready, not ctx.get(dut.o.valid) or self.rng.random() >= self.stall)
            _, _, valid, ready, word, answered, clear, hold = await ctx.tick().sample(
                *(dut.o.valid, dut.o.ready, dut.o.payload, dut.answered, dut.clear, dut.hold)
            )
            if valid and ready:
                self.words.append((word.data, word.last))
            self.answered += answered
            # Counters must not change before they are cleared.
            assert hold or not clear
            if clear:
                ctx.set(dut.counters, {})

    @property
    def total(self) -> int:
        return sum(len(frame) for *_, frame in self.frames) // self.config.link_bytes


@pytest.mark.parametrize("config", LINKS, ids=lambda config: f"{config}b{config.link_bytes}")
@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_frames(config, stall):
    bench = Bench(config, stall)
    simulate(bench.dut, bench.core, bench.memories, bench.host)
    expected = []
    for *_, frame in bench.frames:
        words = words_of(frame, config.link_bytes)
        expected += [(word, int(n == len(words) - 1)) for n, word in enumerate(words)]
    assert bench.words == expected
    assert bench.answered == sum(kind == "run" for kind, *_ in bench.frames)
