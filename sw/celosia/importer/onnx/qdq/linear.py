"""QuantizeLinear and DequantizeLinear, of values and of constants.

A value between the two is on a grid: it gets a base of its own, `Grid`, from which `lower` makes
the int8 tensor. Constants are computed at once, in float64, so that scale times integer is exact.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from celosia.importer.onnx.call import Call
from celosia.importer.onnx.types import NUMPY, name_of
from celosia.importer.operations.elementwise import number
from celosia.importer.values import Base, Value
from celosia.network.float_layers import FloatScale
from celosia.network.steps import Dequantize, QuantizeLinear
from celosia.numerics.quant import Quant
from celosia.support.errors import CelosiaError, Unsupported

__all__ = ["LINEAR", "TODO", "Grid", "Quantized", "in_file", "on_integers"]

#: What to do about a model that is not quantized in a supported form.
TODO = "quantize it with onnxruntime's quantize_static, QuantFormat.QDQ"

_INT32, _INT8, _UINT8 = 6, 3, 2
#: Integers of a constant's type -> lowest and highest.
_LIMITS = {2: (0, 255), 3: (-128, 127), 4: (0, 65535), 5: (-32768, 32767), 21: (0, 15), 22: (-8, 7)}
#: Operators that work on the integers of a tensor as on the numbers they stand for.
_MOVES = (
    "Flatten Reshape Squeeze Unsqueeze Transpose Identity MaxPool Dropout Shape Slice Gather Split"
).split()


class Grid(FloatScale):
    """The kind of a value that is rounded to an int8 grid; `Quantized` says to which."""


@dataclass(frozen=True, eq=False)
class Quantized:
    """A tensor of integers.

    Parameters
    ----------
    value : the numbers that they stand for.
    quant : as int8; a uint8 tensor is held 128 lower.
    dtype : "int8" or "uint8", the tensor's type in the file.
    steps : of the host, after a softmax; () for a tensor of the engine.
    """

    value: Value
    quant: Quant
    dtype: str
    steps: tuple[Any, ...] = field(default=())


def grid(value: Value, quant: Quant, low: int = -128, high: int = 127) -> Value:
    """``value`` rounded to the grid of ``quant`` and limited to ``low``..``high`` of int8."""
    source = value.tensor
    base = Base(
        Grid,
        source[0].shape,
        (source,),
        {"quant": quant, "clamp": (low, high)},
        value.walk.where,
    )
    return Value.of(value.walk, base, value.order)


def on_integers(call: Call, compute: Callable[[Call], Any]) -> Any:
    """An operator other than DequantizeLinear on a tensor of integers.

    Raises
    ------
    Unsupported : it is not one that means the same for the numbers they stand for.
    """
    found = call.arguments[0] if call.arguments else None
    if not isinstance(found, Quantized):
        raise Unsupported("integers of a tensor are among its constants")
    if call.node.op == "Clip" and not found.steps:
        return _clipped(call, found)
    if call.node.op == "Cast":
        raise Unsupported(f"of integers to {name_of(call.integer('to', 0))}", todo=TODO)
    if call.node.op not in _MOVES:
        raise Unsupported("this operator is not supported on integers", todo=TODO)
    plain = Call(call.node, [found.value, *call.arguments[1:]], call.opset)
    result = compute(plain)
    if not isinstance(result, Value):
        return result
    if result.base is not found.value.base:
        result = grid(result, found.quant)
    return replace(found, value=result)


def _clipped(call: Call, found: Quantized) -> Quantized:
    """Integers limited further: less than 8 bits."""
    offset = 128 if found.dtype == "uint8" else 0
    base = found.value.base
    low, high = base.parameters["clamp"]
    for index, least in ((1, True), (2, False)):
        if call.get(index) is None:
            continue
        limit = int(number(call.array(index), "limit")) - offset
        low, high = (max(low, limit), high) if least else (low, min(high, limit))
    call.finish()
    if low > high:
        raise CelosiaError(f"limits {low} and {high} leave nothing")
    changed = replace(base, parameters=base.parameters | {"clamp": (low, high)})
    return replace(found, value=replace(found.value, base=changed))


def _along(vector: np.ndarray, ndim: int, axis: int) -> np.ndarray:
    """``vector`` shaped to broadcast along ``axis`` of ``ndim`` axes; () when it has one value."""
    if vector.size == 1:
        return vector.reshape(())
    if vector.ndim != 1 or not -ndim <= axis < ndim:
        raise Unsupported(f"scales of shape {list(vector.shape)} along axis {axis}")
    shape = [1] * ndim
    shape[axis] = -1
    return vector.reshape(shape)


def _scale(call: Call) -> np.ndarray:
    scale = np.asarray(call.array(1), np.float32)
    if call.integer("block_size", 0):
        raise Unsupported(
            f"attribute block_size = {call.integer('block_size', 0)} is not supported"
        )
    call.ignore("saturate", "precision")
    if not (np.isfinite(scale).all() and (scale >= np.finfo(np.float32).tiny).all()):
        raise CelosiaError("a scale is not a positive normal float32")
    return scale


def _type(call: Call, default: int) -> int:
    """Number of the integers' data type, which the zero point has, or an attribute."""
    named, zero = call.integer("output_dtype", 0), call.optional(2)
    if zero is None:
        return named or default
    found = next((n for n, (form, _) in NUMPY.items() if np.dtype(form) == zero.dtype), 0)
    return named if named in _LIMITS and found not in _LIMITS else found


