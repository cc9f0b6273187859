"""The options of every operator that is read, field by field, and what becomes of each.

Fields are numbered from 0 in the order of the schema (``schema.fbs``). An option that is not known,
or whose values other than the default are not supported, is refused: it may change what the
operator computes.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from celosia.support.errors import Unsupported

from .flatbuffer import Table

__all__ = ["OPTIONS", "Option", "Use", "check_options"]


class Use(Enum):
    """What becomes of an option."""

    READ = "read by the operator's handler"
    FREE = "changes nothing in what the supported forms compute"
    DEFAULT = "supported only with its default"


@dataclass(frozen=True)
class Option:
    """One field.

    Parameters
    ----------
    name : in the schema.
    form : its type as `Table.scalar` takes it; "[i4" for a vector of int32.
    default : value where the field is absent.
    """

    name: str
    form: str
    default: int = 0
    use: Use = Use.READ

    def of(self, table: Table, number: int) -> Any:
        """The value in ``table``."""
        if self.form.startswith("["):
            return table.array(number, self.form[1:])
        return table.scalar(number, self.form, self.default)


_FUSED = Option("fused_activation_function", "b")
_STRIDES = (Option("padding", "b"), Option("stride_w", "i"), Option("stride_h", "i"))
_DILATIONS = (Option("dilation_w_factor", "i", 1), Option("dilation_h_factor", "i", 1))
_BIAS = Option("quantized_bias_type", "b", use=Use.DEFAULT)
#: Of the dynamic quantization of activations, which is not done here (`floats`).
_ASYMMETRIC = Option("asymmetric_quantize_inputs", "B", use=Use.FREE)
_POOL = (*_STRIDES, Option("filter_width", "i"), Option("filter_height", "i"), _FUSED)
#: Of int16 activations alone, which are refused.
_POT = Option("pot_scale_int16", "B", 1, use=Use.FREE)
_KEEP = (Option("keep_dims", "B"),)
#: The tensors have types, too.
_TYPES = (
    Option("in_data_type", "b", use=Use.FREE),
    Option("out_data_type", "b", use=Use.FREE),
)

#: Operator -> its options; those that are not named have none in the schema.
OPTIONS: dict[str, tuple[Option, ...]] = {
    "ADD": (_FUSED, _POT),
    "AVERAGE_POOL_2D": _POOL,
    "BATCH_MATMUL": (Option("adj_x", "B"), Option("adj_y", "B"), _ASYMMETRIC),
    "CAST": _TYPES,
    "CONCATENATION": (Option("axis", "i"), _FUSED),
    "CONV_2D": (*_STRIDES, _FUSED, *_DILATIONS, _BIAS),
    # LiteRT takes the multiplier of the depth from the shapes.
    "DEPTHWISE_CONV_2D": (
        *_STRIDES,
        Option("depth_multiplier", "i", use=Use.FREE),
        _FUSED,
        *_DILATIONS,
    ),
    "DIV": (_FUSED,),
    "FULLY_CONNECTED": (
        _FUSED,
        Option("weights_format", "b", use=Use.DEFAULT),
        Option("keep_num_dims", "B"),
        _ASYMMETRIC,
        _BIAS,
        Option("quant_spec", "[u1", use=Use.DEFAULT),
    ),
    "GATHER": (Option("axis", "i"), Option("batch_dims", "i", use=Use.DEFAULT)),
    "GELU": (Option("approximate", "B"),),
    "LEAKY_RELU": (Option("alpha", "f"),),
    "MAX_POOL_2D": _POOL,
    "MEAN": _KEEP,
    "MIRROR_PAD": (Option("mode", "b"),),
    "MUL": (_FUSED,),
    "PACK": (Option("values_count", "i"), Option("axis", "i")),
    "REDUCE_MAX": _KEEP,
    "RESHAPE": (Option("new_shape", "[i4"),),
    "SHAPE": (Option("out_type", "b"),),
    "SOFTMAX": (Option("beta", "f"),),
    "SPLIT": (Option("num_splits", "i"),),
    "SPLIT_V": (Option("num_splits", "i"),),
    "SQUEEZE": (Option("squeeze_dims", "[i4"),),
    "STRIDED_SLICE": (
        Option("begin_mask", "i"),
        Option("end_mask", "i"),
        Option("ellipsis_mask", "i", use=Use.DEFAULT),
        Option("new_axis_mask", "i", use=Use.DEFAULT),
        Option("shrink_axis_mask", "i"),
        Option("offset", "B", use=Use.DEFAULT),
    ),
    "SUB": (_FUSED, _POT),
    "SUM": _KEEP,
    "UNPACK": (Option("num", "i"), Option("axis", "i")),
}


def check_options(code: str, table: Table | None, where: str) -> None:
    """Check the options of an operator with this ``code`` that is supported.

    Raises
    ------
    Unsupported : one of them is not known, or not supported with its value; the error names both.
    """
    if table is None:
        return
    known = OPTIONS.get(code, ())
    for number in table.fields():
        if number >= len(known):
            raise Unsupported(f"option number {number} is not known", where=where)
        option = known[number]
        if option.use is not Use.DEFAULT:
            continue
        value = option.of(table, number)
        if isinstance(value, np.ndarray):
            value = value[:8].tolist() or option.default
        if value != option.default:
            raise Unsupported(f"option {option.name} = {value} is not supported", where=where)
