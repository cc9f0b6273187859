"""The array model is exact in float32, in float64, and where 32 bits wrap."""

import numpy as np
import pytest

from celosia.numerics.array import accumulate, operand
from celosia.numerics.table import apply_table


@pytest.mark.parametrize("k", [1, 2, 100, 513, 514, 515, 784, 5000])
@pytest.mark.parametrize("extreme", [False, True])
def test_exact(k, extreme):
    seed = k
    rng = np.random.default_rng(seed)
    u = rng.integers(0, 256, (4, k)).astype(np.uint8)
    w = rng.integers(-128, 128, (k, 7)).astype(np.int8)
    if extreme:
        u[:], w[:] = 255, -128
        w[-1] = 127  # an odd sum: the first bit a rounded float32 loses
    want = u.astype(np.int64) @ w.astype(np.int64)
    assert (accumulate(u, w) == want).all(), f"seed={seed}"
    assert (accumulate(u, operand(w)) == want).all(), f"seed={seed}"


@pytest.mark.parametrize("shape", [(64, 784, 100), (700, 900, 128), (0, 784, 100), (1, 3, 300000)])
def test_exact_in_pieces_and_with_threads(shape):
    seed = sum(shape)
    rng = np.random.default_rng(seed)
    u = rng.integers(0, 256, shape[:2]).astype(np.uint8)
    w = rng.integers(-128, 128, shape[1:]).astype(np.int8)
    want = u.astype(np.float64) @ w.astype(np.float64)
    assert (accumulate(u, w) == want).all(), f"seed={seed}"


def test_float32_only_where_it_is_exact():
    assert operand(np.full((513, 1), -128, np.int8)).dtype == np.float32
    assert operand(np.full((515, 1), -128, np.int8)).dtype == np.float64


def test_wraps_like_a_register():
    k = (1 << 31) // (255 * 127) + 1
    acc = accumulate(np.full((1, k), 255, np.uint8), np.full((k, 1), 127, np.int8))
    assert acc.dtype == np.int32 and acc[0, 0] == k * 255 * 127 - (1 << 32)


def test_table():
    table = np.arange(255, -1, -1, dtype=np.uint8)
    assert apply_table(np.array([[0, 1, 255]], np.uint8), table).tolist() == [[255, 254, 0]]
