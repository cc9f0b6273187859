"""Operators of float files on maps, which have their channels last."""

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from celosia.importer import operations as run
from celosia.importer.operations.constants import Operand
from celosia.importer.operations.elementwise import number
from celosia.importer.operations.windows import Window, same_padding
from celosia.importer.tflite.schema import Padding
from celosia.importer.values import Value
from celosia.support.errors import CelosiaError, Unsupported

from .call import Call

__all__ = ["MAPS"]


def _window(call: Call, x: Value, kernel: Sequence[int], dilated: bool = False) -> Window:
    """Strides, dilations and padding; SAME has the smaller half above and to the left."""
    if call.op.options is None:
        raise CelosiaError("it has no options")
    strides = call.positive("stride_h"), call.positive("stride_w")
    dilations = (1, 1)
    if dilated:
        dilations = call.positive("dilation_h_factor"), call.positive("dilation_w_factor")
    mode = call.option("padding")
    if mode not in Padding.__members__.values():
        raise Unsupported(f"padding {mode} is unknown")
    begin, end = [0, 0], [0, 0]
    if mode == Padding.SAME:
        begin, end = same_padding(x.shape[:-1], kernel, strides, dilations)
    return Window(strides, dilations, begin, end)


def _image(call: Call) -> Value:
    x = call.value()
    if len(x.shape) != 3:
        raise CelosiaError(f"its input of {len(x.shape) + 1} axes is no map")
    return x


def _weights(call: Call) -> np.ndarray:
    weights = call.array(1)
    if weights.ndim != 4 or 0 in weights.shape:
        raise CelosiaError(f"weights of {list(weights.shape)}")
    return weights


def _bias(call: Call) -> np.ndarray | None:
    return None if call.optional(2) is None else call.array(2)


def _convolution(call: Call) -> Operand:
    """CONV_2D: weights [N, height, width, C / groups]."""
    x, weights = _image(call), _weights(call)
    window = _window(call, x, weights.shape[1:3], dilated=True)
    groups = x.shape[-1] // weights.shape[3]
    arranged = np.moveaxis(weights, 3, 1)
    return call.fused(run.convolution(x, arranged, _bias(call), window, groups, False))


def _depthwise(call: Call) -> Operand:
    """DEPTHWISE_CONV_2D: weights [1, height, width, N], N a multiple of the channels."""
    x, weights = _image(call), _weights(call)
    window = _window(call, x, weights.shape[1:3], dilated=True)
    if weights.shape[0] != 1:
        raise CelosiaError(f"weights of {list(weights.shape)}")
    arranged = np.moveaxis(weights[0], 2, 0)[:, None]
    return call.fused(run.convolution(x, arranged, _bias(call), window, x.shape[-1], False))


def _pool(kind: str) -> Callable[[Call], Operand]:
    def handler(call: Call) -> Operand:
        x = _image(call)
        kernel = call.positive("filter_height"), call.positive("filter_width")
        window = _window(call, x, kernel)
        return call.fused(run.pool(x, kind, kernel, window, channels_first=False))

    return handler


def _reduce(kind: str) -> Callable[[Call], Operand]:
    """MEAN, SUM and REDUCE_MAX over all pixels of a map."""

    def handler(call: Call) -> Operand:
        x, axes, keep = call.value(), call.integers(1), bool(call.option("keep_dims"))
        rank = len(x.shape) + 1
        if any(not -rank <= axis < rank for axis in axes):
            raise CelosiaError(f"axes {axes} of {rank}")
        over = sorted({axis % rank for axis in axes})
        if kind == "max":
            if over != list(range(1, rank - 1)) or rank < 3:
                raise Unsupported(f"over axes {over} of {rank}, not all pixels of a map")
            found = run.adaptive_pool(x, "max", [1] * (rank - 2), channels_first=False)
            return found if keep else run.squeeze(found, over)
        found = run.mean(x, over, keep)
        count = prod(x.shape[axis - 1] for axis in over)
        return found if kind == "mean" else found.affine(float(count))

    return handler


def _pad(call: Call) -> Operand:
    borders = call.array(1)
    if borders.ndim != 2 or borders.shape[1] != 2 or borders.dtype.kind != "i":
        raise CelosiaError(f"borders of {list(borders.shape)}")
    value = 0.0 if call.optional(2) is None else number(call.operand(2), "value")
    begin, end = borders.T.tolist()
    return run.pad(call.operand(), begin, end, value, channels_first=False)


def _mirror_pad(call: Call) -> Operand:
    mode = {0: "REFLECT", 1: "SYMMETRIC"}.get(call.option("mode"), call.option("mode"))
    raise Unsupported(f"option mode = {mode} is not supported", todo="pad with zeros")


#: Operator -> handler.
MAPS: dict[str, Callable[[Call], Operand]] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "AVERAGE_POOL_2D": _pool("average"),
    "MAX_POOL_2D": _pool("max"),
    "MEAN": _reduce("mean"),
    "SUM": _reduce("sum"),
    "REDUCE_MAX": _reduce("max"),
    "PAD": _pad,
    "PADV2": _pad,
    "MIRROR_PAD": _mirror_pad,
}
