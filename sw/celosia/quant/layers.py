"""One layer of a float graph as the int8 layer of the same meaning."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from celosia.network.float_layers import (
    FloatAdd,
    FloatAveragePool,
    FloatConcatenation,
    FloatConvolution,
    FloatDense,
    FloatDepthwise,
    FloatLayer,
    FloatMaxPool,
    FloatMean,
    FloatPad,
)
from celosia.network.layers import (
    Add,
    AveragePool,
    Concatenation,
    Convolution,
    Dense,
    Depthwise,
    Layer,
    MaxPool,
    Mean,
    Pad,
)
from celosia.numerics.multiplier import effective_scale, micro_scale, quantize_multiplier
from celosia.numerics.quant import Quant
from celosia.numerics.runtime import Runtime
from celosia.spec import WEIGHT, Rounding
from celosia.support.errors import CelosiaError, Unsupported, located

from .activation import Activation
from .exact_multiplier import accumulator_range, fit_multipliers

__all__ = ["bias_error", "int8_layer", "weight_rows", "weight_scale"]


def int8_layer(
    name: str,
    layer: FloatLayer,
    sources: Sequence[Quant],
    end: Activation,
    added: np.ndarray | None = None,
    runtime: Runtime = Runtime.LITERT,
) -> Layer:
    """The int8 form of ``layer``.

    Parameters
    ----------
    name : of the result.
    sources : quantization of each tensor that it reads. Of a pool, border or concatenation
        ``end.output`` is the same (`groups`).
    end : quantization of its result, clamp and table.
    added : float [N], what is added to its biases (`bias_error`), or None.
    runtime : whose bytes a layer with weights gives.

    Raises
    ------
    CelosiaError : weights and ranges have no finite scale; naming the layer.
    Unsupported : there is no int8 form.
    """
    if isinstance(layer, FloatDense | FloatConvolution | FloatDepthwise):
        with located(name):
            return _weighted(name, layer, added, sources[0], end, runtime)
    more: dict[str, Any] = {
        "clamp": end.clamp,
        "table": end.table,
        "table_output": end.table_output,
    }
    source, output = sources[0], end.output
    if isinstance(layer, FloatAdd):
        return Add(name, source, sources[1], output, layer.input_shape, **more)
    if isinstance(layer, FloatMean):
        return Mean(name, source, output, layer.input_shape, **more)
    if isinstance(layer, FloatConcatenation):
        return Concatenation(name, source, layer.shapes, **more)
    if isinstance(layer, FloatPad):
        border = layer.top, layer.bottom, layer.left, layer.right
        return Pad(name, source, layer.input_shape, *border, **more)
    if isinstance(layer, FloatAveragePool | FloatMaxPool):
        kind = AveragePool if isinstance(layer, FloatAveragePool) else MaxPool
        window = layer.kernel, layer.stride, layer.output_size, layer.padding
        return kind(name, source, output, layer.input_shape, *window, **more)
    raise Unsupported(f"{type(layer).__name__} has no int8 form", where=name)


def _weighted(
    name: str,
    layer: Any,
    added: np.ndarray | None,
    source: Quant,
    end: Activation,
    runtime: Runtime,
) -> Layer:
    """A layer with weights, symmetric per output channel: ``round(w / scale)`` in -127..127."""
    rows = weight_rows(layer)
    scale = weight_scale(rows, layer.bias, source.scale)
    bias = layer.bias if added is None else layer.bias + added
    weights = np.clip(np.rint(rows / scale[:, None]), -WEIGHT.max, WEIGHT.max).astype(np.int8)
    biases = np.rint(bias / (np.float64(source.scale) * scale)).astype(np.int32)
    low, high = accumulator_range(weights, biases, source.zero_point)
    real = effective_scale(source.scale, scale, end.output.scale)
    if not np.isfinite(real).all():
        raise CelosiaError("its weights have no finite scale", todo="train the model again")
    more: dict[str, Any] = {
        "input_shape": layer.input_shape,
        "clamp": end.clamp,
        "table": end.table,
        "table_output": end.table_output,
    }
    if isinstance(layer, FloatDense) and runtime == Runtime.TFLM:
        m, shift = _multipliers(micro_scale(source.scale, scale, end.output.scale), low, high)
        more["rounding"] = Rounding.DOUBLE
        return Dense(name, weights, biases, source, m, shift, end.output, **more)
    if isinstance(layer, FloatDense):
        m, shift, _ = fit_multipliers(real, low, high, end.output.zero_point, end.clamp)
        return Dense(name, weights, biases, source, m, shift, end.output, **more)
    m, shift = _multipliers(real, low, high)
    more |= {
        each: getattr(layer, each) for each in ("output_size", "stride", "dilation", "padding")
    }
    if isinstance(layer, FloatConvolution):
        shaped = weights.reshape(layer.weights.shape)
        kind: Any = Convolution
    else:
        shaped = weights.T.reshape(layer.weights.shape).copy()
        kind = Depthwise
    return kind(name, shaped, biases, source, m, shift, end.output, **more)


def weight_rows(layer: Any) -> np.ndarray:
    """float32 [N, K]: the weights of each output of a layer with weights."""
    if isinstance(layer, FloatConvolution):
        return layer.weights.reshape(len(layer.weights), -1)
    return layer.weights.reshape(-1, layer.weights.shape[-1]).T


def bias_error(
    layer: FloatLayer, made: Layer, inputs: np.ndarray, sums: np.ndarray
) -> np.ndarray | None:
    """What the int8 layer's sums lack on average, float [N]; None of layers without weights.

    The mean over the sample, and over the pixels of a map, of ``sums`` minus the sums of the
    quantized weights on the quantized inputs.

    Parameters
    ----------
    made : the int8 form of ``layer``. inputs : int8 [n, values] as ``made`` reads them.
    sums : float [n, outputs], those of the float network for the same inputs.
    """
    if not isinstance(layer, FloatDense | FloatConvolution | FloatDepthwise):
        return None
    some: Any = made
    scale = weight_scale(weight_rows(layer), layer.bias, made.input.scale)
    # Outputs are the last axis of a float layer's weights, but of a convolution's the first.
    if isinstance(layer, FloatConvolution):
        weights = some.weights * scale[:, None, None, None]
    else:
        weights = (some.weights.T if isinstance(layer, FloatDense) else some.weights) * scale
    bias = (some.bias * (np.float64(made.input.scale) * scale)).astype(np.float32)
    coarse = replace(layer, weights=weights.astype(np.float32), bias=bias)
    error = sums - coarse.sums(made.input.dequantize(inputs))
    return error.reshape(-1, len(bias)).mean(axis=0, dtype=np.float64)


def _multipliers(
    real: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """LiteRT's multiplier and shift per channel; sums must stay within its 32 bits."""
    pairs = np.array([quantize_multiplier(each) for each in real], np.int64).reshape(-1, 2)
    m, shift = pairs[:, 0], pairs[:, 1]
    reach = np.maximum(np.abs(low), np.abs(high)).astype(np.float64) * 2.0 ** np.maximum(shift, 0)
    if not reach.max() < 2.0**31:
        raise CelosiaError(
            f"channel {int(reach.argmax())} exceeds the range of the sample by far",
            todo="calibrate with inputs as they will be",
        )
    return m, shift


def weight_scale(w: np.ndarray, b: np.ndarray, input_scale: float) -> np.ndarray:
    """float32 [N], ``max(abs(w[n])) / 127``, but large enough that the bias stays within 2**30.

    Training can leave a channel dead, with a bias and weights close to 0: at the weights' own scale
    the bias would exceed 32 bits. What the coarser scale rounds away there is less than the bias's
    own last bit times the inputs. A channel of zeros, or of subnormal numbers, has scale 1.
    """
    scale = np.abs(w).max(axis=1).astype(np.float64) / WEIGHT.max
    scale = np.maximum(scale, np.abs(b) / (input_scale * 2.0**30)).astype(np.float32)
    return np.where(scale < np.finfo(np.float32).tiny, np.float32(1), scale)
