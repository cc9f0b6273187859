"""Calls of functions in a functional Keras model, such as ``1 - x`` or ``keras.ops.maximum``."""

from collections.abc import Callable
from typing import Any

import numpy as np

from celosia.importer import operations as run
from celosia.importer.guard import text
from celosia.importer.operations.arithmetic import compare
from celosia.importer.operations.elementwise import number
from celosia.importer.values import Value
from celosia.support.errors import CelosiaError, Unsupported

from .activations import ACTIVATIONS
from .layer import Layer

__all__ = ["CALLS", "run_call"]

_Handler = Callable[..., Any]


def _two(f: Callable[[Any, Any], Any]) -> _Handler:
    return lambda layer, one, other: f(one, other)


def _named(name: str, *constants: float, **parameters: float) -> _Handler:
    def handler(layer: Layer, x: Any) -> Any:
        values = [layer.number(key, default) for key, default in parameters.items()]
        return run.apply(x, name, *constants, *values)

    return handler


def _clip(layer: Layer, x: Any) -> Any:
    limits = [number(np.asarray(layer.get(key)), key) for key in ("x_min", "x_max")]
    return run.apply(x, "clip", *limits)


def _gelu(layer: Layer, x: Any) -> Any:
    return run.apply(x, "gelu_tanh" if layer.get("approximate", True) else "gelu")


def _axes(layer: Layer) -> list[int] | None:
    axes = layer.get("axis")
    return [axes] if type(axes) is int else axes


def _mean(count: bool) -> _Handler:
    def handler(layer: Layer, x: Any) -> Any:
        axes, keep = _axes(layer), bool(layer.get("keepdims", False))
        if axes is None or not isinstance(x, Value):
            raise Unsupported("over the batch, too")
        found = run.mean(x, axes, keep)
        return found if not count else found.affine(float(x.width // found.width))

    return handler


def _item(layer: Layer, x: Any, key: Any) -> Any:
    keys = key if isinstance(key, list) else [key]
    gone = []
    for axis, each in enumerate(keys):
        if isinstance(each, slice):
            x = run.slices(x, {axis: each})
        elif type(each) is int:
            x = run.slices(x, {axis: slice(each, each + 1 or None)})
            gone.append(axis)
        else:
            raise Unsupported(f"an index {text(each)}")
    return run.squeeze(x, gone) if gone else x


def _softmax(log: bool) -> _Handler:
    return lambda layer, x: x.softmax(layer.axis(), log)


#: Class of keras.ops -> handler of the call's arguments.
CALLS: dict[str, _Handler] = {
    "Add": _two(run.add),
    "Subtract": _two(run.subtract),
    "Multiply": _two(run.multiply),
    "Divide": _two(run.divide),
    "TrueDivide": _two(run.divide),
    "Power": _two(run.power),
    "Maximum": _two(run.maximum),
    "Minimum": _two(run.minimum),
    "Greater": _two(lambda one, other: compare(one, ">", other)),
    "GreaterEqual": _two(lambda one, other: compare(one, ">=", other)),
    "Less": _two(lambda one, other: compare(one, "<", other)),
    "LessEqual": _two(lambda one, other: compare(one, "<=", other)),
    "Where": lambda layer, condition, one, other: run.where(condition, one, other),
    "Clip": _clip,
    "Gelu": _gelu,
    "LeakyRelu": _named("leaky_relu", negative_slope=0.2),
    "Elu": _named("elu", alpha=1.0),
    "Celu": _named("celu", alpha=1.0),
    "HardShrink": _named("hard_shrink", threshold=0.5),
    "SoftShrink": _named("soft_shrink", threshold=0.5),
    "Threshold": _named("threshold", threshold=0.0, default_value=0.0),
    "Squareplus": _named("squareplus", b=4.0),
    "Negative": _named("negative"),
    "Absolute": _named("abs"),
    "Reciprocal": _named("reciprocal"),
    **{
        name.title().replace("_", ""): _named(name)
        for name in (
            "abs ceil cos erf exp expm1 floor log log10 log1p log2 rsqrt sign sin sqrt square tanh"
        ).split()
    },
    **{
        name.title().replace("_", ""): _named(function, *parameters)
        for name, (function, *parameters) in ACTIVATIONS.items()
        if name in (
            "relu relu6 sigmoid hard_tanh hard_sigmoid hard_silu log_sigmoid selu silu softplus "
            "softsign sparse_plus tanh_shrink"
        ).split()
    },
    "Identity": lambda layer, x: x,
    "Softmax": _softmax(log=False),
    "LogSoftmax": _softmax(log=True),
    "Mean": _mean(count=False),
    "Sum": _mean(count=True),
    "Reshape": lambda layer, x: run.reshape(x, layer.get("newshape")),
    "Transpose": lambda layer, x: run.transpose(x, layer.get("axes")),
    "Squeeze": lambda layer, x: run.squeeze(x, _axes(layer)),
    "ExpandDims": lambda layer, x: run.expand_dims(x, _axes(layer) or []),
    "Concatenate": lambda layer, parts: run.concatenate(parts, layer.axis(0)),
    "GetItem": _item,
}  # fmt: skip


def run_call(kind: str, layer: Layer, arguments: list[Any]) -> Any:
    """What a function of keras.ops makes of its arguments.

    Raises
    ------
    Unsupported : the function is not known, or has an argument that is not.
    """
    if kind not in CALLS:
        raise Unsupported("this function is not supported")
    try:
        result = CALLS[kind](layer, *arguments)
    except TypeError as error:
        raise CelosiaError(f"{len(arguments)} arguments do not fit") from error
    layer.finish()
    return result
