"""Keras's layers on maps, whose channels are last unless they say otherwise."""

from collections.abc import Callable
from typing import Any

import numpy as np

from celosia.importer import operations as run
from celosia.importer.guard import text
from celosia.importer.operations.windows import Window, same_padding
from celosia.importer.values import Value
from celosia.support.errors import CelosiaError, Unsupported

from .layer import Layer

__all__ = ["MAPS"]


def _value(x: Any, axes: int) -> Value:
    if not isinstance(x, Value) or len(x.shape) != axes + 1:
        raise CelosiaError(f"its input is no map of {axes} axes")
    return x


def _window(
    layer: Layer, x: Value, kernel: list[int], stride: list[int], dilation: list[int]
) -> Window:
    axes, mode = len(kernel), layer.get("padding", "valid")
    sizes = x.shape[1:] if layer.channels_first else x.shape[:-1]
    begin = end = [0] * axes
    if mode == "same":
        begin, end = same_padding(sizes, kernel, stride, dilation)
    elif mode == "causal" and axes == 1:
        begin = [dilation[0] * (kernel[0] - 1)]
    elif mode != "valid":
        raise Unsupported(f"argument padding = {text(mode)} is not supported")
    return Window(stride, dilation, begin, end)


def _convolution(axes: int) -> Callable[[Layer, Any], Any]:
    def handler(layer: Layer, x: Any) -> Value:
        x = _value(x, axes)
        for key in ("quantization_config", "quantization_mode", "lora_rank"):
            if layer.get(key):
                raise Unsupported(f"argument {key} is not supported", todo="save the float model")
        layer.ignore("filters", "kernel_size", "rank", "lora_alpha")
        biased = layer.get("use_bias", True)
        kernel, *bias = layer.variables(2 if biased else 1)
        if kernel.ndim != axes + 2:
            raise CelosiaError(f"a kernel {list(kernel.shape)} on a map of {axes} axes")
        stride, dilation = (layer.integers(key, axes) for key in ("strides", "dilation_rate"))
        window = _window(layer, x, list(kernel.shape[:axes]), stride, dilation)
        weights = np.moveaxis(kernel, (-1, -2), (0, 1))
        groups = int(layer.number("groups", 1))
        total = bias[0] if biased else None
        return run.convolution(x, weights, total, window, groups, layer.channels_first)

    return handler


def _depthwise(axes: int) -> Callable[[Layer, Any], Any]:
    def handler(layer: Layer, x: Any) -> Value:
        biased = layer.get("use_bias", True)
        kernel, *bias = layer.variables(2 if biased else 1)
        return _by_channel(layer, _value(x, axes), kernel, bias[0] if biased else None)

    return handler


def _by_channel(layer: Layer, x: Value, kernel: np.ndarray, bias: np.ndarray | None) -> Value:
    """A depthwise convolution with a kernel [*size, channels, multiplier]."""
    axes = kernel.ndim - 2
    layer.ignore("kernel_size", "depth_multiplier", "filters", "groups", "rank")
    stride, dilation = (layer.integers(key, axes) for key in ("strides", "dilation_rate"))
    # Keras gives the larger stride to both axes where they must be equal; else as they are.
    window = _window(layer, x, list(kernel.shape[:axes]), stride, dilation)
    channels = kernel.shape[-2]
    weights = np.moveaxis(kernel, (-2, -1), (0, 1)).reshape(-1, 1, *kernel.shape[:axes])
    return run.convolution(x, weights, bias, window, channels, layer.channels_first)


def _separable(axes: int) -> Callable[[Layer, Any], Any]:
    def handler(layer: Layer, x: Any) -> Value:
        biased = layer.get("use_bias", True)
        depthwise, pointwise, *bias = layer.variables(3 if biased else 2)
        middle = _by_channel(layer, _value(x, axes), depthwise, None)
        weights = np.moveaxis(pointwise, (-1, -2), (0, 1))
        total = bias[0] if biased else None
        return run.convolution(middle, weights, total, channels_first=layer.channels_first)

    return handler


def _pool(kind: str, axes: int) -> Callable[[Layer, Any], Any]:
    def handler(layer: Layer, x: Any) -> Value:
        x = _value(x, axes)
        layer.ignore("name")
        kernel = layer.integers("pool_size", axes, 2)
        stride = kernel if layer.get("strides") is None else layer.integers("strides", axes)
        window = _window(layer, x, kernel, stride, [1] * axes)
        return run.pool(x, kind, kernel, window, channels_first=layer.channels_first)

    return handler


def _global(kind: str, axes: int) -> Callable[[Layer, Any], Any]:
    def handler(layer: Layer, x: Any) -> Value:
        x, first = _value(x, axes), layer.channels_first
        over = [axis + (2 if first else 1) for axis in range(axes)]
        keep = bool(layer.get("keepdims", False))
        if kind == "average":
            return run.mean(x, over, keep)
        found = run.adaptive_pool(x, kind, [1] * axes, first)
        return found if keep else run.squeeze(found, over)

    return handler


def _adaptive(kind: str, axes: int) -> Callable[[Layer, Any], Any]:
    def handler(layer: Layer, x: Any) -> Value:
        sizes = layer.integers("output_size", axes)
        return run.adaptive_pool(_value(x, axes), kind, sizes, layer.channels_first)

    return handler


def _padding(axes: int) -> Callable[[Layer, Any], Any]:
    def handler(layer: Layer, x: Any) -> Any:
        x, given = _value(x, axes), layer.get("padding", 1)
        if axes == 1:
            pairs = [given] if isinstance(given, list) else [[given, given]]
        elif isinstance(given, list):
            pairs = [each if isinstance(each, list) else [each, each] for each in given]
        else:
            pairs = [[given, given]] * axes
        right = all(len(pair) == 2 and {type(each) for each in pair} == {int} for pair in pairs)
        if len(pairs) != axes or not right:
            raise CelosiaError(f"padding {text(given)} is not possible")
        first = layer.channels_first
        around: list[list[int]] = [[0, 0], [0, 0], *pairs] if first else [[0, 0], *pairs, [0, 0]]
        begin, end = zip(*around, strict=True)
        return run.pad(x, begin, end, channels_first=first)

    return handler


#: Class name -> handler.
MAPS: dict[str, Callable[[Layer, Any], Any]] = {
    f"{name}{axes}D": make(axes)
    for axes in (1, 2)
    for name, make in {
        "Conv": _convolution,
        "DepthwiseConv": _depthwise,
        "SeparableConv": _separable,
        "MaxPooling": lambda axes: _pool("max", axes),
        "AveragePooling": lambda axes: _pool("average", axes),
        "GlobalMaxPooling": lambda axes: _global("max", axes),
        "GlobalAveragePooling": lambda axes: _global("average", axes),
        "AdaptiveMaxPooling": lambda axes: _adaptive("max", axes),
        "AdaptiveAveragePooling": lambda axes: _adaptive("average", axes),
        "ZeroPadding": _padding,
    }.items()
}
