"""Convolutions of maps."""

import numpy as np

from celosia.importer.values import Base, Value
from celosia.importer.values.value import Map
from celosia.network.float_layers import FloatConvolution, FloatDepthwise, FloatPad
from celosia.network.functions import X
from celosia.support.errors import CelosiaError, Unsupported

from .constants import Operand
from .windows import PLAIN, Window, fitted, map_value

__all__ = ["convolution"]


def convolution(
    x: Operand,
    weights: Operand,
    bias: Operand | None = None,
    window: Window = PLAIN,
    groups: int = 1,
    channels_first: bool = True,
) -> Value:
    """A convolution of a map with channels first, or last.

    Parameters
    ----------
    weights : constant [N, C / groups, *kernel]; the kernel has an axis for each of the map's.
    bias : constant [N].

    Raises
    ------
    CelosiaError : the shapes do not fit.
    Unsupported : maps of three or more dimensions, or weights that are not constants.
    """
    if isinstance(weights, Value) or isinstance(bias, Value):
        raise Unsupported("its weights depend on the model's input")
    if not isinstance(x, Value):
        raise Unsupported("its input does not depend on the model's")
    weights = np.asarray(weights, np.float64)
    seen, axes = x.as_map(channels_first), len(x.shape) - 1
    if weights.ndim != axes + 2:
        raise CelosiaError(f"weights {list(weights.shape)} on a map of {axes} axes")
    weights = weights if axes == 2 else weights[:, :, None]
    n, per_group = weights.shape[:2]
    channels = seen.shape[2]
    if type(groups) is not int or groups < 1 or per_group * groups != channels or n % groups:
        raise CelosiaError(
            f"weights for {per_group} channels in {groups} groups on a map {list(seen.shape)}"
        )
    total = np.zeros(n) if bias is None else np.asarray(bias, np.float64).reshape(-1)
    if total.shape != (n,):
        raise CelosiaError(f"a bias of {list(np.shape(np.asarray(bias)))} does not fit {n} outputs")
    if not (np.isfinite(weights).all() and np.isfinite(total).all()):
        raise CelosiaError("a constant is not a finite number")
    x.walk.budget.spend(2 * weights.size)
    kind, arranged = _arranged(weights, seen, groups, x)
    parameters = {"weights": arranged, "bias": total} | fitted(
        window, seen, weights.shape[2:], axes, dilated=True
    )
    source = seen.source
    border = source[0]
    if border.kind is FloatPad and source[1] == X and border.shape[:2] == seen.shape[:2]:
        source, parameters = _without_pad(border, parameters)
    shape = (*parameters["output_size"], n)
    base = Base(kind, shape, (source,), parameters, x.walk.where)
    return map_value(x, base, axes, channels_first)


def _arranged(
    weights: np.ndarray, seen: Map, groups: int, x: Value
) -> tuple[type[FloatConvolution] | type[FloatDepthwise], np.ndarray]:
    """The layer and its weights, for weights [N, channels of a group, height, width]."""
    n, per_group, height, width = weights.shape
    channels, read = seen.shape[2], seen.channels
    if groups == channels > 1 and read is None:
        return FloatDepthwise, weights[:, 0].transpose(1, 2, 0)
    last = weights.transpose(0, 2, 3, 1)
    if groups == 1 and read is None:
        return FloatConvolution, last
    wide = seen.source[0].shape[2]
    x.walk.budget.spend(n * height * width * wide)
    full = np.zeros((n, height, width, wide))
    places = np.arange(channels) if read is None else read
    for group in range(groups):
        rows = slice(group * (n // groups), (group + 1) * (n // groups))
        columns = places[group * per_group : (group + 1) * per_group]
        np.add.at(full[rows], np.index_exp[:, :, :, columns], last[rows])  # type: ignore[arg-type]
    return FloatConvolution, full


def _without_pad(pad: Base, parameters: dict) -> tuple[tuple, dict]:
    """A convolution of a map with a border of zeros as one with padding."""
    border, (top, left) = pad.parameters, parameters["padding"]
    changed = {
        "input_shape": border["input_shape"],
        "padding": (top + border["top"], left + border["left"]),
    }
    return pad.sources[0], parameters | changed
