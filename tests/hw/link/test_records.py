"""Link words joined to records, with stalls on both sides."""

from random import Random

import pytest
from tests.helpers.streams import collect, feed, simulate

from celosia.spec import Config
from celosia_hw.link.records import Records

WORDS = 5


def join(words: list[int], bits: int) -> int:
    """``words`` as one number, the first one lowest."""
    return sum(word << n * bits for n, word in enumerate(words))


@pytest.mark.parametrize("link_bytes", [1, 4])
@pytest.mark.parametrize("stalls", [(0.0, 0.0), (0.4, 0.0), (0.0, 0.6), (0.4, 0.4)], ids=str)
def test_records(link_bytes, stalls):
    rng = Random(link_bytes)
    bits = 8 * link_bytes
    dut = Records(Config.default(2, 4, link_bytes=link_bytes, convolution=0), words=WORDS)
    records = [
        [rng.getrandbits(bits) for _ in range(rng.choice([1, 1, WORDS, rng.randint(1, WORDS)]))]
        for _ in range(100)
    ]
    words = [
        {"data": word, "last": n == len(record) - 1}
        for record in records
        for n, word in enumerate(record)
    ]

    async def offer(ctx):
        cycles = await feed(ctx, dut.i, words, Random(1), stalls[0])
        # A word per cycle while records are taken at once.
        assert stalls[1] or cycles == len(words)

    async def check(ctx):
        got = await collect(ctx, dut.o, len(records), Random(2), stalls[1])
        for record, joined in zip(records, got, strict=True):
            assert joined >> bits * (WORDS - len(record)) == join(record, bits)

    simulate(dut, offer, check)
