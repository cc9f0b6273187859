"""Functions under their own names, however a file spells them.

Exporters write one function in many ways: a leaky ReLU as a maximum, a choice or a product, GELU
as a formula of erf. What is the same on a grid of arguments gets the name, so that its clamp or
table is the same from every format.
"""

import math
from collections.abc import Iterator

import numpy as np

from celosia.network.functions import Function, X, clip, function

__all__ = ["simplified"]

_GRID = np.concatenate([np.linspace(-14, 14, 225), [-1e-3, 1e-3, -0.37, 0.41]])
#: Relative to the argument or 1: files keep their constants as float32.
_CLOSE = 1e-6

_NAMED = [
    *(
        function(name)
        for name in (
            "abs gelu gelu_tanh hard_swish log_sigmoid mish sigmoid silu softsign square tanh"
        ).split()
    ),
    function("softplus", 1.0),
    function("elu", 1.0),
    function("hard_sigmoid", 1 / 6, 0.5),
    function("hard_sigmoid", 0.2, 0.5),
    function("selu", 1.6732632423543772, 1.0507009873554805),
]
_NEGATIVE = function("affine", -1.0, 0.0)


def simplified(f: Function) -> Function:
    """``f``, or the function of one name that it is equal to."""
    if f.parts < 3 and f.name != "clip":
        return f
    y = f(_GRID)
    if f.limits or not np.isfinite(y).all():
        return f
    for candidate in _candidates(y):
        if np.all(np.abs(candidate(_GRID) - y) <= _CLOSE * np.maximum(1, np.abs(_GRID))):
            return candidate
    return f


def _candidates(y: np.ndarray) -> Iterator[Function]:
    """What may be equal to the function that is ``y`` on the grid, the simplest first."""
    low, high = float(y.min()), float(y.max())
    own = float(_GRID.max())
    yield X
    yield clip(low if low > -own else -math.inf, high if high < own else math.inf)
    slope = -float(y[np.flatnonzero(_GRID == -1)[0]])
    yield function("leaky_relu", float(np.float32(slope)))
    yield from _NAMED
    for each in _NAMED:
        yield each.of(_NEGATIVE)
