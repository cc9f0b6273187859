"""Networks of well-known shapes with random weights: right for cycles and bytes, not for meaning.

The shapes are those of MLPerf Tiny v1.0 (github.com/mlcommons/tiny), anomaly detection and keyword
spotting. Labels, where a model has classes, are what the float model itself answers.
"""

import numpy as np

from celosia.network.float_layers import (
    FloatConvolution,
    FloatDense,
    FloatDepthwise,
    FloatLayer,
    FloatMean,
)
from celosia.network.float_network import FloatNetwork
from celosia.network.functions import clip

from .example import Example

__all__ = ["autoencoder", "keyword_spotting"]

_RELU = clip(0)
_ABOUT = "random inputs and weights; labels are the float model's own answers"


def autoencoder(seed: int, calibration: int, inputs: int) -> Example:
    """640-128-128-128-128-8-128-128-128-128-640 with ReLUs."""
    rng = np.random.default_rng(seed)
    sizes = (640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640)
    layers = [
        FloatDense(*_weights(rng, (k, n), k, n), function=_RELU)
        for k, n in zip(sizes[:-2], sizes[1:-1], strict=True)
    ]
    layers.append(FloatDense(*_weights(rng, sizes[-2:], sizes[-2], sizes[-1])))
    x = rng.normal(0, 1, (calibration + inputs, 640)).astype(np.float32)
    about = "random inputs and weights"
    model = FloatNetwork("anomaly", tuple(layers))
    return Example(model, x[:calibration], x[calibration:], None, about)


def keyword_spotting(seed: int, calibration: int, inputs: int) -> Example:
    """49x10 coefficients, a 10x4 convolution of stride 2 to 64 channels, four times a 3x3 depthwise
    and a 1x1 convolution, the mean over the map, 12 classes."""
    rng = np.random.default_rng(seed)
    layers: list[FloatLayer] = [
        FloatConvolution(
            *_weights(rng, (64, 10, 4, 1), 40, 64), input_shape=(49, 10, 1), output_size=(25, 5),
            stride=(2, 2), padding=(4, 1), function=_RELU,
        )
    ]  # fmt: skip
    shape, size = (25, 5, 64), (25, 5)
    for _ in range(4):
        layers += [
            FloatDepthwise(
                *_weights(rng, (3, 3, 64), 9, 64), input_shape=shape, output_size=size,
                padding=(1, 1), function=_RELU,
            ),
            FloatConvolution(
                *_weights(rng, (64, 1, 1, 64), 64, 64), input_shape=shape, output_size=size,
                function=_RELU,
            ),
        ]  # fmt: skip
    layers += [FloatMean(input_shape=shape), FloatDense(*_weights(rng, (64, 12), 64, 12))]
    x = rng.normal(0, 1, (calibration + inputs, 49, 10, 1)).astype(np.float32)
    model = FloatNetwork("kws", tuple(layers))
    labels = model.predict(x[calibration:])
    return Example(model, x[:calibration], x[calibration:], labels, _ABOUT)


def _weights(
    rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, outputs: int
) -> tuple[np.ndarray, np.ndarray]:
    """Normal weights of variance 2 / fan_in, which keeps values' size through ReLUs; biases."""
    weights = rng.normal(0, np.sqrt(2 / fan_in), shape)
    return weights.astype(np.float32), rng.normal(0, 0.1, outputs).astype(np.float32)
