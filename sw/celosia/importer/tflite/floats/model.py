"""A float ``.tflite`` file as a float network, to be calibrated like that of any other format."""

from typing import Any

import numpy as np

from celosia.importer.guard import damage_as_error
from celosia.importer.operations.constants import Operand, spend
from celosia.importer.tflite.flatbuffer import Bytes
from celosia.importer.tflite.load import TfliteModel, TfliteOperator, TfliteTensor, load
from celosia.importer.values import Value, Walk, assemble, in_layout
from celosia.network.float_network import FloatNetwork
from celosia.support.errors import CelosiaError, Unsupported, located

from .call import Call
from .operators import OPERATORS

__all__ = ["computes_in_float", "float_network", "is_float"]

#: Operators that only change the type or the shape, and so may have floats in an int8 model.
_NEUTRAL = ("QUANTIZE", "DEQUANTIZE", "RESHAPE", "SQUEEZE", "EXPAND_DIMS", "CAST")
_INTEGERS = ("int8", "uint8", "int16")
_TODO = "check that the file is a complete .tflite file"


def is_float(model: TfliteModel) -> bool:
    """Whether it computes in float: an operator makes floats of floats, and none makes int8."""
    made = [(op, tensor) for op in model.operators for tensor in op.outputs]
    quantized = any(tensor.dtype in _INTEGERS for op, tensor in made if op.code != "CAST")
    return not quantized and any(
        tensor.dtype == "float32" and op.code not in _NEUTRAL for op, tensor in made
    )


def computes_in_float(data: Bytes) -> bool:
    """`is_float` of the bytes of a file, or of a memory map of it; raises as `load`."""
    return is_float(load(data))


def float_network(model: TfliteModel, size: int, name: str) -> FloatNetwork:
    """The network of a file that computes in float.

    Weights may be float32, float16 or int8 with scales: each is the real that it stands for. LiteRT
    computes with int8 weights of float operators by quantizing every input as it comes (dynamic
    range); that is not done here, and a note says so.

    Parameters
    ----------
    size : of the file in bytes.

    Raises
    ------
    CelosiaError : the file contradicts itself.
    Unsupported : an operator, or a form of it, is not supported; the error gives its index.
    """
    with damage_as_error("not a TFLite model", _TODO):
        return in_layout(size, lambda walk: _network(model, name, walk))


def _network(model: TfliteModel, name: str, walk: Walk) -> FloatNetwork:
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise Unsupported(
            f"the model has {len(model.inputs)} inputs and {len(model.outputs)} outputs; a float "
            "one has 1 of each"
        )
    (entry,), (end,) = model.inputs, model.outputs
    if entry.dtype != "float32":
        walk.notes.append(
            f"the model's input is {entry.dtype}; it is taken as float32 of the same values"
        )
    if len(entry.shape) < 2 or entry.shape[0] != 1:
        raise Unsupported(
            f"{entry} of shape {list(entry.shape)} has no batch axis of 1",
            todo="convert the model with batch 1",
        )
    values: dict[int, Operand] = {entry.index: Value.input(walk, entry.shape[1:])}
    for op in model.operators:
        with located(str(op)):
            walk.where = str(op)
            _step(op, values, walk)
    result = values.get(end.index)
    if not isinstance(result, Value):
        raise CelosiaError(f"the output {end} does not depend on the input")
    return assemble(result, name, entry.shape[1:])


def _step(op: TfliteOperator, values: dict[int, Operand], walk: Walk) -> None:
    """Compute ``op``, and keep its results in ``values``."""
    handler = OPERATORS.get(op.code)
    if handler is None:
        raise Unsupported("this operator is not supported")
    op.check_options()
    arguments = [None if each is None else _operand(each, values, walk) for each in op.inputs]
    result: Any = handler(Call(op, arguments))
    results = result if isinstance(result, list) else [result]
    if len(results) != len(op.outputs):
        raise CelosiaError(f"{len(op.outputs)} outputs, not {len(results)}")
    for tensor, each in zip(op.outputs, results, strict=True):
        if tensor.index in values or tensor.data is not None:
            raise CelosiaError(f"{tensor} has a value before it is computed")
        if isinstance(each, Value):
            _check_shape(tensor, each)
        else:
            spend(walk.budget, np.asarray(each))
        values[tensor.index] = each
    entered = [each for each in arguments if isinstance(each, Value)]
    if entered and isinstance(result, Value):
        walk.note(str(op), entered[0], result)


def _operand(tensor: TfliteTensor, values: dict[int, Operand], walk: Walk) -> Operand:
    if tensor.index in values:
        return values[tensor.index]
    if tensor.data is None:
        raise CelosiaError(f"its input {tensor} is not computed before it")
    return spend(walk.budget, _real(tensor, walk))


def _real(tensor: TfliteTensor, walk: Walk) -> np.ndarray:
    """A constant as the reals that it stands for; integers without a scale as they are."""
    values = tensor.values
    if tensor.dtype == "float16":
        return values.astype(np.float32)
    if tensor.scales is None or tensor.zero_points is None or values.dtype.kind not in "iu":
        return values
    along = [1] * values.ndim
    if len(tensor.scales) > 1:
        along[tensor.axis] = -1
        if len(tensor.scales) != values.shape[tensor.axis]:
            raise CelosiaError(f"{tensor} has {len(tensor.scales)} scales along {tensor.axis}")
    note = (
        "weights are int8 in the file (dynamic range): their reals are quantized again with the "
        "sample's scales; LiteRT chooses scales of activations for every input, so results differ"
    )
    if note not in walk.notes:
        walk.notes.append(note)
    zero = tensor.zero_points.reshape(along)
    real = (values.astype(np.int64) - zero) * tensor.scales.astype(np.float64).reshape(along)
    return real.astype(np.float32)


def _check_shape(tensor: TfliteTensor, value: Value) -> None:
    if tensor.shape and tensor.shape != (1, *value.shape):
        raise CelosiaError(f"output of shape {list(tensor.shape)} is not {[1, *value.shape]}")
