"""Taps and addresses of descriptors against the loops of the hardware's bench."""

import numpy as np
import pytest
from tb.windows import layer, steps

from celosia.ops.window_walk import WindowWalk, kernel_taps, tile_weights
from celosia.spec import Config, Op, violations

CONFIG = Config.default(2, 8, lanes=4, act_depth=64, weight_depth=500, convolution=1, depthwise=1)


def test_taps_of_random_layers():
    """Offset and place of every tap, and as many weights as the loops count."""
    rng = np.random.default_rng(5)
    unequal = 0
    for _ in range(100):
        d = layer(rng, CONFIG)
        walk = WindowWalk(d, CONFIG, d["base"], d["images_less_1"] + 1)
        offset, dy, dx = walk.taps
        assert len(offset) == kernel_taps(d), d
        tile, weights = [], 0
        for step in steps(d, CONFIG):
            weights += step["bytes"].bit_count()
            tile.append((step["offset"], step["dy"], step["dx"]))
            if step["last"]:
                break
        # A step for each word of a tap.
        assert (offset % (1 << 16)).tolist() == [o for o, _, _ in tile[:: d["tap_words"]]], d
        assert (dy % 512).tolist() == [y for _, y, _ in tile[:: d["tap_words"]]], d
        assert (dx % 512).tolist() == [x for _, _, x in tile[:: d["tap_words"]]], d
        assert weights == tile_weights(d, CONFIG), d
        unequal += d["kernel_y"] > 1 and d["kernel_x"] != d["kernel_rest"]
    assert unequal > 20


@pytest.mark.parametrize("op", [Op.CONVOLUTION, Op.DEPTHWISE])
@pytest.mark.parametrize("name", ["kernel_y", "kernel_x", "kernel_rest"])
def test_a_kernel_without_taps(op, name):
    legal = layer(np.random.default_rng(1), CONFIG, op=op, tap_words=1, tail=1, table=0)
    common = {"last": 0, "emit": 0, "use_table": 0, "clamp_min": 0, "clamp_max": 255}
    assert violations(legal | common, CONFIG) == []
    assert violations(legal | common | {name: 0}, CONFIG) == [name]
