"""Keras's activations by name, with the parameters they have when a layer only names them."""

import math
from collections.abc import Callable
from typing import Any

from celosia.importer import operations as run
from celosia.importer.guard import text
from celosia.importer.operations.constants import Operand
from celosia.importer.values import Value
from celosia.support.errors import Unsupported

__all__ = ["ACTIVATIONS", "activate", "relu"]

#: Name in a layer's configuration -> name and parameters in `operations.FUNCTIONS`. `activate` adds
#: softmax and log_softmax.
ACTIVATIONS: dict[str, tuple[Any, ...]] = {
    "linear": ("identity",),
    "relu": ("relu",),
    "relu6": ("relu6",),
    "hard_tanh": ("hard_tanh",),
    "leaky_relu": ("leaky_relu", 0.2),
    "sigmoid": ("sigmoid",),
    "tanh": ("tanh",),
    "hard_sigmoid": ("hard_sigmoid", 1 / 6, 0.5),
    "hard_silu": ("hard_swish",),
    "hard_swish": ("hard_swish",),
    "hard_shrink": ("hard_shrink", 0.5),
    "elu": ("elu", 1),
    "selu": ("selu_default",),
    "celu": ("celu", 1),
    "gelu": ("gelu",),
    "silu": ("silu",),
    "soft_shrink": ("soft_shrink", 0.5),
    "sparse_plus": ("sparse_plus",),
    "squareplus": ("squareplus", 4),
    "swish": ("silu",),
    "tanh_shrink": ("tanh_shrink",),
    "mish": ("mish",),
    "softplus": ("softplus", 1),
    "softsign": ("softsign",),
    "log_sigmoid": ("log_sigmoid",),
    "exponential": ("exp",),
}
_TODO = "use a built-in one; code in a model is never run"


def activate(
    value: Operand, name: object, layers: Callable[[dict, Operand], Operand] | None = None
) -> Operand:
    """``value`` after the activation ``name`` of a layer's configuration.

    Parameters
    ----------
    layers : runs a built-in layer that is used as an activation, of its configuration.

    Raises
    ------
    Unsupported : ``name`` is not in `ACTIVATIONS`, or is an object of the user's own.
    """
    if isinstance(name, dict):
        module, config = str(name.get("module") or "builtins"), name.get("config")
        if module == "builtins" and name.get("class_name") == "function":
            name = config if name.get("registered_name") in (None, "function", config) else None
        elif module in ("keras.layers", "keras.activations") and isinstance(config, dict):
            if layers is None:
                raise Unsupported("an activation within an activation")
            return layers(name, value)
        elif module.startswith("keras.") and isinstance(config, str):
            name = config
        if isinstance(name, dict):
            shown = text(name.get("registered_name") or name.get("class_name") or "object")
            raise Unsupported(f"activation {shown!r} is not supported", todo=_TODO)
    if name in ("softmax", "log_softmax"):
        if not isinstance(value, Value):
            raise Unsupported("a softmax of a constant")
        return value.softmax(-1, log=name == "log_softmax")
    if name is None:
        name = "linear"
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise Unsupported(f"activation {text(name)!r} is not supported", todo=_TODO)
    function, *parameters = ACTIVATIONS[name]
    return run.apply(value, function, *parameters)


def relu(value: Operand, slope: float, maximum: float | None, threshold: float) -> Operand:
    """Keras's ReLU layer: ``min(x, maximum)`` for x >= threshold, ``slope * (x - threshold)``
    below.

    Raises
    ------
    Unsupported : ``threshold`` is not 0 and ``slope`` or ``maximum`` are given, too.
    """
    top = math.inf if maximum is None else maximum
    if threshold:
        if slope or maximum is not None:
            raise Unsupported(f"argument threshold = {threshold:g} is not supported with others")
        return run.apply(value, "threshold", threshold, 0.0)
    if not slope:
        return run.apply(value, "clip", 0, top)
    value = run.apply(value, "leaky_relu", slope)
    return value if maximum is None else run.apply(value, "clip", -math.inf, top)
