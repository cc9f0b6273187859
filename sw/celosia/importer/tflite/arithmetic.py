"""MUL, SUB and ADD of int8 where one operand is a constant, or both are functions of one byte.

A function of one byte is an element table. A product with a constant for each channel is a
convolution of one tap; a sum with one is an ADD with a layer that gives the constant.
Sources: ``reference/integer_ops/mul.h``, ``add.h``, ``reference/sub.h`` and ``kernels/mul.cc``,
``kernels/sub.cc`` of LiteRT.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from celosia.network.layers import Add, Concatenation, Convolution, Depthwise, Shape
from celosia.numerics.fixed_point import multiply_by_quantized_multiplier
from celosia.numerics.multiplier import quantize_multiplier
from celosia.numerics.quant import Quant
from celosia.numerics.runtime import Runtime
from celosia.spec import Rounding
from celosia.support.errors import CelosiaError, Unsupported

from .load import TfliteOperator, TfliteTensor
from .operands import check_shape, clamp_of, map_shape, quant_of
from .windows import MOST_WEIGHTS

if TYPE_CHECKING:
    from .builder import Builder, Value

__all__ = ["binary", "has_constant", "product_factor"]

_BYTES = np.arange(-128, 128, dtype=np.int64)
_VERBS = {"MUL": "multiplies", "SUB": "subtracts", "ADD": "adds"}


def has_constant(op: TfliteOperator) -> bool:
    """Whether an operand is a constant."""
    return any(each is not None and each.data is not None for each in op.inputs)


def binary(builder: "Builder", op: TfliteOperator) -> "Value":
    """MUL and SUB, and ADD with a constant.

    Raises
    ------
    Unsupported : of two branches, of a constant that differs between pixels, or of one that a
        weight does not hold.
    """
    where, (one, other) = str(op), op.inputs
    if one is None or other is None:
        raise CelosiaError("an input is left out", where=where)
    if one.data is not None and other.data is not None:
        raise Unsupported("both inputs are constants", where=where)
    if one.data is None and other.data is None:
        return _of_two(builder, op, one, other)
    x, constant = (other, one) if one.data is not None else (one, other)
    check_shape(op, x.shape)
    values = constant.values.astype(np.int64)
    if values.size == 1:
        c = values.reshape(-1)
        pair = (c, _BYTES) if constant is one else (_BYTES, c)
        table = result_of(op, *pair, builder.reference)
        return builder.table(op, x, table, quant_of(op.target, where))
    shape = builder.shape(builder.read(op, x), map_shape(x, where))
    if values.shape[-1] != values.size or values.size != shape[2] or values.ndim > len(x.shape):
        raise Unsupported(
            f"it {_VERBS[op.code]} {list(x.shape)} and a constant of {list(values.shape)}, not one "
            "number for each channel",
            where=where,
        )
    if op.code == "MUL":
        return _product(builder, op, x, constant, shape)
    if op.code == "ADD":
        return _sum(builder, op, x, constant, shape)
    raise Unsupported("it subtracts a constant of different numbers", where=where)


def _of_two(
    builder: "Builder", op: TfliteOperator, one: TfliteTensor, other: TfliteTensor
) -> "Value":
    """Of two functions of one byte, such as ``x * sigmoid(x)``: a table of that byte."""
    found = builder.functions_of_one(op, one, other)
    if found is None:
        raise Unsupported(
            f"it {_VERBS[op.code]} two branches", where=str(op), todo="only sums of branches run"
        )
    check_shape(op, one.shape)
    source, first, second = found
    table = result_of(op, first, second, builder.reference)
    return builder.function(op, source, table, quant_of(op.target, str(op)))


def result_of(
    op: TfliteOperator, one: np.ndarray, other: np.ndarray, reference: Runtime
) -> np.ndarray:
    """int8, the operator's result for bytes of both inputs, which broadcast."""
    where = str(op)
    a, b = (quant_of(each, where) for each in op.inputs if each is not None)
    output = quant_of(op.target, where)
    clamp = clamp_of(op, output)
    one, other = np.broadcast_arrays(one, other)
    if op.code == "MUL":
        m, shift = product_factor(a, b, output, where, reference)
        products = (one - a.zero_point) * (other - b.zero_point)
        values = multiply_by_quantized_multiplier(products, m, shift) + output.zero_point
        return np.clip(values, *clamp).astype(np.int8)
    layer = Add(where, a, b, output, (1, 1, 1), clamp=clamp)
    function = layer.function() if op.code == "ADD" else layer.difference()
    return function[one + 128, other + 128]


