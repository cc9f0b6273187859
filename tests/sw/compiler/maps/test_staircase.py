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


def test_sums_of_random_scales():
    rng, taps = np.random.default_rng(4), []
    for index in range(40):
        one, other, ratio = np.exp(rng.uniform(-3, 0, 3)).astype(np.float32).tolist()
        zero_points = rng.integers(-128, 128, 3).tolist()
        clamp = ((-128, 127), (zero_points[2], 127))[index % 2]
        layer = Add(
            "add",
            Quant(one, zero_points[0]),
            Quant(other, zero_points[1]),
            Quant(2 * ratio, zero_points[2]),
            (1, 1, 1),
            clamp=clamp,
        )
        results = (layer.function().astype(int) + 128).astype(np.uint8).ravel()
        limits = clamp[0] + 128, clamp[1] + 128
        found = fit_sum(results, one / other, limits, (zero_points[2] + 128, 128, 0))
        assert found is not None, layer
        weights = [each.astype(int) for each in found.taps()]
        assert [each.sum() for each in weights] == list(found.weights)
        a, b = np.divmod(np.arange(65536), 256)
        sums = weights[0].sum() * a + weights[1].sum() * b
        assert (found.factor.apply(sums, limits) == results).all()
        taps.append(sum(map(len, weights)))
    assert np.median(taps) <= 9


def test_scales_near_a_fraction_of_small_numbers():
    """13 / 12 but for 2e-5: only large weights tell 13 * 12 and 12 * 13 apart."""
    one, other = Quant(0.10567168146371841, 0), Quant(0.0975428894162178, -128)
    layer = Add("add", one, other, Quant(0.13677388429641724, -128), (1, 1, 1))
    results = (layer.function().astype(int) + 128).astype(np.uint8).ravel()
    found = fit_sum(results, one.scale / other.scale, (0, 255), (0, 128))
    assert found is not None and [len(taps) for taps in found.taps()] == [254, 235]


def test_what_no_factor_gives():
    sums, clamp = np.arange(5), (0, 255)
    for values in ([1, 0, 0, 0, 0], [0, 1, 2, 50, 51], [0, 9, 10, 200, 255]):
        assert fit(sums, np.array(values, np.uint8), clamp, (0, 128)) is None
    # The same sum with two values.
    assert fit(np.array([1, 1, 2]), np.array([0, 1, 1], np.uint8), clamp, (0,)) is None


def test_each_tensor_has_as_few_taps_as_its_weight_needs():
    """The first addition of MLPerf Tiny's ResNet: weights of 9 and 22 taps, not 22 each."""
    one, other = Quant(0.039393551647663116, -128), Quant(0.10419496148824692, 4)
    layer = Add("add", one, other, Quant(0.050945673137903214, -128), (1, 1, 1))
    results = (layer.function().astype(int) + 128).astype(np.uint8).ravel()
    found = fit_sum(results, one.scale / other.scale, (0, 255), (0, 128))
    assert found is not None and [len(taps) for taps in found.taps()] == [9, 22]
