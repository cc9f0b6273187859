"""Float graphs: every layer against its definition pixel by pixel, wiring, layouts and files."""

import numpy as np
import pytest

from celosia.network.float_graph import FloatGraph
from celosia.network.float_layers import (
    FloatAdd,
    FloatAveragePool,
    FloatConcatenation,
    FloatConvolution,
    FloatDense,
    FloatDepthwise,
    FloatMaxPool,
    FloatMean,
    FloatPad,
    FloatScale,
)
from celosia.network.float_network import FloatNetwork
from celosia.network.functions import clip, function
from celosia.support.errors import CelosiaError


def window_of(rng, shape, dilated=True):
    """Kernel, stride, dilation, padding and size along each axis, some with asymmetric padding."""
    found = []
    for n in shape[:2]:
        kernel, stride = int(rng.integers(1, min(4, n) + 1)), int(rng.integers(1, 3))
        dilation = 2 if dilated and (kernel - 1) * 2 < n and rng.random() < 0.3 else 1
        reach = (kernel - 1) * dilation + 1
        before, after = (int(rng.integers(0, reach)) for _ in range(2))
        found.append((kernel, stride, dilation, before, (n + before + after - reach) // stride + 1))
    return [tuple(each) for each in zip(*found, strict=True)]


def pixels(x, window, outside=0.0):
    """Of every output pixel (image, y, x): the values [taps, channels] that it reads."""
    kernel, stride, dilation, padding, size = window
    for i, y, at in np.ndindex(len(x), *size):
        rows = []
        for tap in np.ndindex(*kernel):
            v = y * stride[0] - padding[0] + tap[0] * dilation[0]
            h = at * stride[1] - padding[1] + tap[1] * dilation[1]
            inside = 0 <= v < x.shape[1] and 0 <= h < x.shape[2]
            rows.append(x[i, v, h] if inside else np.full(x.shape[3], outside))
        yield (i, y, at), np.array(rows)


@pytest.mark.parametrize("seed", range(20))
def test_windows(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(int(v) for v in rng.integers(1, 8, 3))
    x = rng.normal(0, 1, (2, *shape))
    window = window_of(rng, shape)
    kernel, stride, dilation, padding, size = window
    more = {"stride": stride, "dilation": dilation, "padding": padding}
    n, c = int(rng.integers(1, 5)), shape[2]
    weights, bias = rng.normal(0, 1, (n, *kernel, c)), rng.normal(0, 1, n)
    layer = FloatConvolution(weights, bias, shape, size, **more)
    expected = np.zeros((2, *size, n))
    for at, rows in pixels(x, window):
        expected[at] = (rows * layer.weights.reshape(n, -1, c)).sum(axis=(1, 2)) + layer.bias
    np.testing.assert_allclose(layer.sums(x.reshape(2, -1)), expected.reshape(2, -1), atol=1e-10)

    copies = int(rng.integers(1, 3))
    weights, bias = rng.normal(0, 1, (*kernel, c * copies)), rng.normal(0, 1, c * copies)
    layer = FloatDepthwise(weights, bias, shape, size, **more)
    expected = np.zeros((2, *size, c * copies))
    for at, rows in pixels(x, window):
        spread = np.repeat(rows, copies, axis=1) * layer.weights.reshape(-1, c * copies)
        expected[at] = spread.sum(axis=0) + layer.bias
    np.testing.assert_allclose(layer.sums(x.reshape(2, -1)), expected.reshape(2, -1), atol=1e-10)


@pytest.mark.parametrize("seed", range(12))
def test_pools(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(int(v) for v in rng.integers(1, 8, 3))
    x = rng.normal(0, 1, (2, *shape))
    while True:
        kernel, stride, dilation, padding, size = window = window_of(rng, shape, dilated=False)
        try:
            average = FloatAveragePool(shape, kernel, stride, size, padding)
            break
        except CelosiaError as error:
            assert "outside of the map" in str(error)
    largest = FloatMaxPool(shape, kernel, stride, size, padding)
    mean, most = (np.zeros((2, *size, shape[2])) for _ in range(2))
    for at, rows in pixels(x, window, outside=np.nan):
        mean[at], most[at] = np.nanmean(rows, axis=0), np.nanmax(rows, axis=0)
    np.testing.assert_allclose(average.sums(x.reshape(2, -1)), mean.reshape(2, -1), atol=1e-12)
    assert np.array_equal(largest.sums(x.reshape(2, -1)), most.reshape(2, -1))


def test_layers_without_windows():
    x = np.arange(12.0).reshape(1, 12)
    assert FloatMean((2, 3, 2)).sums(x).tolist() == [[5, 6]]
    assert FloatAdd((2, 3, 2)).sums(x, x).tolist() == (2 * x).tolist()
    both = FloatConcatenation(((2, 1, 2), (2, 1, 1))).sums(np.arange(4.0)[None], np.ones((1, 2)))
    assert both.tolist() == [[0, 1, 1, 2, 3, 1]]
    border = FloatPad((1, 2, 1), top=1, right=1).sums(np.array([[4.0, 5.0]]))
    assert border.tolist() == [[0, 0, 0, 4, 5, 0]]
    scale = FloatScale(np.float32([1, 2]), np.float32([0, 5]), (1, 2, 2))
    assert scale.sums(np.ones((1, 4))).tolist() == [[1, 7, 1, 7]]
    each = FloatScale(np.arange(4.0), np.zeros(4), (1, 2, 2))
    assert each.sums(np.ones((1, 4))).tolist() == [[0, 1, 2, 3]]
    alone = FloatScale.alone((1, 2, 2), function=clip(0))
    assert alone.apply(alone.sums(np.array([[-1.0, 2, 0, 1]]))).tolist() == [[0, 2, 0, 1]]


def residual():
    rng = np.random.default_rng(4)
    conv = FloatConvolution(
        rng.normal(0, 1, (2, 3, 3, 2)), np.ones(2), (4, 3, 2), (4, 3), padding=(1, 1)
    )
    layers = (
        conv,
        FloatDepthwise(rng.normal(0, 1, (1, 1, 2)), np.zeros(2), (4, 3, 2), (4, 3)),
        FloatAdd((4, 3, 2), function=clip(0)),
        FloatConcatenation(((4, 3, 2), (4, 3, 2))),
        FloatMaxPool((4, 3, 4), (2, 2), (2, 1), (2, 2)),
        FloatPad((2, 2, 4), left=1),
        FloatMean((2, 3, 4)),
        FloatScale(rng.normal(0, 1, 4), np.ones(4), function=function("elu", 0.5)),
        FloatDense(rng.normal(0, 1, (4, 3)), np.zeros(3), origin="head"),
    )
    reads = ((0,), (1,), (1, 2), (3, 0), (4,), (5,), (6,), (7,), (8,))
    return layers, reads


def test_a_graph():
    layers, reads = residual()
    graph = FloatGraph("g", layers, reads)
    assert graph.names[:3] == ("convolution_0", "depthwise_1", "add_2") and not graph.is_chain
    assert graph.shapes[0] == (4, 3, 2) and graph.shapes[-1] == (1, 1, 3)
    assert graph.readers(0) == (0, 3) and graph.outputs == (9,)
    x = np.random.default_rng(1).normal(0, 1, (5, 24)).astype(np.float32)
    found = graph.evaluate(x)
    tensors = [x, *(y for _, y in found)]
    np.testing.assert_array_equal(tensors[3], np.maximum(tensors[1] + tensors[2], 0))
    assert all(y.dtype == np.float32 for y in tensors)
    assert all(y.dtype == np.float64 for _, y in graph.evaluate(x.astype(np.float64)))


@pytest.mark.parametrize(
    "change, words",
    [
        ({"reads": ((0,),)}, "1 lists of tensors for 9 layers"),
        ({3: (3,)}, "layer 3: reads 1 tensors, not 2"),
        ({1: (2,)}, "layer 1: reads tensor 2, which is not computed"),
        ({8: (6,)}, r"layer 5: map \[2, 3, 4\], but head takes \[1, 1, 4\]"),
        ({2: (1, 1)}, "layer 1: nothing reads its values"),
        ({"outputs": (0,)}, "output 0 is no layer's result"),
    ],
)
def test_wrong_graphs(change, words):
    layers, reads = residual()
    new = tuple(change.get(k, each) for k, each in enumerate(reads))
    with pytest.raises(CelosiaError, match=words):
        FloatGraph("g", layers, change.get("reads", new), change.get("outputs"))


def test_channels_first():
    """A model whose maps are channels first gives its own order on both ends."""
    rng = np.random.default_rng(2)
    weights = rng.normal(0, 1, (3, 1, 1, 2))
    layer = FloatConvolution(weights, np.zeros(3), (4, 5, 2), (4, 5))
    network = FloatNetwork(
        "first", (layer,), (2, 4, 5), (3, 4, 5), input_axes=(1, 2, 0), output_axes=(2, 0, 1)
    )
    x = rng.normal(0, 1, (2, 2, 4, 5)).astype(np.float32)
    expected = np.einsum("bchw,nc->bnhw", x, layer.weights[:, 0, 0])
    np.testing.assert_allclose(network.forward(x), expected, atol=1e-5)
    with pytest.raises(CelosiaError, match=r"axes \[0, 1\] are no order of 3 axes"):
        FloatNetwork("first", (layer,), (2, 4, 5), input_axes=(0, 1))


def test_files(tmp_path):
    layers, reads = residual()
    network = FloatNetwork(
        "g", layers, (2, 4, 3), final="softmax", reads=reads, input_axes=(1, 2, 0)
    )
    network.save(tmp_path / "m.npz")
    again = FloatNetwork.load(tmp_path / "m.npz")
    assert again.to_bytes() == network.to_bytes() and again.reads == reads
    x = np.random.default_rng(1).normal(0, 1, (2, 2, 4, 3))
    assert np.array_equal(again.forward(x), network.forward(x))
    raw = bytearray(network.to_bytes())
    rng = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(raw)
        damaged[int(rng.integers(len(raw)))] ^= 1 << int(rng.integers(8))
        (tmp_path / "m.npz").write_bytes(damaged)
        try:
            FloatNetwork.load(tmp_path / "m.npz")
        except CelosiaError as error:
            assert "\n" not in str(error)
