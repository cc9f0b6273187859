"""The program: one descriptor per layer, walked by the sequencer without the host.

A descriptor has the fields of `DESCRIPTOR`, the last of which is `part`: the fields of its
operation, laid out as `PARTS` says. `pack_descriptor` and `unpack_descriptor` handle both as one
flat dictionary. `RULES` and `PART_RULES` say which descriptors are legal, for software and
hardware alike.
"""

from collections.abc import Callable, Mapping
from enum import IntEnum
from functools import reduce
from operator import or_
from typing import Any

from .config import Config
from .fields import Field, Layout
from .integers import ceil_div

__all__ = [
    "DESCRIPTOR",
    "PARTS",
    "PART_RULES",
    "RULES",
    "Op",
    "Rounding",
    "legal",
    "pack_descriptor",
    "unpack_descriptor",
    "violations",
]

#: A descriptor's fields by name, integers or Amaranth values, and the configuration: 1 if legal.
Rule = Callable[[Mapping[str, Any], Config], Any]


class Op(IntEnum):
    """What a layer computes."""

    #: acc[n] = sum over k of u[k] * w[k][n]
    DENSE = 1


class Rounding(IntEnum):
    """How a requantization rounds (docs/number_formats.md)."""

    #: Once, half up. With fitted multipliers this is LiteRT's FULLY_CONNECTED.
    SINGLE = 0
    #: Twice, at 31 bits and at the end: LiteRT's CONV_2D and DEPTHWISE_CONV_2D.
    DOUBLE = 1


def _part(name: str, *fields: Field) -> Layout:
    return Layout(name, ceil_div(sum(field.width for field in fields), 8), fields)


#: The fields of each operation by its `Op`, from bit 0 of `part` upwards. No name is also a common
#: field's.
PARTS: dict[int, Layout] = {
    Op.DENSE: _part(
        "dense",
        Field("from_input", 1, "1: `src` counts from the input bank of the run, not from 0"),
        Field("src", 16, "first activation word of the layer's input"),
        Field("src_words", 16, "activation words of the input, ceil(K / lanes), at least 1"),
        Field("tail", 9, "bytes of the last input word that count, 1..lanes"),
        Field("weights", 20, "weight word of k = 0 in tile 0"),
        Field("weight_stride", 20, "weight words from a tile to the next, at least 1; usually K"),
    ),
}

#: One layer. A "word" of activations is `Config.lanes` bytes; a tile is `Config.cols` channels.
#: 41 of its 208 bits are spare. An operation with a part that needs more (a convolution's takes
#: about 400 bits) makes the descriptor longer.
DESCRIPTOR = Layout(
    "descriptor",
    26,
    (
        Field("op", 4, "operation, an `Op`"),
        Field("rounding", 1, "rounding of the requantization, a `Rounding`"),
        Field("last", 1, "1 on the last layer of a program, which must also emit"),
        Field("emit", 1, "1: the results are streamed to the host"),
        Field("store", 1, "1: the results are written to activation memory from `dst`"),
        Field("use_table", 1, "1: results pass through element table `table`"),
        Field("table", 4, "index of the element table"),
        Field("zero_point", 8, "output zero point in offset binary, zp + 128"),
        Field("clamp_min", 8, "smallest result before the table, in offset binary"),
        Field("clamp_max", 8, "largest result before the table, in offset binary"),
        Field("dst", 16, "first activation word of the results"),
        Field("tiles", 16, "tiles of `cols` output channels, ceil(N / cols), at least 1"),
        Field("params", 16, "parameter word of tile 0, chunk 0; they follow each other"),
        Field("part", max(part.width for part in PARTS.values()), "fields of the operation"),
    ),
)

#: What holds for every legal descriptor, by name.
RULES: dict[str, Rule] = {
    "op": lambda d, c: reduce(or_, (d["op"] == op for op in PARTS)),
    "tiles": lambda d, c: d["tiles"] != 0,
    "last": lambda d, c: (d["last"] == 0) | (d["emit"] == 1),
    "table": lambda d, c: (d["use_table"] == 0) | (d["table"] < c.tables),
    "clamp": lambda d, c: d["clamp_min"] <= d["clamp_max"],
}

#: What also holds for a descriptor of each operation.
PART_RULES: dict[int, dict[str, Rule]] = {
    Op.DENSE: {
        "src_words": lambda d, c: d["src_words"] != 0,
        "tail": lambda d, c: (d["tail"] != 0) & (d["tail"] <= c.lanes),
        "weight_stride": lambda d, c: d["weight_stride"] != 0,
    },
}


def pack_descriptor(**values: int) -> bytes:
    """The descriptor with these common fields and fields of operation ``op``; the others are 0.

    Of an operation that is not in `PARTS` the part is given as the integer ``part``.

    Raises
    ------
    ValueError : a value is outside its field, or there is no such field; it is named.
    """
    layout = PARTS.get(values.get("op", 0))
    if layout is None:
        return DESCRIPTOR.pack(**values)
    own = {field.name: values.pop(field.name, 0) for field in layout.fields}
    return DESCRIPTOR.pack(part=int.from_bytes(layout.pack(**own), "little"), **values)


def unpack_descriptor(data: bytes) -> dict[str, int]:
    """The inverse of `pack_descriptor`; all fields are there."""
    values = DESCRIPTOR.unpack(data)
    layout = PARTS.get(values["op"])
    if layout is None:
        return values
    part = values.pop("part") & ((1 << layout.width) - 1)
    return values | layout.unpack(part.to_bytes(layout.size, "little"))


def violations(descriptor: dict[str, int], config: Config) -> list[str]:
    """The names of all rules that the unpacked ``descriptor`` breaks; [] if it is legal."""
    rules = RULES | PART_RULES.get(descriptor["op"], {})
    return [name for name, rule in rules.items() if not rule(descriptor, config)]


def legal(descriptor: dict[str, int], config: Config) -> bool:
    """The engine's whole check of a descriptor; False ends the run with BAD_DESCRIPTOR.

    It is what a sequencer can decide from the fields alone. Addresses are not checked: what lies
    outside a memory reads as anything (the compiler and
    `celosia.compiler.image.Image.load` never let it happen).
    """
    return not violations(descriptor, config)
