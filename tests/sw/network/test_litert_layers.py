"""Layers on maps against LiteRT's reference kernels: every byte of random operators and graphs.

More of them with ``CELOSIA_RANDOM_LAYERS=5000``. LiteRT 2.3.0 was right in all of 6,600, those with
SAME padding and unequal strides included, which it was once reported to get wrong.
"""

import os

import numpy as np
import pytest
from tests.helpers.litert import Op, Tensor, build, run
from tests.helpers.random_cnns import LAYERS, Cnn, random_cnn, random_inputs, random_layer

from celosia.importer.tflite import tflite_network
from celosia.network.layers import Add
from celosia.numerics.quant import Quant
from celosia.support.errors import Unsupported

_COUNT = int(os.environ.get("CELOSIA_RANDOM_LAYERS", "220"))


def every_tensor(data: bytes, rng: np.random.Generator, images: int, says: str) -> None:
    """The network of ``data`` gives LiteRT's bytes in every tensor."""
    network = tflite_network(data)
    x = random_inputs(rng, network.host.input_shape, images)
    judge = run(data, x, resize=False, key="index")
    results = [network.prepare(x), *network.graph.evaluate(network.prepare(x))]
    for tensor, y in zip(network.tensors, results, strict=True):
        expected = judge[tensor].reshape(images, -1)
        bad = np.argwhere(y != expected)
        assert not len(bad), (
            f"{says}: tensor {tensor} of {network.graph.shapes}, first of {len(bad)} of {y.size} "
            f"at {bad[0]}: {y[tuple(bad[0])]} not {expected[tuple(bad[0])]}"
        )


@pytest.mark.parametrize("code", sorted(set(LAYERS)))
def test_random_layers(code):
    count = _COUNT * LAYERS.count(code) // len(LAYERS)
    for index in range(count):
        rng = np.random.default_rng([index, *code.encode()])
        every_tensor(random_layer(rng, code), rng, 4, f"{code}, number {index}")


@pytest.mark.parametrize("size", [(1, 1), (1, 6), (2, 3), (3, 3), (5, 2), (4, 4), (7, 6), (25, 5)])
def test_means_next_to_ties(size):
    """Equal scales: every sum that is half way between two results is there."""
    rng = np.random.default_rng(size)
    for keep in (False, True):
        for zero_point in (-128, 0, 127):
            cnn = Cnn(rng, (*size, 16))
            cnn.tensors[0].zero_point = zero_point
            last = cnn.mean(0, keep)
            cnn.tensors[last].scale = cnn.tensors[0].scale
            every_tensor(cnn.build(last), rng, 30, f"zero point {zero_point}")


@pytest.mark.parametrize("seed", range(12))
def test_additions_of_all_pairs(seed):
    rng = np.random.default_rng(seed)
    scales = 10.0 ** rng.uniform(-3, 0.3, 3)
    if seed % 3 == 0:
        scales = 2.0 ** np.round(np.log2(scales))
    points = rng.choice([-128, 127, 0, int(rng.integers(-128, 128))], 3)
    quants = [Quant(float(np.float32(s)), int(z)) for s, z in zip(scales, points, strict=True)]
    one, other = np.mgrid[-128:128, -128:128].astype(np.int8)[..., None]
    tensors = [Tensor((1, 256, 256, 1), "int8", q.scale, q.zero_point, name="x") for q in quants]
    tensors[1].data, tensors[2].name = other[None], "y"
    expected = run(build(tensors, [Op("ADD", [0, 1], [2])], [0], [2]), one[None])["y"]
    layer = Add("add", *quants, (256, 256, 1))
    assert np.array_equal(layer.function(), expected[0, ..., 0]), quants


def test_additions_that_litert_aborts_on():
    with pytest.raises(Unsupported, match="output scale 1e-07 is too small"):
        Add("add", Quant(1.0, 0), Quant(1.0, 0), Quant(1e-7, 0), (1, 1, 1))


@pytest.mark.parametrize("group", range(4))
def test_random_networks(group):
    for index in range(group, _COUNT // 3, 4):
        rng = np.random.default_rng([index, 1])
        every_tensor(random_cnn(rng), rng, 3, f"network {index}")


def test_tiny_networks():
    for index in range(_COUNT // 3):
        rng = np.random.default_rng([index, 2])
        every_tensor(random_cnn(rng, layers=3, side=4, channels=4), rng, 3, f"tiny {index}")