def product_factor(
    a: Quant, b: Quant, output: Quant, where: str, reference: Runtime
) -> tuple[int, int]:
    """Multiplier and shift of ``scale_a * scale_b / scale``.

    LiteRT computes it in float32 (``mul.cc``), TFLite Micro in float64.

    Raises
    ------
    Unsupported : products times it exceed 32 bits.
    """
    scales = [np.float32(each.scale) for each in (a, b, output)]
    if reference == Runtime.TFLM:
        scales = [np.float64(each) for each in scales]  # type: ignore[misc]
    with np.errstate(over="ignore"):
        real = float(scales[0] * scales[1] / scales[2])
    if not real * 255 * 255 < 2.0**31:
        raise Unsupported(f"output scale {output.scale:g} is too small", where=where)
    return quantize_multiplier(real)


def _product(
    builder: "Builder", op: TfliteOperator, x: TfliteTensor, constant: TfliteTensor, shape: Shape
) -> "Value":
    """A depthwise convolution of one tap, whose weights are the constant minus its zero point.

    Where those reach beyond int8 it is a convolution of the channels two or three times, with a
    part of the weight for each: the sums are the same.
    """
    where, n, number = str(op), shape[2], builder.read(op, x)
    a, b, output = (quant_of(each, where) for each in (x, constant, op.target))
    weights = constant.values.astype(np.int64).reshape(n) - b.zero_point
    order = (a, b) if op.inputs[0] is x else (b, a)
    m, shift = product_factor(*order, output, where, builder.reference)
    name = builder.name(op)
    more: dict[str, Any] = {
        "bias": np.zeros(n, np.int32),
        "multiplier": np.full(n, m, np.int64),
        "shift": np.full(n, shift, np.int64),
        "output": output,
        "output_size": shape[:2],
        "clamp": clamp_of(op, output),
        "rounding": Rounding.DOUBLE,
    }
    if -128 <= weights.min() and weights.max() <= 127:
        taps = weights.astype(np.int8).reshape(1, 1, n)
        layer: Any = Depthwise(name, taps, input=a, input_shape=shape, **more)
        return builder.append(op, layer, (number,))
    parts, rest = [], weights
    while rest.any():  # 255 takes three
        parts.append(np.clip(rest, -128, 127))
        rest = rest - parts[-1]
    count = len(parts)
    if count * n * n > MOST_WEIGHTS:
        raise Unsupported(
            f"its constant of {n} channels, less zero point {b.zero_point}, exceeds int8",
            where=where,
        )
    again = Concatenation(f"{name}, repeated", a, (shape,) * count)
    made = builder.append(op, again, (number,) * count, inner=True)
    assert made.number is not None
    full = np.concatenate([np.diag(each) for each in parts], axis=1).astype(np.int8)
    wide = full.reshape(n, 1, 1, count * n)
    layer = Convolution(name, wide, input=a, input_shape=again.output_shape, **more)
    return builder.append(op, layer, (made.number,))


def _sum(
    builder: "Builder", op: TfliteOperator, x: TfliteTensor, constant: TfliteTensor, shape: Shape
) -> "Value":
    """A layer that gives the constant whatever it reads, and an ADD."""
    where, n, number = str(op), shape[2], builder.read(op, x)
    a, b, output = (quant_of(each, where) for each in (x, constant, op.target))
    name = builder.name(op)
    same = Depthwise(
        f"{name}, constant",
        np.zeros((1, 1, n), np.int8),
        (constant.values.astype(np.int32) - b.zero_point).reshape(n),
        a,
        np.full(n, 1 << 30, np.int64),
        np.ones(n, np.int64),
        b,
        shape,
        shape[:2],
    )
    made = builder.append(op, same, (number,), inner=True)
    assert made.number is not None
    pair = ((number, a), (made.number, b))
    (first, left), (second, right) = pair if op.inputs[0] is x else pair[::-1]
    layer = Add(name, left, right, output, shape, clamp=clamp_of(op, output))
    return builder.append(op, layer, (first, second))
