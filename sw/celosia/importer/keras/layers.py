"""What each supported Keras layer computes. `LAYERS` lists them."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from celosia.importer.arithmetic import batch_norm
from celosia.importer.guard import text
from celosia.importer.values import Value
from celosia.network.functions import function
from celosia.support.errors import CelosiaError, Unsupported

from .activations import activate, relu

__all__ = ["LAYERS", "Layer"]


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer of the file.

    Parameters
    ----------
    name : as the user named it.
    config : its configuration.
    variables : ``variables(count)`` gives its first ``count`` arrays; CelosiaError when there are
        fewer.
    """

    name: str
    config: dict[str, Any]
    variables: Callable[[int], list[np.ndarray]]

    def number(self, key: str, default: float = 0.0) -> float:
        """The number at ``key`` of `config`."""
        value = self.config.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise CelosiaError(f"{key} is {text(value)!r}, not a number")
        return value


def _dense(layer: Layer, value: Value) -> Value:
    if layer.config.get("quantization_config") or layer.config.get("quantization_mode"):
        raise Unsupported("its weights are quantized already", todo="save the float model")
    biased = layer.config.get("use_bias", True)
    kernel, *bias = layer.variables(2 if biased else 1)
    value = value.linear(kernel, bias[0] if biased else None, layer.name)
    return activate(value, layer.config.get("activation"))


def _batch_normalization(layer: Layer, value: Value) -> Value:
    scaled, centred = (bool(layer.config.get(key, True)) for key in ("scale", "center"))
    variables = layer.variables(2 + scaled + centred)
    gamma = variables.pop(0) if scaled else None
    beta = variables.pop(0) if centred else None
    mean, variance = variables
    epsilon = layer.number("epsilon", 1e-3)
    return batch_norm(value, mean, variance, gamma, beta, epsilon, _along(layer, value))


def _normalization(layer: Layer, value: Value) -> Value:
    """``(x - mean) / max(sqrt(variance), 1e-7)``."""
    if layer.config.get("invert"):
        raise Unsupported("invert=True")
    if layer.config.get("mean") is not None:
        mean, variance = (np.asarray(layer.config[k], np.float32) for k in ("mean", "variance"))
        mean, variance = mean.reshape(-1), variance.reshape(-1)
    else:
        mean, variance = (each.reshape(-1) for each in layer.variables(2))
    if not (variance >= 0).all():
        raise CelosiaError("a variance is negative")
    scale = 1 / np.maximum(np.sqrt(variance.astype(np.float64)), 1e-7)
    along = _along(layer, value) if mean.size > 1 else (1,)
    return value.affine(scale.reshape(along), (-mean * scale).reshape(along))


def _along(layer: Layer, value: Value) -> tuple[int, ...]:
    """The shape that lays a vector along the layer's axis."""
    axis = layer.config.get("axis", -1)
    if isinstance(axis, list) and len(axis) == 1:
        axis = axis[0]
    rank = len(value.shape)
    if type(axis) is not int or not (-rank <= axis < 0 or 1 <= axis <= rank):
        raise Unsupported(f"axis {text(axis)}")
    shape = [1] * rank
    shape[axis if axis < 0 else axis - 1] = -1
    return tuple(shape)


def _rescaling(layer: Layer, value: Value) -> Value:
    scale, offset = (
        np.asarray(layer.config.get(key, default), np.float32)
        for key, default in (("scale", 1.0), ("offset", 0.0))
    )
    return value.affine(scale, offset)


def _flatten(layer: Layer, value: Value) -> Value:
    return value.reshape((value.width,))


def _reshape(layer: Layer, value: Value) -> Value:
    shape = layer.config["target_shape"]
    if not all(type(size) is int for size in shape) or shape.count(-1) > 1:
        raise CelosiaError(f"target shape {text(shape)} is not possible")
    known = prod(size for size in shape if size != -1)
    if not known:
        raise CelosiaError(f"target shape {text(shape)} is not possible")
    return value.reshape(tuple(value.width // known if size == -1 else size for size in shape))


def _softmax(layer: Layer, value: Value) -> Value:
    axis = layer.config.get("axis", -1)
    if isinstance(axis, list) and len(axis) == 1:
        axis = axis[0]
    return value.softmax(axis)


def _relu(layer: Layer, value: Value) -> Value:
    maximum = None if layer.config.get("max_value") is None else layer.number("max_value")
    return relu(value, layer.number("negative_slope"), maximum, layer.number("threshold"))


def _unary(name: str, key: str, default: float) -> Callable[[Layer, Value], Value]:
    return lambda layer, value: value.apply(function(name, layer.number(key, default)))


def _same(layer: Layer, value: Value) -> Value:
    return value


#: Class name -> handler. Layers that act only in training leave the value as it is.
LAYERS: dict[str, Callable[[Layer, Value], Value]] = {
    "Dense": _dense,
    "BatchNormalization": _batch_normalization,
    "Normalization": _normalization,
    "Rescaling": _rescaling,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Activation": lambda layer, value: activate(value, layer.config["activation"]),
    "ReLU": _relu,
    "LeakyReLU": _unary("leaky_relu", "negative_slope", 0.3),
    "ELU": _unary("elu", "alpha", 1.0),
    "Softmax": _softmax,
    "Identity": _same,
    "Dropout": _same,
    "AlphaDropout": _same,
    "SpatialDropout1D": _same,
    "GaussianDropout": _same,
    "GaussianNoise": _same,
    "ActivityRegularization": _same,
}
