"""Records of a WRITE on their way to the memories: which, where, and in which cycle."""

from random import Random

import pytest
from tests.helpers.streams import LINKS, feed, simulate, words_of

from celosia.spec import Memory
from celosia_hw.layouts import writable, written_record
from celosia_hw.link.memory_writer import MemoryWriter


@pytest.mark.parametrize("config", LINKS, ids=lambda config: f"{config}b{config.link_bytes}")
@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_writes(config, stall):
    rng = Random(config.link_bytes)
    dut = MemoryWriter(config)
    written, expected = [], []
    done = False

    async def offer(ctx):
        nonlocal done
        for _ in range(15):
            one = rng.choice(writable(config))
            count = rng.randint(1, min(one.depth, 5))
            address = rng.choice([0, one.depth - count])
            data = [rng.randbytes(one.size) for _ in range(count)]
            expected.extend((one.memory, address + n, each) for n, each in enumerate(data))
            payload = [
                {"data": word, "last": n == one.words - 1}
                for each in data
                for n, word in enumerate(words_of(each, config.link_bytes))
            ]
            # A record that the frame does not end.
            part = rng.randrange(one.words)
            payload += [{"data": rng.getrandbits(8), "last": 0}] * part
            ctx.set(dut.request, {"arg": one.memory, "address": address, "count": count})
            ctx.set(dut.load, 1)
            await ctx.tick()
            ctx.set(dut.load, 0)
            assert ctx.get(dut.stored) == 0
            cycles = await feed(ctx, dut.i, payload, rng, stall)
            # Every record but the last is followed by a pause, if there is a word to be paused.
            assert stall or cycles == len(payload) + count - (part == 0)
            while ctx.get(dut.busy):
                await ctx.tick()
            assert ctx.get(dut.stored) == count
        done = True

    records = {
        one.memory: written_record(config, dut.write, one.memory) for one in writable(config)
    }

    async def watch(ctx):
        history = [0] * 3
        before = None
        while not done:
            _, _, ends, en, addr, busy, data, *values = await ctx.tick().sample(
                dut.i.valid & dut.i.ready & dut.i.payload.last,
                dut.write.en,
                dut.write.addr,
                dut.busy,
                dut.write.data,
                *records.values(),
            )
            # Three cycles after a record's last word, and steady in the cycle before.
            assert bool(en) == history[2] and busy == any(history)
            history = [ends, *history[:2]]
            if en:
                assert en.bit_count() == 1 and data == before
                memory = Memory(en.bit_length() - 1)
                value = dict(zip(records, values, strict=True))[memory]
                size = len(records[memory]) // 8
                written.append((memory, addr, value.to_bytes(size, "little")))
            before = data

    simulate(dut, offer, watch)
    assert written == expected
