"""Keras's activations by name, with the parameters they have when a layer only names them."""

import math

from celosia.importer.arithmetic import SELU
from celosia.importer.guard import text
from celosia.importer.values import Value
from celosia.network.functions import Function, X, clip, function
from celosia.support.errors import Unsupported

__all__ = ["ACTIVATIONS", "activate", "relu"]

#: Name in a layer's configuration -> function. `activate` adds softmax and log_softmax.
ACTIVATIONS: dict[str, Function] = {
    "linear": X,
    "relu": clip(0),
    "relu6": clip(0, 6),
    "hard_tanh": clip(-1, 1),
    "leaky_relu": function("leaky_relu", 0.2),
    "sigmoid": function("sigmoid"),
    "tanh": function("tanh"),
    "hard_sigmoid": function("hard_sigmoid", 1 / 6, 0.5),
    "hard_silu": function("hard_swish"),
    "hard_swish": function("hard_swish"),
    "elu": function("elu", 1),
    "selu": function("selu", *SELU),
    "celu": function("celu", 1),
    "gelu": function("gelu"),
    "silu": function("silu"),
    "swish": function("silu"),
    "mish": function("mish"),
    "softplus": function("softplus", 1),
    "softsign": function("softsign"),
    "log_sigmoid": function("log_sigmoid"),
    "exponential": function("exp"),
}


def activate(value: Value, name: object) -> Value:
    """``value`` after the activation ``name`` of a layer's configuration.

    Raises
    ------
    Unsupported : ``name`` is not in `ACTIVATIONS`, or is an object of the user's own.
    """
    if name in ("softmax", "log_softmax"):
        return value.softmax(-1, log=name == "log_softmax")
    if name is None:
        name = "linear"
    if not isinstance(name, str) or name not in ACTIVATIONS:
        if isinstance(name, dict):
            name = name.get("registered_name") or name.get("class_name") or "object"
        raise Unsupported(
            f"activation {text(name)!r} is not supported",
            todo="use a built-in one; code in a model is never run",
        )
    return value.apply(ACTIVATIONS[name])


def relu(value: Value, slope: float, maximum: float | None, threshold: float) -> Value:
    """Keras's ReLU layer: ``min(x, maximum)`` for x >= 0, ``slope * x`` below.

    Raises
    ------
    Unsupported : ``threshold`` is not 0.
    """
    top = math.inf if maximum is None else maximum
    if threshold:
        raise Unsupported(f"a ReLU with threshold {threshold:g}")
    if not slope:
        return value.apply(clip(0, top))
    value = value.apply(function("leaky_relu", slope))
    return value if maximum is None else value.apply(clip(-math.inf, top))