def _quantize(call: Call) -> Any:
    x, scale, axis = call.operand(), _scale(call), call.integer("axis", 1)
    kind, zero = _type(call, _UINT8), call.optional(2)
    if kind not in _LIMITS and not (kind == _INT32 and not isinstance(x, Value)):
        raise Unsupported(f"{name_of(kind)}", todo="quantize to int8 or uint8")
    if isinstance(x, Value):
        return _quantized(x, *_one_quant(scale, zero, kind))
    zero = np.zeros((), np.int64) if zero is None else zero.astype(np.int64)
    low, high = _LIMITS.get(kind, (-(1 << 31), (1 << 31) - 1))
    steps = np.rint(x.astype(np.float32) / _along(scale, x.ndim, axis))
    result = np.clip(steps + _along(zero, x.ndim, axis), low, high)
    return result.astype(NUMPY[kind][0] if kind in NUMPY else np.int8)


def _one_quant(scale: np.ndarray, zero: np.ndarray | None, kind: int) -> tuple[Quant, str]:
    """Scale and zero point of a tensor as int8, and its type in the file."""
    if kind not in (_INT8, _UINT8):
        raise Unsupported(
            f"activations are quantized to {name_of(kind)}", todo="quantize them to int8 or uint8"
        )
    if scale.size != 1 or (zero is not None and zero.size != 1):
        raise Unsupported(f"{scale.size} scales for a computed tensor", todo="use one per tensor")
    point = 0 if zero is None else int(zero.reshape(()))
    shift = 128 if kind == _UINT8 else 0
    return Quant(float(scale.reshape(())), point - shift), name_of(kind)


def _quantized(x: Value, quant: Quant, dtype: str) -> Quantized:
    if x.final:
        return Quantized(x, quant, dtype, (QuantizeLinear(in_file(quant, dtype), dtype),))
    return Quantized(grid(x, quant), quant, dtype)


def in_file(quant: Quant, dtype: str) -> Quant:
    """``quant`` of an int8 tensor as the file has it, where the tensor is ``dtype``."""
    return quant if dtype == "int8" else Quant(quant.scale, quant.zero_point + 128)


def _dequantize(call: Call) -> Any:
    q, scale, axis = call.get(0), _scale(call), call.integer("axis", 1)
    zero = call.optional(2)
    call.ignore("output_dtype")
    if isinstance(q, Quantized):
        own = _UINT8 if q.dtype == "uint8" else _INT8
        quant, dtype = _one_quant(scale, zero, _type(call, own) if zero is not None else own)
        if (quant, dtype) != (q.quant, q.dtype):
            raise Unsupported("its scale, zero point or type differs from its QuantizeLinear's")
        if not q.steps:
            return q.value
        step = Dequantize(in_file(quant, dtype), dtype)
        return replace(q, dtype="float32", steps=(*q.steps, step))
    if isinstance(q, Value):
        raise Unsupported("its input is not from a QuantizeLinear", todo=TODO)
    integers = np.asarray(call.operand()).astype(np.float64)
    if zero is not None:
        integers = integers - _along(zero.astype(np.float64), integers.ndim, axis)
    return integers * _along(scale.astype(np.float64), integers.ndim, axis)


#: Operator -> handler.
LINEAR: dict[str, Callable[[Call], Any]] = {
    "QuantizeLinear": _quantize,
    "DequantizeLinear": _dequantize,
}
