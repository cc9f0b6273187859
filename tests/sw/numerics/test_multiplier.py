"""Multipliers: LiteRT's rule, and the fit that makes integers equal its float64 arithmetic."""

import math

import numpy as np
import pytest

from celosia.quant import accumulator_range, effective_scale, fit_multipliers, quantize_multiplier
from celosia.support.errors import CelosiaError


@pytest.mark.parametrize(
    ("real", "expected"),
    [
        (0.0, (0, 0)),
        (1.0, (1 << 30, 1)),
        (0.5, (1 << 30, 0)),
        (0.75, (3 << 29, 0)),
        (math.nextafter(1.0, 0), (1 << 30, 1)),  # the mantissa rounds up to 2**31
        ((2**31 - 0.5) / 2**31, (1 << 30, 1)),  # a tie goes up
        ((2**31 - 0.75) / 2**31, (2**31 - 1, 0)),
        (2.0**-32, (1 << 30, -31)),
        (math.nextafter(2.0**-32, 0), (1 << 30, -31)),
        (2.0**-32 * 0.99, (0, 0)),
        (5e-324, (0, 0)),
        (2.0**29, (1 << 30, 30)),
        (2.0**30, (2**31 - 1, 30)),
        (1e300, (2**31 - 1, 30)),
    ],
)
def test_quantize_multiplier(real, expected):
    assert quantize_multiplier(real) == expected


@pytest.mark.parametrize("real", [-1.0, math.nan, math.inf])
def test_what_is_no_factor(real):
    with pytest.raises(CelosiaError, match="not a scale factor"):
        quantize_multiplier(real)


def test_effective_scale_rounds_once():
    source, weight, output = np.float32(0.1), np.float32([0.3, 0.7]), np.float32(0.9)
    exact = [float(source) * float(w) / float(output) for w in weight]
    assert effective_scale(0.1, weight, 0.9).tolist() == exact


def staircase(real, acc, zero_point, clamp):
    """LiteRT's results in plain Python: C's round of a float64 product."""
    rounded = [math.copysign(math.floor(abs(a * real) + 0.5), a * real) for a in acc.tolist()]
    return np.clip(np.array(rounded) + zero_point, *clamp)


@pytest.mark.parametrize("seed", range(60))
def test_every_accumulator(seed):
    rng = np.random.default_rng(seed)
    real = 2.0 ** rng.uniform(-9, 2)
    if seed % 2:  # many exact ties
        real = 2.0 ** rng.integers(-9, 2) * rng.integers(1, 9)
    zero_point = int(rng.integers(-128, 128))
    clamp = tuple(sorted(rng.integers(-128, 128, 2).tolist())) if seed % 3 else (-128, 127)
    low, high = -40_000, 50_000
    acc = np.arange(low, high + 1)
    m, shift, exact = fit_multipliers(
        np.array([real]), np.array([low]), np.array([high]), zero_point, clamp
    )
    assert exact.all()
    t = int(31 - shift[0])
    y = np.clip((acc * m[0] + (1 << (t - 1)) >> t) + zero_point, *clamp)
    assert np.array_equal(y, staircase(real, acc, zero_point, clamp))


def test_negative_ties_need_another_multiplier():
    half = np.array([0.5])
    m, shift, exact = fit_multipliers(half, np.array([-300]), np.array([300]), 0, (-128, 127))
    # With 2**30 the sum -1 would give 0; LiteRT's round(-0.5) is -1.
    assert exact.all() and (m[0], shift[0]) == ((1 << 30) + 1, 0)
    m, _, _ = fit_multipliers(half, np.array([0]), np.array([300]), 0, (-128, 127))
    assert m[0] == 1 << 30


@pytest.mark.parametrize("zero_point", [-128, 0, 127])
def test_fitted_multipliers_next_to_every_step(zero_point):
    """Scales so small that the nearest multiplier often misplaces a step, each step tried.

    Zero points at the ends: the steps of one sign must not lean on those of the other.
    """
    rng = np.random.default_rng(5)
    real = 2.0 ** rng.uniform(-18, -15, 800)
    most = np.full(len(real), 1 << 26)
    m, shift, exact = fit_multipliers(real, -most, most, zero_point, (-128, 127))
    nominal = np.array([quantize_multiplier(r) for r in real])
    assert (exact & (m != nominal[:, 0])).sum() > 20
    edges = np.arange(-128, 127) + 0.5 - zero_point
    for n in np.flatnonzero(exact):
        acc = (np.round(edges / real[n])[:, None] + np.arange(-2, 3)).astype(np.int64)
        product = (acc.astype(np.float64) * real[n]).astype(np.longdouble)
        expected = np.sign(product) * np.floor(np.abs(product) + 0.5) + zero_point
        t = int(31 - shift[n])
        y = (acc * m[n] + (1 << (t - 1)) >> t) + zero_point
        assert np.array_equal(np.clip(y, -128, 127), np.clip(expected, -128, 127)), real[n]


def test_too_fine_a_scale_is_admitted():
    real, low, high = np.array([2.0**-28 / 1.7]), np.array([-(2**31) + 1]), np.array([2**31 - 1])
    m, shift, exact = fit_multipliers(real, low, high, 0, (-128, 127))
    assert (int(m[0]), int(shift[0])) == quantize_multiplier(float(real[0])) and not exact[0]


def test_accumulator_range_is_reached():
    rng = np.random.default_rng(0)
    weights = rng.integers(-128, 128, (5, 7)).astype(np.int8)
    bias = rng.integers(-1000, 1000, 5).astype(np.int32)
    low, high = accumulator_range(weights, bias, 37)
    w = weights.astype(int)
    most = np.where(w > 0, 127, -128)
    least = np.where(w > 0, -128, 127)
    assert high.tolist() == (((most - 37) * w).sum(axis=1) + bias).tolist()
    assert low.tolist() == (((least - 37) * w).sum(axis=1) + bias).tolist()
