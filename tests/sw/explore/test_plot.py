"""Plots of few engines have a bar with its value for each."""

import pytest
from matplotlib.figure import Figure
from tests.sw.explore.test_explore import MNIST, ULX3S, outline, placed

from celosia.explore import explore
from celosia.explore.plot import _panel, _shown, draw, draw_parts

DEEP = {"weight_depth": 13696, "param_depth": 256}


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_few_points(count):
    cols = [8, 16, 24, 32, 40][:count]
    found = explore(
        outline(*MNIST), boards=[ULX3S], rows=[1 if count else 16], cols=cols or [128],
        placements=[placed(ULX3S, 100 + n, cols=n, **DEEP) for n in cols],
    )  # fmt: skip
    points, _, panels = _shown(found)
    assert len(points) == count or not count
    for label, value in panels if count else ():
        axes = Figure().subplots()
        _panel(axes, found, points, label, value)
        assert [bar.get_width() for bar in axes.patches] == [value(point) for point in points]
        assert len({text.get_text() for text in axes.texts}) == count
    assert draw(found, "svg").startswith(b"<?xml")
    assert len(draw_parts(found)) == 3
