"""Ends of records and payloads, counted word by word."""

from random import Random

import pytest
from tests.helpers.streams import LINKS, simulate

from celosia.spec import Memory, Opcode, record
from celosia_hw.layouts import writable
from celosia_hw.link.payload import PayloadCounter


@pytest.mark.parametrize("config", LINKS, ids=lambda config: f"{config}b{config.link_bytes}")
def test_ends(config):
    rng = Random(config.link_bytes)
    dut = PayloadCounter(config)

    async def bench(ctx):
        for _ in range(60):
            is_input = rng.random() < 0.5
            if is_input:
                images = rng.randint(1, config.rows)
                groups = rng.choice([1, 2, rng.randint(1, config.act_depth // 2)])
                opcode, arg = Opcode.INFER, images - 1 | rng.choice([0, 128])
                records, words = groups * images, record(config, Memory.ACTIVATIONS).words
            else:
                one = rng.choice(writable(config))
                groups = records = rng.randint(1, min(one.depth, 9))
                opcode, arg, words = Opcode.WRITE, one.memory, one.words
            ctx.set(dut.request, {"opcode": opcode, "arg": arg, "count": groups})
            ctx.set(dut.input_follows, is_input)
            ctx.set(dut.load, 1)
            for _ in range(dut.load_cycles):
                # `load` has priority.
                ctx.set(dut.step, rng.random() < 0.5)
                await ctx.tick()
            ctx.set(dut.load, 0)
            # The host may end the frame after any word.
            for word in range(rng.choice([records * words, rng.randint(0, records * words)])):
                ctx.set(dut.step, 0)
                while rng.random() < 0.3:
                    await ctx.tick()
                ctx.set(dut.step, 1)
                record_end = word % words == words - 1
                assert ctx.get(dut.record_end) == record_end, word
                assert ctx.get(dut.payload_end) == (word == records * words - 1), word
                await ctx.tick()

    simulate(dut, bench)
