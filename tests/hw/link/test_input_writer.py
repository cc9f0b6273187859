"""Inputs in activation memory, as the link model stores them."""

from random import Random

import numpy as np
import pytest
from tests.helpers.streams import LINKS, collect, feed, simulate, words_of

from celosia.driver.frames import request
from celosia.model.link import LinkModel
from celosia.spec import Config, Opcode
from celosia_hw.link.input_writer import InputWriter

INPUTS = 15


class Input:
    """``records``: words of ``count`` for each of ``images``; of some the last ones are missing."""

    def __init__(self, config: Config, rng: Random):
        self.images = rng.randint(1, config.rows)
        self.count = rng.randint(1, config.act_depth // 2)
        whole = self.images * self.count
        received = rng.choice([whole, whole, rng.randint(0, whole)])
        self.records = [rng.randbytes(config.lanes) for _ in range(received)]
        self.words = [words_of(data, config.link_bytes) for data in self.records]

    @property
    def payload(self) -> list[dict[str, int]]:
        ends = [n == len(record) - 1 for record in self.words for n in range(len(record))]
        words = [word for record in self.words for word in record]
        return [{"data": word, "last": end} for word, end in zip(words, ends, strict=True)]

    def frame(self, link_bytes: int) -> bytes:
        words = [word.to_bytes(link_bytes, "little") for record in self.words for word in record]
        return request(link_bytes, Opcode.INFER, self.images - 1, 0, self.count, b"".join(words))


@pytest.mark.parametrize("config", LINKS, ids=lambda config: f"{config}b{config.link_bytes}")
@pytest.mark.parametrize("stalls", [(0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.4, 0.4)], ids=str)
def test_inputs(config, stalls):
    rng = Random(config.link_bytes)
    dut, model = InputWriter(config), LinkModel(config)
    memory = np.zeros((config.rows, config.act_depth, config.lanes), np.uint8)
    inputs = [Input(config, rng) for _ in range(INPUTS)]
    # An input begins when the one before is stored.
    stored = 0

    async def offer(ctx):
        for n, each in enumerate(inputs):
            while stored < n:
                await ctx.tick()
            ctx.set(dut.base, model.bank * each.count)
            ctx.set(dut.last_image, each.images - 1)
            ctx.set(dut.load, 1)
            await ctx.tick()
            ctx.set(dut.load, 0)
            cycles = await feed(ctx, dut.i, each.payload, rng, stalls[0])
            assert stalls[1] or cycles == len(each.payload)

    async def check(ctx):
        nonlocal stored
        for each in inputs:
            writes = await collect(ctx, dut.o, len(each.records), Random(stored), stalls[1])
            for n, write in enumerate(writes):
                last = n % each.images == each.images - 1
                assert write.active and write.word_end == last
                memory[write.row, write.dst] = [write.data[lane] for lane in range(config.lanes)]
            model.respond(each.frame(config.link_bytes))
            assert (memory == model.memories.activations.reshape(memory.shape)).all()
            stored += 1

    simulate(dut, offer, check)


@pytest.mark.parametrize("stalls", [(0.0, 0.0), (0.4, 0.4)], ids=str)
def test_numbers_and_placement(stalls):
    """With convolution each word has its number in the tensors of all images, or of the one that
    all rows share."""
    rng = Random(7)
    config = Config.default(3, 4, link_bytes=2, act_depth=32, weight_depth=16, convolution=1)
    dut = InputWriter(config)
    inputs = [Input(config, rng) for _ in range(INPUTS)]
    layouts = [
        {name: rng.randrange(1 << 16) for name in ("row_words", "halo", "length")} for _ in inputs
    ]
    stripes = [rng.random() < 0.5 for _ in inputs]
    bases = [rng.randrange(config.act_depth) for _ in inputs]
    stored = 0

    async def offer(ctx):
        for n, each in enumerate(inputs):
            while stored < n:
                await ctx.tick()
            each.images = 1 if stripes[n] else each.images
            ctx.set(dut.base, bases[n])
            ctx.set(dut.last_image, each.images - 1)
            ctx.set(dut.words, each.count)
            ctx.set(dut.stripes, stripes[n])
            ctx.set(dut.layout, layouts[n])
            ctx.set(dut.load, 1)
            await ctx.tick()
            ctx.set(dut.load, 0)
            await feed(ctx, dut.i, each.payload, rng, stalls[0])

    async def check(ctx):
        nonlocal stored
        for each, layout, base, shared in zip(inputs, layouts, bases, stripes, strict=True):
            count = {"row_words": each.count, "halo": 0, "length": each.count}
            where = layout if shared else count
            writes = await collect(ctx, dut.o, len(each.records), Random(stored), stalls[1])
            for n, write in enumerate(writes):
                word, row = divmod(n, each.images)
                assert write.number == row * each.count + word
                assert {name: write.placement[name] for name in where} == where
                assert write.placement.base == base
                assert write.dst == (base + where["halo"] + word) % 32
            stored += 1

    simulate(dut, offer, check)
