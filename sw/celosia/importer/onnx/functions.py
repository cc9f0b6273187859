"""ONNX's functions of one value: their names here, and what they call their parameters."""

import math
from collections.abc import Callable
from typing import Any

from celosia.importer import operations as run
from celosia.importer.operations.elementwise import number
from celosia.support.errors import Unsupported

from .call import Call

__all__ = ["FUNCTIONS"]

_Handler = Callable[[Call], Any]


def _named(name: str, *constants: float, **parameters: float) -> _Handler:
    """Function ``name`` of ``constants``, then of the node's attributes with these defaults."""

    def handler(call: Call) -> Any:
        call.ignore("consumed_inputs")
        values = [call.number(key, default) for key, default in parameters.items()]
        return run.apply(call.operand(), name, *constants, *values)

    return handler


def _clip(call: Call) -> Any:
    limits = []
    for index, key, default in ((1, "min", -math.inf), (2, "max", math.inf)):
        given = call.get(index)
        limits.append(call.number(key, default) if given is None else number(given, key))
    call.ignore("consumed_inputs")
    return run.apply(call.operand(), "clip", *limits)


def _gelu(call: Call) -> Any:
    form = call.word("approximate", "none")
    if form not in ("none", "tanh"):
        raise Unsupported(f"attribute approximate = {form} is not supported")
    return run.apply(call.operand(), "gelu_tanh" if form == "tanh" else "gelu")


def _swish(call: Call) -> Any:
    x = call.operand()
    scaled = run.multiply(x, _number(call.number("alpha", 1.0)))
    return run.multiply(x, run.apply(scaled, "sigmoid"))


def _thresholded(call: Call) -> Any:
    return run.apply(call.operand(), "threshold", call.number("alpha", 1.0), 0.0)


def _number(value: float) -> Any:
    import numpy as np

    return np.float64(value)


#: Operator -> handler.
FUNCTIONS: dict[str, _Handler] = {
    "Abs": _named("abs"),
    "Ceil": _named("ceil"),
    "Celu": _named("celu", alpha=1.0),
    "Clip": _clip,
    "Cos": _named("cos"),
    "Elu": _named("elu", alpha=1.0),
    "Erf": _named("erf"),
    "Exp": _named("exp"),
    "Floor": _named("floor"),
    "Gelu": _gelu,
    "HardSigmoid": _named("hard_sigmoid", alpha=0.2, beta=0.5),
    "HardSwish": _named("hard_swish"),
    "LeakyRelu": _named("leaky_relu", alpha=0.01),
    "Log": _named("log"),
    "Mish": _named("mish"),
    "Neg": _named("negative"),
    "Not": _named("not"),
    "Reciprocal": _named("reciprocal"),
    "Relu": _named("relu"),
    "Round": _named("round"),
    "Selu": _named("selu", alpha=run.SELU[0], gamma=run.SELU[1]),
    "Shrink": _named("shrink", bias=0.0, lambd=0.5),
    "Sigmoid": _named("sigmoid"),
    "Sign": _named("sign"),
    "Sin": _named("sin"),
    "Softplus": _named("softplus", 1.0),
    "Softsign": _named("softsign"),
    "Sqrt": _named("sqrt"),
    "Swish": _swish,
    "Tanh": _named("tanh"),
    "ThresholdedRelu": _thresholded,
}
