"""Walker: an issue for each bit of a mask, in time; a tile's last waits for the drain."""

import pytest
from amaranth import *
from tests.helpers.dense_layers import SMALL, layer, segments, steps
from tests.helpers.sim import STALLS, Source, run

from celosia_hw.feeder.walker import Walker
from celosia_hw.layouts import issue, segment


def tiles(rng, count: int) -> list[list[dict[str, int]]]:
    """The segments of some tiles; those without bytes only where they are last."""
    found: list[list[dict[str, int]]] = [[]]
    for _ in range(count):
        masks = [rng.choice([0, 0, 7, rng.randrange(8)]) for _ in range(SMALL.act_depth)]
        for one in segments(steps(layer(rng, tiles=1)), masks, rng.randrange(2)):
            if one["mask"] or one["last"]:
                found[-1].append(one)
        found.append([])
    return found[:-1]


def issues(tile: list[dict[str, int]]) -> list[int]:
    """Packed: each byte of each mask, lowest first; byte 0 of the last word if there is none."""
    found = [
        {"src": one["src"], "byte": byte, "weights": one["weights"] + byte}
        for one in tile
        for byte in range(SMALL.lanes)
        if one["mask"] >> byte & 1
    ] or [{"src": tile[-1]["src"], "byte": 0, "weights": tile[-1]["weights"]}]
    layout = issue(SMALL)
    return [layout.const(one | {"last": int(one is found[-1])}).as_bits() for one in found]


def packed(tile: list[dict[str, int]]) -> list[int]:
    return [segment(SMALL).const(one).as_bits() for one in tile]


@pytest.mark.parametrize("stall", STALLS)
def test_against_model(stall):
    dut = Walker(SMALL)

    async def bench(ctx, rng):
        walked = tiles(rng, 40)
        source = Source(dut.i, sum(map(packed, walked), []), rng, stall[0])
        want = sum(map(issues, walked), [])
        last = issue(SMALL)["last"].offset
        parities = [tile[0]["parity"] for tile in walked]
        got, claims, stalled, claim_before = [], 0, 0, 0
        while len(got) < len(want):
            source.drive(ctx)
            ctx.set(dut.drain_free, rng.random() >= stall[1])
            source.sample(ctx)
            issued = ctx.get(dut.o.valid)
            if issued:
                got.append(ctx.get(Value.cast(dut.o.payload)))
                assert got[-1] == want[len(got) - 1]
            # The last issue of a tile follows its claim by a cycle.
            assert claim_before == (issued and got[-1] >> last & 1)
            claim_before = ctx.get(dut.claim)
            free = ctx.get(dut.drain_free)
            assert free or not claim_before
            assert not (free and ctx.get(dut.stalled))
            assert not claim_before or ctx.get(dut.claim_parity) == parities[claims]
            claims += claim_before
            stalled += ctx.get(dut.stalled)
            await ctx.tick()
        assert claims == len(walked) and not source.left
        assert bool(stalled) == bool(stall[1])

    run(dut, bench)


def test_timing():
    """An issue per cycle, the first three cycles after its segment was taken."""
    dut = Walker(SMALL)

    async def bench(ctx, rng):
        walked = [tile for tile in tiles(rng, 30) if all(one["mask"] for one in tile)]
        source = Source(dut.i, sum(map(packed, walked), []), rng)
        want = sum(map(issues, walked), [])
        ctx.set(dut.drain_free, 1)
        first_taken, valid, time = None, [], 0
        while len(valid) < len(want):
            source.drive(ctx)
            if source.sample(ctx) and first_taken is None:
                first_taken = time
            if ctx.get(dut.o.valid):
                valid.append(time)
            time += 1
            await ctx.tick()
        assert valid == list(range(first_taken + 3, first_taken + 3 + len(want)))

    run(dut, bench)


def test_the_last_bit_waits_for_what_follows():
    """Until then it is not known whether it ends the tile."""
    dut = Walker(SMALL)
    one = {"mask": 0b101, "empty": 0, "last": 0, "parity": 1, "src": 5, "weights": 9}
    closing = {"mask": 0, "empty": 1, "last": 1, "parity": 1, "src": 6, "weights": 12}

    async def bench(ctx, rng):
        source = Source(dut.i, packed([one]), rng)
        ctx.set(dut.drain_free, 1)
        got = []

        async def cycles(count: int) -> None:
            for _ in range(count):
                source.drive(ctx)
                source.sample(ctx)
                if ctx.get(dut.o.valid):
                    got.append(ctx.get(Value.cast(dut.o.payload)))
                await ctx.tick()

        await cycles(20)
        assert got == issues([one, closing])[:1]
        source.left += packed([closing])
        await cycles(20)
        assert got == issues([one, closing])

    run(dut, bench)
