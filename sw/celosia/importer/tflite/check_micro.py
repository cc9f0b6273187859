"""What TFLite Micro refuses and LiteRT does not."""

from celosia.quant.micro_tables import MISSING
from celosia.support.errors import Unsupported

from .load import TfliteOperator

__all__ = ["check_micro"]

#: Types before and after QUANTIZE (``micro/kernels/quantize_common.cc``).
_QUANTIZE = (("float32", "int8"), ("int8", "int8"), ("int8", "uint8"), ("uint8", "int8"))
#: Inputs of CONCATENATION (``micro/kernels/concatenation.cc``, kMaxInputNum).
_MOST_INPUTS = 10


def check_micro(op: TfliteOperator) -> None:
    """Refuse an operator, or a form of it, that TFLite Micro's reference kernels do not run.

    Raises
    ------
    Unsupported : naming ``op``.
    """
    if problem := _problem(op):
        raise Unsupported(
            f"TFLite Micro {problem}", where=str(op), todo="leave out --reference tflm"
        )


def _problem(op: TfliteOperator) -> str:
    if op.code in MISSING:
        return f"has no {op.code}"
    if op.code == "QUANTIZE" and (op.source.dtype, op.target.dtype) not in _QUANTIZE:
        return f"does not quantize {op.source.dtype} to {op.target.dtype}"
    if op.code == "CONCATENATION" and len(op.inputs) > _MOST_INPUTS:
        return f"joins at most {_MOST_INPUTS} inputs, not {len(op.inputs)}"
    scales = op.target.scales
    if op.code == "SOFTMAX" and scales is not None and float(scales[0]) != 1 / 256:
        return f"demands output scale 1/256 exactly, not {scales[0]:.9g}"
    return ""
