"""The requantizer against LiteRT's C definitions, transcribed with Python's unbounded integers."""

import numpy as np
import pytest

from celosia.numerics.requantize import check_factors, requantize, rescale
from celosia.spec import Rounding

SHIFTS = range(-31, 31)
M_MAX = (1 << 31) - 1
EDGES = [0, 1, -1, 2, -2, 127, -128, (1 << 30) - 1, 1 << 30, -(1 << 30), M_MAX, -(1 << 31)]


def int32(x: int) -> int:
    return (x + (1 << 31)) % (1 << 32) - (1 << 31)


def truncating(a: int, b: int) -> int:
    """C's division."""
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def high_mul(a: int, b: int) -> int:
    """gemmlowp::SaturatingRoundingDoublingHighMul."""
    if a == b == -(1 << 31):
        return M_MAX
    ab = a * b
    nudge = (1 << 30) if ab >= 0 else 1 - (1 << 30)
    return truncating(ab + nudge, 1 << 31)


def divide_by_pot(x: int, exponent: int) -> int:
    """gemmlowp::RoundingDivideByPOT."""
    mask = (1 << exponent) - 1
    threshold = (mask >> 1) + (1 if x < 0 else 0)
    return (x >> exponent) + (1 if (x & mask) > threshold else 0)


def litert(x: int, multiplier: int, shift: int, rounding: Rounding) -> int:
    """MultiplyByQuantizedMultiplier, with TFLITE_SINGLE_ROUNDING and without."""
    if rounding == Rounding.SINGLE:
        total = 31 - shift
        return int32((x * multiplier + (1 << (total - 1))) >> total)
    left, right = max(shift, 0), max(-shift, 0)
    return divide_by_pot(high_mul(int32(x << left), multiplier), right)


def compare(acc, multiplier, shift, rounding, note=""):
    acc = np.asarray(acc)
    got = rescale(acc, 0, multiplier, shift, rounding)
    for a, y in zip(acc.tolist(), got.tolist(), strict=True):
        want = litert(a, multiplier, shift, rounding)
        assert y == want, f"acc={a} m={multiplier} shift={shift} {rounding.name} {note}"


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("shift", SHIFTS)
def test_every_shift(shift, rounding):
    rng = np.random.default_rng(shift + 100)
    for m in (0, 1, 1 << 30, (1 << 30) + 1, M_MAX, int(rng.integers(1 << 30, 1 << 31))):
        random = rng.integers(-(1 << 31), 1 << 31, 40) >> rng.integers(0, 32, 40)
        compare(np.concatenate([EDGES, random]), m, shift, rounding, f"seed={shift + 100}")


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("shift", [-31, -30, -20, -9, -2, -1, 0, 1])
def test_ties(shift, rounding):
    """m = 2**30 halves: products end exactly in .5, for both signs and both neighbours."""
    step = 1 << max(-shift, 0)
    centre = np.array([n * step for n in range(-9, 10)])
    near = np.concatenate([centre + d for d in (-1, 0, 1)])
    compare(np.clip(near, -(1 << 31), M_MAX), 1 << 30, shift, rounding)


def test_the_modes_differ_at_a_tie():
    """-1.5 goes up with one rounding and away from zero with two."""
    assert rescale(np.array([-3]), 0, 1 << 30, 0, Rounding.SINGLE) == -1
    assert rescale(np.array([-6]), 0, 1 << 30, -1, Rounding.SINGLE) == -1
    assert rescale(np.array([-6]), 0, 1 << 30, -1, Rounding.DOUBLE) == -2


@pytest.mark.parametrize("rounding", Rounding)
def test_both_saturations_and_the_clamp(rounding):
    acc = np.array([-(1 << 31), -300, -129, -128, 0, 127, 128, 300, M_MAX])
    full = requantize(acc * 2, 0, 1 << 30, 0, 128, 0, 255, rounding)
    # -2**32 and 2**32 - 2 are 0 and -2 in the 32-bit accumulator.
    assert full.tolist() == [128, 0, 0, 0, 128, 255, 255, 255, 127]
    assert full.dtype == np.uint8
    narrow = requantize(acc[1:-1], 0, 1 << 30, 1, 128, 100, 200, rounding)
    assert narrow.tolist() == [100, 100, 100, 128, 200, 200, 200]


@pytest.mark.parametrize("rounding", Rounding)
def test_everything_wraps_as_int32(rounding):
    # acc + bias
    assert rescale(np.array([M_MAX]), 1, 1 << 30, 0, rounding) == -(1 << 30)
    # result + zero point: 2**31 - 2 + 128 is very negative, so the clamp gives its minimum.
    assert requantize(np.array([M_MAX]), 0, M_MAX, 0, 128, 7, 250, rounding) == 7


def test_left_shift_wraps_before_or_after():
    """Double rounding shifts the accumulator, single rounding the product."""
    acc = np.array([M_MAX, 1 << 30, -(1 << 31)])
    assert rescale(acc, 0, 1 << 30, 1, Rounding.SINGLE).tolist() == acc.tolist()
    assert rescale(acc, 0, 1 << 30, 1, Rounding.DOUBLE).tolist() == [-1, -(1 << 30), 0]


@pytest.mark.parametrize("rounding", Rounding)
def test_per_channel(rounding):
    seed = 11
    rng = np.random.default_rng(seed)
    acc = rng.integers(-(1 << 24), 1 << 24, (5, 62))
    bias = rng.integers(-(1 << 20), 1 << 20, 62)
    m, shift = rng.integers(0, 1 << 31, 62), np.arange(-31, 31)
    got = requantize(acc, bias, m, shift, 3, 1, 254, rounding)
    for (i, c), y in np.ndenumerate(got):
        v = litert(int(acc[i, c] + bias[c]), int(m[c]), int(shift[c]), rounding)
        assert y == min(max(int32(v + 3), 1), 254), (seed, i, c)


def test_check_factors():
    check_factors(np.array([0, M_MAX]), np.array([-31, 30]))
    with pytest.raises(ValueError, match="multiplier 2147483648 is outside"):
        check_factors(np.array([1 << 31]), np.array([0]))
    for shift in (-32, 31):
        with pytest.raises(ValueError, match=f"shift {shift} is outside -31..30"):
            check_factors(np.array([1]), np.array([shift]))
