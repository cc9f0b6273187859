"""From a float perceptron to int8: ranges, formats, and what accuracy is left."""

import numpy as np
import pytest
from tests.helpers.litert import Op, Tensor, build, run
from tests.helpers.random_models import fully_connected

from celosia.demo import load_mnist, scaled
from celosia.demo.train import train_mlp
from celosia.model.reference import evaluate
from celosia.network.float_network import FloatNetwork
from celosia.numerics.quant import Quant
from celosia.quant import METHODS, activation_quant, choose_range, effective_scale, quantize
from celosia.quant.quantize import quantized
from celosia.support.errors import CelosiaError


def mlp(seed=0, sizes=(20, 16, 8), scale=1.0):
    rng = np.random.default_rng(seed)
    pairs = list(zip(sizes, sizes[1:], strict=False))
    weights = [rng.normal(0, scale / np.sqrt(k), (k, n)).astype(np.float32) for k, n in pairs]
    biases = [rng.normal(0, 0.2, n).astype(np.float32) for _, n in pairs]
    return FloatNetwork.from_arrays(weights, biases, ["relu"] * (len(pairs) - 1) + ["none"])


def sample(n=300, width=20, seed=1):
    return np.random.default_rng(seed).uniform(0, 1, (n, width)).astype(np.float32)


def test_ranges():
    values = np.float32([-1, 0.5, 3])
    assert choose_range(values) == (-1, 3)
    assert choose_range(np.float32([2, 3])) == (0, 3)
    assert choose_range(np.float32([-2, -3])) == (-3, 0)
    assert choose_range(np.float32([0, 0])) == (0, 0)


def test_robust_ranges_leave_outliers_out():
    values = np.append(np.random.default_rng(0).normal(0, 1, 100_000), 1000.0)
    assert choose_range(values)[1] == 1000
    assert choose_range(values, "percentile")[1] < 6
    low, high = choose_range(np.append(np.linspace(-1, 1, 1_000_000), 5.0), "mse")
    # Where the derivative of (5 - h)**2 + 1e6 / 12 * ((1 + h) / 255)**2 vanishes.
    assert high == pytest.approx(1.63, abs=0.15) and low == pytest.approx(-1, abs=0.05)
    even = np.linspace(-1, 1, 100_000)
    assert choose_range(even, "mse")[1] > 0.95


@pytest.mark.parametrize("method", METHODS)
def test_bad_samples(method):
    with pytest.raises(CelosiaError, match="no values"):
        choose_range(np.zeros((0, 4)), method)
    for bad in (np.nan, np.inf):
        with pytest.raises(CelosiaError, match="value 1 is"):
            choose_range(np.array([0.0, bad]), method)


def test_unknown_method():
    with pytest.raises(CelosiaError, match="'max' is unknown; use minmax, percentile, mse"):
        choose_range(np.ones(3), "max")


def test_activation_quant():
    assert activation_quant(0, 1) == Quant(float(np.float32(1 / 255)), -128)
    assert activation_quant(-1, 0).zero_point == 127
    assert activation_quant(-1, 1).zero_point in (-1, 0)
    assert activation_quant(0, 0) == Quant(1.0, -128)
    with pytest.raises(CelosiaError, match="no float32 scale"):
        activation_quant(0, 1e-42)


def test_pixels_keep_their_zero():
    graph = quantize(mlp(), np.clip(sample() * 1.5 - 0.2, 0, 1)).graph
    assert graph.input == Quant(float(np.float32(1 / 255)), -128)
    pixels = np.arange(256, dtype=np.float32) / np.float32(255)
    assert (graph.input.quantize(pixels).astype(int) + 128).tolist() == list(range(256))


def test_formats():
    graph = quantize(mlp(), sample()).graph
    first, last = graph.layers
    assert (first.output.zero_point, first.clamp) == (-128, (-128, 127))
    for layer in graph.layers:
        assert layer.weights.dtype == np.int8 and layer.weights.min() >= -127
        # Each channel uses its whole range.
        assert (np.abs(layer.weights.astype(int)).max(axis=1) == 127).all()
        assert layer.bias.dtype == np.int32 and layer.input == graph.input or layer is last
    assert last.input == first.output


@pytest.mark.parametrize("method", METHODS)
def test_close_to_float(method):
    model, x = mlp(sizes=(20, 32, 24, 8)), sample(2000)
    graph = quantize(model, x[:500], method).graph
    real = model.forward(x)
    error = graph.output.dequantize(evaluate(graph, graph.input.quantize(x))[-1]) - real
    assert np.abs(error).mean() < 0.01 * (real.max() - real.min())


