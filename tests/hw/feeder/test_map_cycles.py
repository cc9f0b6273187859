"""Feeder of layers on maps against its cycle model, cycle by cycle."""

import numpy as np
import pytest
from amaranth import *
from tb.windows import layer, packed, steps
from tests.helpers.sim import Source, run

from celosia.predict.cycles.load import ActiveLayer, MapLoad
from celosia.predict.cycles.origins import Origins
from celosia.predict.cycles.prediction import Prediction
from celosia.predict.cycles.scanner import Scanner
from celosia.predict.cycles.walker import Walker
from celosia.spec import Config, Op
from celosia.spec.timing import READ_LATENCY
from celosia_hw.feeder.feeder import Feeder

CONFIGS = [
    Config.default(4, 8, lanes=4, act_depth=64, convolution=1, depthwise=1),
    Config.default(3, 5, lanes=5, act_depth=100, convolution=1, depthwise=1),
    Config.default(1, 4, lanes=4, act_depth=64, convolution=1),
]


def load(values: dict, masks: list[int], config: Config) -> ActiveLayer:
    """What the layer asks of the engine, with these masks."""
    d = values
    needed, pixel, tile = [], [], 0
    for step in steps(values, config):
        mask = 0 if step["drop"] else masks[step["src"]] if step["skip"] else ~0
        if tile == 0:
            pixel.append((step["bytes"] & mask).bit_count())
        tile += step["last"]
        if step["step_end"]:
            needed.append(tuple(pixel))
            pixel, tile = [], 0
    taps = d["kernel_x"] + (d["kernel_y"] - 1) * d["kernel_rest"]
    return ActiveLayer(
        MapLoad(
            tiles=d["tiles"],
            store=True,
            emit=False,
            depthwise=d["op"] == Op.DEPTHWISE,
            images=bool(d["images"]),
            rows_used=d["rows_used"],
            rows_full=d["rows_full"],
            tap_words=d["tap_words"],
            wait=d["wait"] if d["waits"] else None,
            wait_step=d["wait_step"],
            needed=tuple(needed),
            bytes_in=taps * ((d["tap_words"] - 1) * config.lanes + d["tail"]),
        ),
        last=False,
        images=d["images_less_1"] + 1,
    )


class Model:
    """The blocks of the cycle model as the engine moves them."""

    def __init__(self):
        self.out = Prediction()
        self.active, self.stored = False, 0
        self.scanner = Scanner(self.blocks, self.out, windows=True)
        self.walker = Walker(self.scanner.segments, self.out)
        self.origins = Origins()

    def blocks(self, need: int) -> bool:
        return self.active and need > self.stored

    def cycle(self, free: bool, started: ActiveLayer | None) -> bool:
        """Returns whether a tile is claimed."""
        scanner, ends = self.scanner, self.walker.ended
        level = len(scanner.segments)
        claim = self.walker.cycle(free, self.origins.ready(ends))
        scanner.take(started and started.load, scanner.cycle(level))
        self.origins.edge(ends, started)
        return claim

    @property
    def ready(self) -> bool:
        return self.scanner.ready and self.origins.idle


@pytest.mark.parametrize("config", CONFIGS, ids=str)
@pytest.mark.parametrize("stall", [(0.0, 0.0), (0.5, 0.3), (0.0, 0.9)])
def test_model_is_what_the_feeder_does(config, stall):
    dut, model = Feeder(config), Model()

    async def bench(ctx, rng):
        random = np.random.default_rng(rng.getrandbits(32))
        ones = (1 << config.lanes) - 1
        count = 1 << (config.act_depth - 1).bit_length()
        masks = [rng.choice([0, 0, ones, rng.randrange(ones + 1)]) for _ in range(count)]
        layers = [layer(random, config) for _ in range(40)]
        # Short pixels, for which the origins are waited.
        layers += [layer(random, config, kernel_y=1, kernel_x=1, tap_words=1) for _ in range(20)]
        source = Source(dut.i, [packed(one, config) for one in layers], rng, stall[0])
        issued = sum(
            sum(max(sum(pixel), 1) for pixel in one.needed) * one.tiles
            for one in (load(values, masks, config).load for values in layers)
        )
        addresses, skipped, waited = [0] * READ_LATENCY, 0, 0
        started, after = None, 10
        await ctx.tick()  # a layer is not taken in the first cycle
        while after:
            after -= model.out.issued == issued
            source.drive(ctx)
            if started:
                # Held for a cycle more.
                ctx.set(Value.cast(dut.i.payload), packed(started, config))
                if source._offered:
                    source._offered = False
                    ctx.set(dut.i.valid, 0)
            free = rng.random() >= stall[1]
            ctx.set(dut.drain_free, free)
            ctx.set(dut.hazard.active, model.active)
            ctx.set(dut.hazard.stored, model.stored)
            ctx.set(dut.masks.data, masks[addresses.pop(0)])
            assert ctx.get(dut.i.ready) == model.ready
            started = layers[len(layers) - len(source.left)] if source.left else None
            started = started if source.sample(ctx) else None
            before = model.out.issued, model.out.stall_data, model.out.stall_drain
            claim = model.cycle(free, started and load(started, masks, config))
            assert ctx.get(dut.claim) == claim
            assert ctx.get(dut.stall_data) == model.out.stall_data - before[1]
            assert ctx.get(dut.stall_drain) == model.out.stall_drain - before[2]
            addresses.append(ctx.get(dut.masks.addr))
            skipped += ctx.get(dut.skipped)
            waited += ctx.get(dut.stall_data)
            if started or rng.random() < 0.1:
                model.active = rng.random() < 0.5
                model.stored = rng.choice([0, 3, 5, 1001, (1 << 17) - 1])
            issues = model.out.issued - before[0]
            await ctx.tick()
            assert ctx.get(dut.o.valid) == issues
        assert skipped == model.out.skipped and waited and not source.left

    run(dut, bench)
