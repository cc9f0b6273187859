"""Headers, whole and cut short, in words of every width."""

from random import Random

import pytest
from tests.helpers.streams import simulate, words_of

from celosia.spec import REQUEST, Config, ceil_div
from celosia_hw.link.header import Header


@pytest.mark.parametrize("link_bytes", [1, 2, 4, 8, 16, 32])
@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_header(link_bytes, stall):
    rng = Random(link_bytes)
    dut = Header(Config.default(2, 4, link_bytes=link_bytes, convolution=0))
    size = ceil_div(REQUEST.size, link_bytes)

    async def bench(ctx):
        for _ in range(60):
            # The padding of a header is anything.
            words = words_of(rng.randbytes(size * link_bytes), link_bytes)
            count = rng.choice([size, size, rng.randint(1, size)])
            whole = count == size
            last = not whole or rng.random() < 0.5
            for n, word in enumerate(words[:count]):
                while rng.random() < stall:
                    assert not ctx.get(dut.complete) and not ctx.get(dut.truncated)
                    assert ctx.get(dut.begun) == (n > 0)
                    await ctx.tick()
                ctx.set(dut.i.payload, {"data": word, "last": last and n == count - 1})
                ctx.set(dut.i.valid, 1)
                assert ctx.get(dut.begun) == (n > 0)
                assert ctx.get(dut.complete) == (n == size - 1)
                assert ctx.get(dut.truncated) == (not whole and n == count - 1)
                await ctx.tick()
                ctx.set(dut.i.valid, 0)
            data = b"".join(word.to_bytes(link_bytes, "little") for word in words)
            expected = REQUEST.unpack(data if whole else bytes(REQUEST.size))
            # Held until the next word.
            for _ in range(rng.randint(1, 3)):
                assert not ctx.get(dut.begun)
                got = ctx.get(dut.request)
                assert {name: got[name] for name in expected} == expected
                assert not whole or ctx.get(dut.ended) == last
                await ctx.tick()

    simulate(dut, bench)