@pytest.mark.parametrize("seed", range(6))
def test_quantized_graphs_run_in_litert(seed):
    """A graph as a .tflite file, with its scales only: LiteRT's own multipliers agree with ours."""
    model, x = mlp(seed, (20, 12, 10, 6), 10.0 ** (seed - 3)), sample()
    found = quantized(model, x)
    graph = found.network.graph
    tensors = [Tensor((1, 20), "int8", graph.input.scale, graph.input.zero_point)]
    ops = []
    for index, layer in enumerate(graph.layers):
        source = tensors[-1] if index else tensors[0]
        w, b = found.graph.layers[index].weights, found.graph.layers[index].bias
        weights = _weight_scales(w, b, source.scale)
        at = len(tensors)
        tensors += [
            Tensor(layer.weights.shape, "int8", weights, 0, layer.weights),
            Tensor(layer.bias.shape, "int32", weights * source.scale, 0, layer.bias),
            Tensor(
                (1, layer.outputs),
                "int8",
                layer.output.scale,
                layer.output.zero_point,
                name=layer.name,
            ),
        ]
        ops.append(Op("FULLY_CONNECTED", [at - 1, at, at + 1], [at + 2], fully_connected()))
        ratio = layer.multiplier / 2.0**31 * 2.0**layer.shift
        real = effective_scale(layer.input.scale, weights, layer.output.scale)
        assert np.allclose(ratio, real, rtol=1e-8, atol=0)
    q = graph.input.quantize(sample(400, seed=9))
    judge = run(build(tensors, ops, [0], [len(tensors) - 1]), q)
    for layer, y in zip(graph.layers, evaluate(graph, q), strict=True):
        assert np.array_equal(y, judge[layer.name]), f"seed {seed}, {layer.name}"


def _weight_scales(w, b, source):
    scale = np.abs(w).max(axis=0).astype(np.float64) / 127
    return np.maximum(scale, np.abs(b) / (source * 2.0**30)).astype(np.float32)


def test_dead_channels():
    model = mlp()
    weights = [layer.weights.copy() for layer in model.layers]
    weights[0][:, 0] = 0  # with a bias
    weights[0][:, 1] = 1e-40  # subnormal, as weight decay leaves them
    weights[0][:, 2] = 1e-12
    biases = [layer.bias.copy() for layer in model.layers]
    biases[0][1] = 0
    model = FloatNetwork.from_arrays(weights, biases, ["relu", "none"])
    x = sample(500, seed=2)
    graph = quantize(model, x).graph
    real = model.forward(x)
    error = graph.output.dequantize(evaluate(graph, graph.input.quantize(x))[-1]) - real
    assert np.abs(error).max() < 0.03 * (real.max() - real.min())


def test_all_zero_model():
    model = FloatNetwork.from_arrays(
        [np.zeros((4, 3), np.float32)], [np.zeros(3, np.float32)], ["none"]
    )
    graph = quantize(model, np.zeros((2, 4), np.float32)).graph
    y = evaluate(graph, graph.input.quantize(np.zeros((1, 4), np.float32)))[-1]
    assert graph.output.dequantize(y).tolist() == [[0, 0, 0]]


def test_bad_calibration_names_the_place():
    for bad, message in (
        (np.zeros((0, 20), np.float32), "input: no values"),
        (np.full((1, 20), np.nan, np.float32), "input: 100.00% .* not finite, value 0 is nan"),
        (np.zeros((3, 19), np.float32), "\\[n, 20\\]"),
        (np.zeros((3, 20), np.uint8), "not float"),
    ):
        with pytest.raises(CelosiaError, match=message):
            quantize(mlp(), bad)


@pytest.mark.parametrize("seed", [0, 1])
def test_mnist_accuracy(mnist_dir, seed):
    """Within 0.10 points of float and at least 99.8 % equal predictions."""
    data = load_mnist(mnist_dir)
    model = train_mlp(data, epochs=2, seed=seed)
    x = scaled(data.x_test)
    graph = quantize(model, scaled(data.x_train[:1000])).graph
    expected, y = model.predict(x), evaluate(graph, graph.input.quantize(x))[-1].argmax(axis=1)
    equal = 100 * (y == expected).mean()
    lost = 100 * ((expected == data.y_test).mean() - (y == data.y_test).mean())
    print(f"seed {seed}: {equal:.2f} % equal predictions, {lost:+.2f} points lost")
    assert equal >= 99.8 and lost <= 0.10
