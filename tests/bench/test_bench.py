"""The benchmark's parts: its limits, its verdicts, and the bare array it compares with."""

import numpy as np
import pytest
from bench.bare import PlainArray, cycles_per_second, open_bare
from bench.limits import cycles_per_image
from bench.main import main
from bench.row import Row
from bench.simulate import simulate
from tests.helpers.networks import images, network

from celosia.spec import Config
from celosia.support.progress import silent
from celosia_hw.array.mac_array import MacArray

RNG = np.random.default_rng(0)
GRAPH = network(RNG, [20, 9, 3])
CONFIG = Config.default(2, 4, convolution=0)


@pytest.mark.parametrize(
    ("rows", "cols", "limit"), [(1, 4, 3 * 20 + 9), (2, 4, 34.5), (2, 16, 14.5), (1, 8, 2 * 20 + 9)]
)
def test_limits(rows, cols, limit):
    assert cycles_per_image(GRAPH, Config.default(rows, cols)) == limit


def test_verdicts():
    def verdict(value, **goal):
        return Row(name="", value=value, unit="", **goal).reached

    assert verdict(5) is None
    assert verdict(5, goal=5) and not verdict(5.1, goal=5)
    assert verdict(5, goal=5, at_most=False) and not verdict(4.9, goal=5, at_most=False)


def test_a_run():
    measured = simulate(GRAPH, CONFIG, images(RNG, GRAPH, 40), False, silent)
    assert measured.mismatches == 0 and measured.outputs.shape == (40, 3)
    assert measured.metrics.cycles_per_image >= cycles_per_image(GRAPH, CONFIG)
    assert measured.metrics.counters["images"] == 40


@pytest.mark.parametrize("array", [MacArray, PlainArray])
def test_a_bare_array_works_for_as_many_cycles_as_asked(array):
    with open_bare(CONFIG, array, silent) as bare:
        assert cycles_per_second(bare, 10_000) > 1000
        assert bare.cycles >= 10_000


def test_bad_data_is_one_line(capsys, tmp_path):
    assert main(["--data", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
