"""Requantizations found for staircases, and the weights of additions."""

import numpy as np
import pytest

from celosia.compiler.maps.add import fit_sum
from celosia.compiler.maps.pools import average_factor
from celosia.compiler.maps.staircase import fit
from celosia.network.layers import Add
from celosia.numerics.quant import Quant


@pytest.mark.parametrize("n", [1, 2, 3, 4, 9, 16, 25, 48, 49, 64, 576])
@pytest.mark.parametrize("clamp", [(0, 255), (128, 255), (17, 18), (254, 255), (9, 9)])
def test_averages(n, clamp):
    factor = average_factor(n, clamp, 77)
    assert factor is not None
    sums = np.arange(255 * n + 1)
    for total, got in zip(sums.tolist(), factor.apply(sums, clamp).tolist(), strict=True):
        q = total - 128 * n
        mean = (abs(q) + n // 2) // n * (1 if q > 0 else -1)
        assert got == min(max(mean + 128, clamp[0]), clamp[1])


def addition(one: Quant, other: Quant, output: Quant, **more) -> tuple[np.ndarray, float]:
    """What `fit_sum` is asked: results in offset binary, and the ratio of the scales."""
    layer = Add("add", one, other, output, (1, 1, 1), **more)
    results = (layer.function().astype(int) + 128).astype(np.uint8).ravel()
    return results, one.scale / other.scale


def sums(weights: tuple[int, int]) -> np.ndarray:
    a, b = np.divmod(np.arange(65536), 256)
    return weights[0] * a + weights[1] * b


def test_sums_of_random_scales():
    rng, taps = np.random.default_rng(4), []
    for index in range(40):
        one, other, ratio = np.exp(rng.uniform(-3, 0, 3)).astype(np.float32).tolist()
        zero_points = rng.integers(-128, 128, 3).tolist()
        clamp = ((-128, 127), (zero_points[2], 127))[index % 2]
        quants = (
            Quant(scale, zero_point)
            for scale, zero_point in zip((one, other, 2 * ratio), zero_points, strict=True)
        )
        results, ratio = addition(*quants, clamp=clamp)
        limits = clamp[0] + 128, clamp[1] + 128
        found = fit_sum(results, ratio, limits, (zero_points[2] + 128, 128, 0))
        assert found is not None, f"seed 4, addition {index}"
        each = [weights.astype(int) for weights in found.taps()]
        assert [weights.sum() for weights in each] == list(found.weights)
        assert (found.factor.apply(sums(found.weights), limits) == results).all()
        taps.append(sum(map(len, each)))
    assert np.mean(taps) <= 13


@pytest.mark.parametrize(("seed", "taps"), [(0, [1, 1]), (1, [1, 2]), (13, [2, 2]), (22, [2, 1])])
def test_fewest_taps(seed, taps):
    """No pair of weights with a tap less gives the results, whatever the factor."""
    rng = np.random.default_rng(seed)
    one, other = (Quant(float(np.float32(rng.uniform(0.5, 1))), 0) for _ in range(2))
    results, ratio = addition(one, other, Quant(max(one.scale, other.scale), 0))
    found = fit_sum(results, ratio, (0, 255), (128, 0))
    assert found is not None and [len(each) for each in found.taps()] == taps
    for large in range(1, 127 * sum(taps)):
        small = int(large * min(ratio, 1 / ratio))
        for weights in ((large, small), (large, small + 1)):
            if sum(-(-max(weight, 1) // 127) for weight in weights) < sum(taps):
                pair = weights if ratio > 1 else weights[::-1]
                assert fit(sums(pair), results, (0, 255), (128, 0)) is None, pair


def test_each_tensor_has_as_few_taps_as_its_weight_needs():
    """The first addition of MLPerf Tiny's ResNet: weights of 9 and 22 taps, not 22 each."""
    one, other = Quant(0.039393551647663116, -128), Quant(0.10419496148824692, 4)
    results, ratio = addition(one, other, Quant(0.050945673137903214, -128))
    found = fit_sum(results, ratio, (0, 255), (0, 128))
    assert found is not None and [len(taps) for taps in found.taps()] == [9, 22]


def test_scales_near_a_fraction_of_small_numbers():
    """13 / 12 but for 2e-5: only large weights tell 13 * 12 and 12 * 13 apart."""
    one, other = Quant(0.10567168146371841, 0), Quant(0.0975428894162178, -128)
    results, ratio = addition(one, other, Quant(0.13677388429641724, -128))
    found = fit_sum(results, ratio, (0, 255), (0, 128))
    assert found is not None and [len(taps) for taps in found.taps()] == [201, 186]


def test_a_tensor_that_does_not_count():
    """Whose scale is too small to change any sum, and sums that are all clamped to one value."""
    large, small = Quant(1.0, 0), Quant(0.001, 0)
    for one, other, weight in ((large, small, 1), (small, large, 0)):
        results, ratio = addition(one, other, large)
        found = fit_sum(results, ratio, (0, 255), (128, 0))
        assert found is not None and found.weights[weight] == 0
        assert (found.factor.apply(sums(found.weights), (0, 255)) == results).all()
    for limits in ((-128, -128), (5, 5), (127, 127)):
        results, ratio = addition(large, large, large, clamp=limits)
        limits = limits[0] + 128, limits[1] + 128
        found = fit_sum(results, ratio, limits, (128, 0))
        assert found is not None
        assert (found.factor.apply(sums(found.weights), limits) == results).all()


def test_sums_that_no_weights_give():
    """A result that falls where both bytes grow, and the exclusive or of two bits."""
    results, _ = addition(Quant(1.0, 0), Quant(1.0, 0), Quant(2.0, 0))
    a, b = np.divmod(np.arange(65536), 256)
    for wrong in (255 - results, ((a > 99) ^ (b > 99)).astype(np.uint8)):
        assert fit_sum(wrong, 1.0, (0, 255), (128, 0)) is None


def test_what_no_factor_gives():
    sums, clamp = np.arange(5), (0, 255)
    for values in ([1, 0, 0, 0, 0], [0, 1, 2, 50, 51], [0, 9, 10, 200, 255]):
        assert fit(sums, np.array(values, np.uint8), clamp, (0, 128)) is None
    # The same sum with two values.
    assert fit(np.array([1, 1, 2]), np.array([0, 1, 1], np.uint8), clamp, (0,)) is None
