"""Layer queue: one layer open, one waiting, in order; what both need is held."""

import pytest
from amaranth import Value
from tests.helpers.sim import STALLS, noise, run

from celosia.spec import Config, Op, descriptor, unpack_descriptor
from celosia.spec.timing import MULTICYCLE_CYCLES
from celosia_hw.layouts import active_layer, settings
from celosia_hw.postprocess.layer_queue import LayerQueue

CONFIGS = {
    "3x4": Config.default(3, 4, act_depth=40, param_depth=20, convolution=0),
    "5x12l4r2": Config.default(5, 12, lanes=4, requantizers=2, convolution=0),
    "1x8 slow": Config.default(
        1, 8, requantizers=2, requantizer_cycles=MULTICYCLE_CYCLES, convolution=0
    ),
    "3x12l4 maps": Config.default(3, 12, lanes=4, convolution=1, depthwise=1),
}


def layer(config: Config, rng) -> tuple[int, dict, dict]:
    """A layer packed, all fields of its descriptor, and what the run adds."""
    layout = descriptor(config)
    bits = rng.getrandbits(layout.width)
    op = rng.choice(config.ops)
    bits = bits >> 4 << 4 | op  # the first field
    d = unpack_descriptor(bits.to_bytes(layout.size, "little"))
    values = {"base": 0, "images": rng.randrange(config.rows), "skip": 0}
    offset = active_layer(config)["descriptor"].offset
    return active_layer(config).const(values).as_bits() | bits << offset, d, values


def counted(config: Config, d: dict, images: int) -> dict:
    """What the drain needs of it."""
    found = {name: d[name] for name in ("emit", "tiles", "params")}
    found |= {"dst": d["dst"], "last_row": images}
    if config.convolution:
        found |= {name: d[name] for name in ("steps", "rows_full", "result_row", "result_pixel")}
        found["dst"] += d["halo"]
        found["depthwise"] = d["op"] == Op.DEPTHWISE
        if d["images"]:
            found["rows_full"] = 0xFFFF
        else:
            found["last_row"] = d["rows_used"] - 1
    return found


def cycles(config: Config, d: dict, images: int) -> int:
    rows = counted(config, d, images)["last_row"] % (1 << (config.rows - 1).bit_length()) + 1
    words = 1 if d["op"] == Op.DEPTHWISE else config.words_per_tile
    return rows * words * config.beats * config.requantizer_cycles


def view(ctx, held) -> dict[str, int]:
    return {name: ctx.get(held[name]) for name, _ in held.shape()}


@pytest.mark.parametrize("stall", STALLS)
@pytest.mark.parametrize("name", CONFIGS)
def test_in_order(name, stall):
    config = CONFIGS[name]
    dut = LayerQueue(config)

    async def bench(ctx, rng):
        layers = [layer(config, rng) for _ in range(30)]
        offered = False
        taken: list[int] = []  # cycle in which each layer was taken
        opened = arrived = -1  # the last layer that has opened, and arrived
        is_open, time = False, 0
        while arrived < len(layers) - 1:
            finishes = is_open and rng.random() < (0.2 if stall[1] else 0.9)
            if arrived < opened - is_open and rng.random() < 0.5:
                arrived += 1
            # The descriptor is held in the cycle after the one in which it was taken.
            if taken and taken[-1] == time - 1:
                ctx.set(dut.i.valid, 0)
            elif not offered:
                # The one before the last has arrived.
                offered = len(taken) < min(len(layers), arrived + 3) and rng.random() >= stall[0]
                noise(ctx, rng, dut.i.payload)
                if offered:
                    ctx.set(Value.cast(dut.i.payload), layers[len(taken)][0])
                ctx.set(dut.i.valid, offered)
            ctx.set(dut.finishes, finishes)
            opens = opened + 1 < len(taken) and time > taken[opened + 1]
            opens = opens and (not is_open or finishes)
            assert ctx.get(dut.opens) == opens
            if opened >= 0:
                assert ctx.get(dut.parity) == opened % 2
            if opens:
                _, d, values = layers[opened + 1]
                got = view(ctx, dut.layer)
                want = counted(config, d, values["images"])
                widths = {name: field.width for name, field in dut.layer.shape()}
                assert got == {name: n & (1 << widths[name]) - 1 for name, n in want.items()}
            for n in range(arrived + 1, len(taken)):
                if time > taken[n]:
                    check_cycles(ctx, n, *layers[n][1:])
                if time > taken[n] + 1:
                    check_held(ctx, n, layers[n][1])
            if offered and ctx.get(dut.i.ready):
                taken.append(time)
                offered = False
            is_open = (is_open and not finishes) or bool(opens)
            opened += bool(opens)
            time += 1
            await ctx.tick()

    def check_cycles(ctx, n: int, d: dict, values: dict) -> None:
        ctx.set(dut.claim_parity, n % 2)
        assert ctx.get(dut.cycles) == cycles(config, d, values["images"])

    def check_held(ctx, n: int, d: dict) -> None:
        assert view(ctx, dut.settings[n % 2]) == {name: d[name] for name, _ in settings()}
        if config.convolution:
            to = dut.destinations[n % 2]
            assert ctx.get(to.images) == d["images"]
            want = {name: d[name] for name in ("row_words", "halo", "length")}
            want["base"] = d["dst"] % (1 << (config.act_depth - 1).bit_length())
            assert view(ctx, to.placement) == want

    run(dut, bench)
