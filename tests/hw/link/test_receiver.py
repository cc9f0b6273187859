"""Frames through the whole receiver, good and bad, judged by the link model."""

from collections import Counter
from random import Random

import numpy as np
import pytest
from tests.helpers.streams import LINKS, simulate, words_of

from celosia.driver.frames import request
from celosia.model.link import LinkModel
from celosia.model.memories import Memories
from celosia.spec import (
    REQUEST,
    TRAILER,
    Config,
    InferFlag,
    Memory,
    Opcode,
    Status,
    record,
    round_up,
)
from celosia_hw.layouts import writable, written_record
from celosia_hw.link.receiver import Receiver

FRAMES = 90


def frame(config: Config, rng: Random) -> bytes:
    """Any request; some of them are refused, or end too early or too late."""
    fields = {"opcode": rng.choice([Opcode.WRITE, *[Opcode.INFER] * 3] * 3 + [*Opcode, 0, 99])}
    payload = b""
    if fields["opcode"] == Opcode.INFER:
        images = rng.randint(1, config.rows + (rng.random() < 0.1))
        words = rng.choice([2, 2, 2, rng.randint(0, config.act_depth // 2 + 1)])
        fields["arg"] = images - 1 | rng.choice([0, InferFlag.NO_SKIP])
        fields |= {"address": rng.choice([0, 0, 0, config.program_depth - 1]), "count": words}
        size = images * words * record(config, Memory.ACTIVATIONS).words
        payload = rng.randbytes(size * config.link_bytes)
    elif fields["opcode"] in (Opcode.WRITE, Opcode.READ, Opcode.CHECKSUM):
        one = rng.choice(writable(config))
        count = rng.randint(1, min(one.depth, 4))
        address = rng.choice([0, one.depth - count, rng.randint(0, one.depth)])
        fields |= {"arg": one.memory, "address": address, "count": count}
        if fields["opcode"] == Opcode.WRITE:
            payload = rng.randbytes(count * one.words * config.link_bytes)
            # There is never a program: what is judged are the inputs.
            payload = bytes(len(payload)) if one.memory == Memory.PROGRAM else payload
    whole = request(config.link_bytes, **fields, payload=payload)
    kind = rng.random()
    if kind < 0.1:
        return whole[: rng.randint(1, len(whole) // config.link_bytes) * config.link_bytes]
    return whole + bytes(config.link_bytes * rng.randint(1, 3) if kind < 0.2 else 0)


class Bench:
    """Plays the host, the core and the responder."""

    def __init__(self, config: Config, stall: float):
        self.config, self.stall, self.rng = config, stall, Random(config.rows)
        self.dut, self.model = Receiver(config), LinkModel(config)
        self.memories = Memories(config)
        self.records = {
            one.memory: written_record(config, self.dut.write, one.memory)
            for one in writable(config)
        }
        #: Input words of the frame that are stored.
        self.stored = 0
        #: Runs whose bank is in use, and runs that are not answered.
        self.computed = self.unanswered = 0
        self.most = 0
        self.seen = []

    async def run(self, ctx):
        statuses = Counter()
        for _ in range(FRAMES):
            data = frame(self.config, self.rng)
            expected = self.expected(data)
            self.stored = 0
            words = words_of(data, self.config.link_bytes)
            for n, word in enumerate(words):
                ctx.set(self.dut.i.payload, {"data": word, "last": n == len(words) - 1})
                while self.rng.random() < self.stall:
                    await self.cycle(ctx)
                ctx.set(self.dut.i.valid, 1)
                while not await self.cycle(ctx):
                    pass
                ctx.set(self.dut.i.valid, 0)
            for _ in range(2000):
                if self.seen:
                    break
                await self.cycle(ctx)
            assert self.seen == [expected]
            self.seen.clear()
            statuses[expected[0]] += 1
        while self.computed or self.unanswered:
            await self.cycle(ctx)
        for memory in Memory:
            assert (self.memories.records(memory) == self.model.memories.records(memory)).all()
        assert statuses["run"] and statuses[Status.TRUNCATED] and statuses[Status.OVERLONG]
        assert self.most == 2

    def expected(self, data: bytes) -> tuple:
        """The run that ``data`` asks for, or status, opcode and stored records of the reply."""
        bank = self.model.bank
        response = self.model.respond(data)
        trailer = TRAILER.unpack(response[-round_up(TRAILER.size, self.config.link_bytes) :])
        if trailer["status"] == Status.BAD_DESCRIPTOR:
            asked = REQUEST.unpack(data)
            skip = not asked["arg"] & InferFlag.NO_SKIP
            images = asked["arg"] & InferFlag.IMAGES_MASK
            return ("run", asked["address"], images, skip, bank * asked["count"])
        stored = trailer["count"] if trailer["opcode"] == Opcode.WRITE else 0
        return (trailer["status"], trailer["opcode"], stored)

    async def cycle(self, ctx) -> bool:
        """One cycle; whether a word was taken in it."""
        dut, rng = self.dut, self.rng
        # As the core: always ready when no run is in flight.
        busy = self.computed or self.unanswered
        done = self.computed > 0 and rng.random() < 0.02
        answered = self.unanswered > 0 and rng.random() < 0.03
        inputs, runs = not busy or rng.random() >= self.stall, rng.random() < 0.5
        replied = ctx.get(dut.reply.valid) and rng.random() < 0.3
        for signal, value in (
            (dut.run_done, done),
            (dut.answered, answered),
            (dut.inputs.ready, inputs),
            (dut.runs.ready, runs),
            (dut.reply.ready, replied),
        ):
            ctx.set(signal, value)
        self.computed -= done
        self.unanswered -= answered
        if ctx.get(dut.inputs.valid) and inputs:
            self.store(ctx.get(dut.inputs.payload))
        if enables := ctx.get(dut.write.en):
            memory = Memory(enables.bit_length() - 1)
            size = record(self.config, memory).size
            data = ctx.get(self.records[memory]).to_bytes(size, "little")
            self.memories.write(
                memory, ctx.get(dut.write.addr), np.frombuffer(data, np.uint8).reshape(1, size)
            )
        if ctx.get(dut.runs.valid) and runs:
            run = ctx.get(dut.runs.payload)
            request_ = ctx.get(dut.reply.payload.request)
            assert self.stored == request_.count * (run.images + 1)
            self.seen.append(("run", run.entry, run.images, bool(run.skip), run.base))
            self.computed += 1
            self.unanswered += 1
            self.most = max(self.most, self.computed)
        if replied:
            assert not self.computed and not self.unanswered
            reply = ctx.get(dut.reply.payload)
            self.seen.append((reply.status, reply.request.opcode, reply.stored))
        if ctx.get(dut.flush):
            self.computed = self.unanswered = 0
        taken = ctx.get(dut.i.valid) and ctx.get(dut.i.ready)
        await ctx.tick()
        return bool(taken)

    def store(self, write):
        """An input word in its row."""
        config = self.config
        rows = self.memories.activations.reshape(config.rows, config.act_depth, config.lanes)
        assert write.active
        self.stored += 1
        rows[write.row, write.dst] = [write.data[lane] for lane in range(config.lanes)]


@pytest.mark.parametrize("config", LINKS, ids=lambda config: f"{config}b{config.link_bytes}")
@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_frames(config, stall):
    bench = Bench(config, stall)
    simulate(bench.dut, bench.run)
