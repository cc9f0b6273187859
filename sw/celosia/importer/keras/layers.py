"""What each supported Keras layer computes. `LAYERS` and `MERGES` list them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from celosia.importer import operations as run
from celosia.importer.guard import text
from celosia.importer.operations.constants import Operand
from celosia.importer.operations.elementwise import uniform
from celosia.importer.values import Value
from celosia.support.errors import CelosiaError, Unsupported

from .activations import activate, relu
from .layer import Layer
from .maps import MAPS

__all__ = ["LAYERS", "MERGES", "run_layer"]

_Handler = Callable[[Layer, Any], Any]


def _dense(layer: Layer, value: Operand) -> Operand:
    for key in ("quantization_config", "quantization_mode"):
        if layer.get(key):
            raise Unsupported("its weights are quantized already", todo="save the float model")
    layer.ignore("units")
    biased = layer.get("use_bias", True)
    kernel, *bias = layer.variables(2 if biased else 1)
    return run.linear(value, kernel, bias[0] if biased else None)


def _batch_normalization(layer: Layer, value: Operand) -> Value:
    layer.ignore("momentum", "renorm_momentum")
    scaled, centred = (bool(layer.get(key, True)) for key in ("scale", "center"))
    variables = layer.variables(2 + scaled + centred)
    gamma = variables.pop(0) if scaled else None
    beta = variables.pop(0) if centred else None
    mean, variance = variables
    epsilon = layer.number("epsilon", 1e-3)
    return run.batch_norm(value, mean, variance, gamma, beta, epsilon, layer.axis())


def _normalization(layer: Layer, value: Operand) -> Operand:
    """``(x - mean) / max(sqrt(variance), 1e-7)``; with invert the other way."""
    given = layer.get("mean"), layer.get("variance")
    if given[0] is not None:
        mean, variance = (np.asarray(each, np.float32).reshape(-1) for each in given)
    else:
        mean, variance = (each.reshape(-1) for each in layer.variables(2))
    if not (variance >= 0).all():
        raise CelosiaError("a variance is negative")
    scale = np.maximum(np.sqrt(variance.astype(np.float64)), 1e-7)
    axis = layer.get("axis", -1)
    along: list[int] = [1]
    if mean.size > 1:
        rank = len(np.shape(value)) + isinstance(value, Value)
        place = layer.axis() if axis is not None else -1
        if not -rank <= place < rank or place % rank == 0:
            raise Unsupported(f"argument axis = {text(axis)} is not supported")
        along = [1] * rank
        along[place] = -1
    mean, scale = mean.reshape(along), scale.reshape(along)
    if layer.get("invert"):
        return run.add(run.multiply(value, scale), mean)
    return run.add(run.multiply(value, 1 / scale), -mean / scale)


def _rescaling(layer: Layer, value: Operand) -> Operand:
    scale, offset = (
        np.asarray(layer.get(key, default), np.float32)
        for key, default in (("scale", 1.0), ("offset", 0.0))
    )
    return run.add(run.multiply(value, scale), offset)


def _flatten(layer: Layer, value: Operand) -> Operand:
    # Channels first: Keras brings them last before it flattens.
    if layer.channels_first and isinstance(value, Value) and len(value.shape) > 1:
        rank = len(value.shape) + 1
        value = run.transpose(value, [0, *range(2, rank), 1])
    return run.flatten(value)


def _reshape(layer: Layer, value: Operand) -> Operand:
    shape = layer.get("target_shape")
    if not isinstance(shape, list) or not all(type(size) is int for size in shape):
        raise CelosiaError(f"target shape {text(shape)} is not possible")
    return run.reshape(value, [run.BATCH, *shape])


def _permute(layer: Layer, value: Operand) -> Operand:
    axes = layer.get("dims")
    if not isinstance(axes, list):
        raise CelosiaError(f"dims {text(axes)} is not possible")
    return run.transpose(value, [0, *axes])


def _softmax(layer: Layer, value: Operand) -> Operand:
    if not isinstance(value, Value):
        raise Unsupported("of a constant")
    return value.softmax(layer.axis())


def _relu(layer: Layer, value: Operand) -> Operand:
    maximum = None if layer.get("max_value") is None else layer.number("max_value")
    return relu(value, layer.number("negative_slope"), maximum, layer.number("threshold"))


def _leaky_relu(layer: Layer, value: Operand) -> Operand:
    # Keras 2 called it alpha.
    key = "alpha" if layer.get("alpha") is not None else "negative_slope"
    return run.apply(value, "leaky_relu", layer.number(key, 0.3))


def _elu(layer: Layer, value: Operand) -> Operand:
    return run.apply(value, "elu", layer.number("alpha", 1.0))


def _thresholded(layer: Layer, value: Operand) -> Operand:
    return run.apply(value, "threshold", layer.number("theta", 1.0), 0.0)


def _prelu(layer: Layer, value: Operand) -> Operand:
    layer.ignore("shared_axes")  # there the slopes have an axis of 1
    (slopes,) = layer.variables(1)
    return run.prelu(value, slopes if uniform(slopes) is None else slopes.reshape(-1)[:1])


def _unit(layer: Layer, value: Operand) -> Operand:
    layer.ignore("rate", "stddev", "l1", "l2")
    return value


def _merge(f: Callable[[Any, Any], Any]) -> Callable[[Layer, list[Any]], Any]:
    def handler(layer: Layer, values: list[Any]) -> Any:
        first, *rest = values
        for each in rest:
            first = f(first, each)
        return first

    return handler


def _average(layer: Layer, values: list[Any]) -> Any:
    return run.multiply(_merge(run.add)(layer, values), np.float64(1 / len(values)))


#: Class name -> handler. Layers that act only in training leave the value as it is.
LAYERS: dict[str, _Handler] = {
    "Dense": _dense,
    "BatchNormalization": _batch_normalization,
    "Normalization": _normalization,
    "Rescaling": _rescaling,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute": _permute,
    "Activation": lambda layer, value: value,
    "ReLU": _relu,
    "LeakyReLU": _leaky_relu,
    "PReLU": _prelu,
    "ELU": _elu,
    "ThresholdedReLU": _thresholded,
    "Softmax": _softmax,
    **MAPS,
    **dict.fromkeys(
        (
            "Identity",
            "Dropout",
            "AlphaDropout",
            "SpatialDropout1D",
            "SpatialDropout2D",
            "GaussianDropout",
            "GaussianNoise",
            "ActivityRegularization",
        ),
        _unit,
    ),
}

#: Class name of a layer of several inputs -> handler.
MERGES: dict[str, Callable[[Layer, list[Any]], Any]] = {
    "Add": _merge(run.add),
    "Subtract": _merge(run.subtract),
    "Multiply": _merge(run.multiply),
    "Maximum": _merge(run.maximum),
    "Minimum": _merge(run.minimum),
    "Average": _average,
    "Concatenate": lambda layer, values: run.concatenate(values, layer.axis()),
}


def run_layer(kind: str, layer: Layer, values: list[Any]) -> Any:
    """What a layer of class ``kind`` makes of its inputs, its activation after it.

    Raises
    ------
    Unsupported : the class is not known, or has an argument that is not.
    """
    if kind in MERGES:
        result = MERGES[kind](layer, values)
    elif kind not in LAYERS:
        todo = "code in a model is never run" if kind == "Lambda" else ""
        raise Unsupported("this layer is not supported", todo=todo)
    elif len(values) != 1:
        raise Unsupported(f"it has {len(values)} inputs, not 1")
    else:
        result = LAYERS[kind](layer, values[0])
    if kind == "Activation" or layer.get("activation") is not None:
        result = activate(result, layer.get("activation"), _as_activation)
    layer.finish()
    return result


def _as_activation(entry: dict, value: Any) -> Any:
    """A built-in layer that another layer has as its activation; it has no variables."""
    kind = text(entry.get("class_name"))

    def none(count: int) -> list[np.ndarray]:
        raise Unsupported(f"activation {kind} has variables", todo="make it a layer of its own")

    if kind not in LAYERS or "activation" in entry["config"]:
        raise Unsupported(
            f"activation {kind!r} is not supported",
            todo="use a built-in one; code in a model is never run",
        )
    return run_layer(kind, Layer(kind, entry["config"], none), [value])
