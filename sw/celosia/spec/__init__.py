"""Single source of truth: every format, layout, opcode and constant of Celosia, in pure Python.

The Amaranth layouts, the driver's packing, the C header and the reference pages in `docs/` are
all derived from this package.
"""

from .config import Config
from .descriptor import (
    DESCRIPTOR,
    MAP_DESCRIPTOR,
    PART_RULES,
    PARTS,
    RULES,
    Rounding,
    descriptor,
    legal,
    pack_descriptor,
    unpack_descriptor,
    violations,
)
from .fields import Field, Layout
from .formats import ACC, ACTIVATION, BIAS, MULTIPLIER, OFFSET, SHIFT, WEIGHT, IntFormat
from .identity import config_of, identity
from .integers import ceil_div, round_up
from .link import (
    CHECKSUM,
    COUNTERS,
    IDENTITY,
    INPUT_LAYOUT,
    REQUEST,
    TRAILER,
    InferFlag,
    Memory,
    Opcode,
    Status,
)
from .memories import Record, memories, record
from .ops import Op
from .params import PARAMETER

__all__ = [
    "ACC",
    "ACTIVATION",
    "BIAS",
    "CHECKSUM",
    "COUNTERS",
    "DESCRIPTOR",
    "IDENTITY",
    "INPUT_LAYOUT",
    "MAP_DESCRIPTOR",
    "MULTIPLIER",
    "OFFSET",
    "PARAMETER",
    "PARTS",
    "PART_RULES",
    "REQUEST",
    "RULES",
    "SHIFT",
    "TRAILER",
    "WEIGHT",
    "Config",
    "Field",
    "InferFlag",
    "IntFormat",
    "Layout",
    "Memory",
    "Op",
    "Opcode",
    "Record",
    "Rounding",
    "Status",
    "ceil_div",
    "config_of",
    "descriptor",
    "identity",
    "legal",
    "memories",
    "pack_descriptor",
    "record",
    "round_up",
    "unpack_descriptor",
    "violations",
]
