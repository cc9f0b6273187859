"""How many columns of an array are left to LUTs."""

import pytest

from celosia.spec import Config
from celosia.spec.packed import MULTIPLIERS, lut_columns, requantizer_multipliers


@pytest.mark.parametrize(
    ("rows", "cols", "requantizers", "columns"),
    [(16, 16, 4, 0), (16, 16, 16, 5), (8, 16, 16, 0), (15, 16, 16, 5), (32, 8, 8, 1)],
)
def test_columns_of_luts(rows, cols, requantizers, columns):
    config = Config.default(rows, cols, requantizers=requantizers)
    assert lut_columns(config) == columns
    of_column = -(-rows // 2)
    left = (cols - columns) * of_column + requantizer_multipliers(config)
    assert left <= MULTIPLIERS
    assert not columns or left + of_column > MULTIPLIERS


def test_an_array_has_no_more_columns_than_it_has():
    assert lut_columns(Config.default(2, 64, lanes=64)) == 64
