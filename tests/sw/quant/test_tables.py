"""Every element-wise function through the engine's numbers, next to the real one."""

import numpy as np
import pytest

from celosia.importer import to_network
from celosia.model.reference import evaluate
from celosia.network.float_layers import FloatDense
from celosia.network.float_network import FloatNetwork
from celosia.network.functions import FORMULAS, X, clip, function
from celosia.quant.activation import activation, clamp_of

_PARAMETERS = {
    "affine": (0.5, 0.25),
    "celu": (1.3,),
    "clip": (-1, 2),
    "elu": (0.7,),
    "hard_sigmoid": (0.2, 0.5),
    "leaky_relu": (0.1,),
    "selu": (1.6732632, 1.050701),
    "softplus": (1,),
    "threshold": (0.5, 0),
}
UNARY = sorted(set(FORMULAS) - {"add", "multiply", "divide"})


@pytest.mark.parametrize("name", UNARY)
def test_within_one_step(name):
    """Of the output's scale, for the value that the layer's sums stand for."""
    f = function(name, *_PARAMETERS.get(name, ()))
    sums = np.random.default_rng(0).normal(0, 1.5, (4000, 1))
    end = activation(f, sums, f(sums), "minmax")
    q = np.arange(-128, 128)
    real = f(end.output.dequantize(q))
    if end.table is None:
        low, high = clamp_of(f, end.output)
        y = end.output.dequantize(np.clip(q, low, high))
        assert np.abs(y - real).max() <= end.output.scale / 2 * 1.001
        return
    scale = end.table_output
    low, high = scale.dequantize(np.array([-128, 127]))
    assert (
        np.abs(scale.dequantize(end.table) - np.clip(real, low, high)).max() <= scale.scale * 1.01
    )


@pytest.mark.parametrize("name", UNARY)
def test_a_network_with_it_is_close_to_float(name):
    rng = np.random.default_rng(1)
    f = function(name, *_PARAMETERS.get(name, ()))
    layers = (
        FloatDense(rng.normal(0, 0.3, (12, 16)), rng.normal(0, 0.2, 16), function=f),
        FloatDense(rng.normal(0, 0.3, (16, 5)), rng.normal(0, 0.2, 5)),
    )
    model = FloatNetwork("m", layers)
    x = rng.uniform(-1, 1, (500, 12)).astype(np.float32)
    network = to_network(model, x)
    y = network.finish(evaluate(network.graph, network.prepare(x))[-1])
    real = model.forward(x)
    spread = real.max() - real.min()
    assert np.abs(y - real).mean() < 0.01 * spread


def test_forms_that_are_one():
    assert clip(0).of(clip(-1, 6)) == clip(0, 6)
    sigmoid = function("sigmoid")
    assert function("multiply", args=(X, sigmoid)) == function("silu")
    gate = function("hard_sigmoid", 1 / 6, 0.5)
    assert function("multiply", args=(gate, X)).name == "hard_swish"
    both = function(
        "multiply", args=(function("affine", 2, 1), sigmoid.of(function("affine", 2, 1)))
    )
    assert both.without_affine() == (2.0, 1.0, function("silu"))
    assert sigmoid.without_affine() == (1.0, 0.0, sigmoid)


def test_the_tails_of_a_sigmoid_cost_no_steps():
    sums = np.linspace(-100, 100, 2001)[:, None]
    end = activation(function("sigmoid"), sums, sums, "minmax")
    low, high = end.output.dequantize(np.array([-128, 127]))
    assert -8 < low < -5 and 5 < high < 8
    assert (end.table_output.scale, end.table_output.zero_point) == (1 / 256, -128)
