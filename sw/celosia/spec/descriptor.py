"""The program: one descriptor per layer, walked by the sequencer without the host.

There are two kinds of engines, and a layout of descriptors for each (`descriptor`): `DESCRIPTOR` of
those with dense layers only, `MAP_DESCRIPTOR` of those with convolution. Both have the same fields,
the last of which is `part`: the fields of the operation, laid out as `PARTS` says.
`pack_descriptor` and `unpack_descriptor` handle both as one flat dictionary. `RULES` and
`PART_RULES` say which descriptors are legal, for software and hardware alike.
"""

from collections.abc import Callable, Mapping
from enum import IntEnum
from functools import reduce
from operator import or_
from typing import Any

from .config import Config
from .fields import Field, Layout
from .integers import ceil_div
from .maps import ADDRESS_BITS, COORDINATE_BITS, NEED_BITS
from .ops import Op

__all__ = [
    "DESCRIPTOR",
    "MAP_DESCRIPTOR",
    "PARTS",
    "PART_RULES",
    "RULES",
    "Rounding",
    "descriptor",
    "legal",
    "pack_descriptor",
    "unpack_descriptor",
    "violations",
]

#: A descriptor's fields by name, integers or Amaranth values, and the configuration: 1 if legal.
Rule = Callable[[Mapping[str, Any], Config], Any]


class Rounding(IntEnum):
    """How a requantization rounds (docs/number_formats.md)."""

    #: Once, half up. With fitted multipliers this is LiteRT's FULLY_CONNECTED.
    SINGLE = 0
    #: Twice, at 31 bits and at the end: LiteRT's CONV_2D and DEPTHWISE_CONV_2D.
    DOUBLE = 1


def _part(name: str, *fields: Field) -> Layout:
    return Layout(name, ceil_div(sum(field.width for field in fields), 8), fields)


#: The walk of windows over a map, a window for each pixel of the result. Coordinates y and x count
#: modulo 512, addresses in a row modulo 2**16; an address is ``word * Config.slots + byte``.
_WINDOW = (
    Field("from_input", 1, "1: `start` counts from the input bank of the run, not from 0"),
    Field("images", 1, "1: each row computes an image of its own; 0: rows share one image"),
    Field("skip", 1, "1: a byte that is 0 in every row may be skipped"),
    Field("weights", 20, "weight word of k = 0 in tile 0"),
    Field("weight_stride", 20, "weight words from a tile to the next, at least 1; usually K"),
    Field("start", ADDRESS_BITS, "address of row 0's first window, which is at y = x = 0"),
    Field("pixel_x", COORDINATE_BITS, "x from a pixel to the next of the same row"),
    Field("pixel_bytes", ADDRESS_BITS, "address from a pixel to the next of the same row"),
    Field("row_y", COORDINATE_BITS, "y from a row's first window to the next row's"),
    Field("row_x", COORDINATE_BITS, "x from a row's first window to the next row's"),
    Field("row_bytes", ADDRESS_BITS, "address from a row's first window to the next row's"),
    Field("wrap_y", COORDINATE_BITS, "added to y when x has gone beyond `x_last`"),
    Field("wrap_x", COORDINATE_BITS, "added to x then"),
    Field("wrap_bytes", ADDRESS_BITS, "added to the address then"),
    Field("x_last", COORDINATE_BITS, "x of the last window of a line"),
    Field("height", COORDINATE_BITS, "lines of the input; a tap at y >= height is outside"),
    Field("width", COORDINATE_BITS, "pixels of its lines; a tap at x >= width is outside"),
    Field("kernel_y", 8, "lines of the kernel, at least 1"),
    Field("kernel_x", 8, "taps of the kernel's first line, at least 1"),
    Field("kernel_rest", 8, "taps of each later line, at least 1; usually `kernel_x`"),
    Field("tap_words", 16, "activation words of a tap, at least 1"),
    Field("tail", 9, "bytes of a tap's last word that count, 1..lanes"),
    Field("corner_y", COORDINATE_BITS, "y of the first tap, less the window's: minus the padding"),
    Field("corner_x", COORDINATE_BITS, "x of the first tap, less the window's: minus the padding"),
    Field("line_y", COORDINATE_BITS, "y from a line of the kernel to the next"),
    Field("line_bytes", ADDRESS_BITS, "address from a line of the kernel to the next"),
    Field("tap_x", COORDINATE_BITS, "x from a tap to the next of its line"),
    Field("tap_bytes", ADDRESS_BITS, "address from a tap to the next of its line"),
    Field("outside", 8, "what a tap outside reads, in offset binary"),
    Field("steps", 16, "pixels of a row, at least 1"),
    Field("rows_used", 6, "rows with a pixel in step 0, 1..rows; with `images` those of the run"),
    Field("rows_full", 16, "steps with `rows_used` rows; later ones have a row less"),
    Field("result_row", ADDRESS_BITS, "words from a row's first result to the next row's"),
    Field("result_pixel", ADDRESS_BITS, "words from a pixel of the result to the next"),
    Field(
        "row_words",
        ADDRESS_BITS,
        "words from a row's first word to the next row's, D",
    ),
    Field("halo", ADDRESS_BITS, "words before a row's own that it keeps too, H"),
    Field("length", ADDRESS_BITS, "words that a row keeps, L"),
    Field(
        "wait",
        NEED_BITS,
        "words of the layer before for step 0, less its own first one's",
    ),
    Field("wait_step", ADDRESS_BITS, "words of the layer before that each step needs more"),
)

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
    Op.CONVOLUTION: _part("convolution", *_WINDOW),
    Op.DEPTHWISE: _part("depthwise", *_WINDOW),
}

#: The fields that every layer has. A "word" of activations is `Config.lanes` bytes. A tile is
#: `Config.cols` channels, of `Op.DEPTHWISE` `Config.lanes`.
_COMMON = (
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
    Field("tiles", 16, "tiles of output channels, at least 1"),
    Field("params", 16, "parameter word of tile 0, chunk 0; they follow each other"),
    Field("waits", 1, "1: the layer reads results of the layer before it"),
)


def _descriptor(name: str, size: int, *ops: Op) -> Layout:
    part = Field("part", max(PARTS[op].width for op in ops), "fields of the operation")
    return Layout(name, size, (*_COMMON, part))


#: One layer of an engine with dense layers only. 40 of its 208 bits are spare.
DESCRIPTOR = _descriptor("descriptor", 26, Op.DENSE)
#: One layer of an engine with convolution.
MAP_DESCRIPTOR = _descriptor("map_descriptor", 72, Op.CONVOLUTION, Op.DEPTHWISE)


def descriptor(config: Config) -> Layout:
    """The layout of an engine's descriptors."""
    return MAP_DESCRIPTOR if config.convolution else DESCRIPTOR


#: What holds for every legal descriptor, by name.
RULES: dict[str, Rule] = {
    "op": lambda d, c: reduce(or_, (d["op"] == op for op in c.ops)),
    "tiles": lambda d, c: d["tiles"] != 0,
    "last": lambda d, c: (d["last"] == 0) | (d["emit"] == 1),
    "table": lambda d, c: (d["use_table"] == 0) | (d["table"] < c.tables),
    "clamp": lambda d, c: d["clamp_min"] <= d["clamp_max"],
}

_WINDOW_RULES: dict[str, Rule] = {
    "weight_stride": lambda d, c: d["weight_stride"] != 0,
    "kernel_y": lambda d, c: d["kernel_y"] != 0,
    "kernel_x": lambda d, c: d["kernel_x"] != 0,
    "kernel_rest": lambda d, c: d["kernel_rest"] != 0,
    "tap_words": lambda d, c: d["tap_words"] != 0,
    "tail": lambda d, c: (d["tail"] != 0) & (d["tail"] <= c.lanes),
    "steps": lambda d, c: d["steps"] != 0,
    "rows_used": lambda d, c: (
        (d["images"] == 1) | ((d["rows_used"] != 0) & (d["rows_used"] <= c.rows))
    ),
    # Every step has a row.
    "rows_full": lambda d, c: (
        (d["images"] == 1) | (d["rows_used"] != 1) | (d["rows_full"] >= d["steps"])
    ),
}

#: What also holds for a descriptor of each operation.
PART_RULES: dict[int, dict[str, Rule]] = {
    Op.DENSE: {
        "src_words": lambda d, c: d["src_words"] != 0,
        "tail": lambda d, c: (d["tail"] != 0) & (d["tail"] <= c.lanes),
        "weight_stride": lambda d, c: d["weight_stride"] != 0,
    },
    Op.CONVOLUTION: _WINDOW_RULES,
    Op.DEPTHWISE: _WINDOW_RULES
    | {"tap_words": lambda d, c: d["tap_words"] == 1, "tail": lambda d, c: d["tail"] == 1},
}


def pack_descriptor(**values: int) -> bytes:
    """The descriptor with these common fields and fields of operation ``op``; the others are 0.

    It is one of the engines that have the operation. Of an operation that is not in `PARTS` the
    part is given as the integer ``part``, and it is a `DESCRIPTOR`.

    Raises
    ------
    ValueError : a value is outside its field, or there is no such field; it is named.
    """
    op = values.get("op", 0)
    whole = MAP_DESCRIPTOR if op in (Op.CONVOLUTION, Op.DEPTHWISE) else DESCRIPTOR
    layout = PARTS.get(op)
    if layout is None:
        return whole.pack(**values)
    own = {field.name: values.pop(field.name, 0) for field in layout.fields}
    return whole.pack(part=int.from_bytes(layout.pack(**own), "little"), **values)


def unpack_descriptor(data: bytes) -> dict[str, int]:
    """The inverse of `pack_descriptor`; all fields are there.

    ``data`` : as many bytes as either layout has; their number tells which it is. Of an operation
    that such engines do not have, the part stays the integer ``part``.
    """
    dense = len(data) == DESCRIPTOR.size
    whole = DESCRIPTOR if dense else MAP_DESCRIPTOR
    values = whole.unpack(data)
    layout = PARTS.get(values["op"])
    if layout is None or dense != (values["op"] == Op.DENSE):
        return values
    part = values.pop("part") & ((1 << layout.width) - 1)
    return values | layout.unpack(part.to_bytes(layout.size, "little"))


def violations(descriptor: dict[str, int], config: Config) -> list[str]:
    """The names of all rules that the unpacked ``descriptor`` breaks; [] if it is legal."""
    own = PART_RULES[descriptor["op"]] if descriptor["op"] in config.ops else {}
    return [name for name, rule in (RULES | own).items() if not rule(descriptor, config)]


def legal(descriptor: dict[str, int], config: Config) -> bool:
    """The engine's whole check of a descriptor; False ends the run with BAD_DESCRIPTOR.

    It is what a sequencer can decide from the fields alone. Addresses are not checked: what lies
    outside a memory reads as anything (the compiler and
    `celosia.compiler.image.Image.load` never let it happen).
    """
    return not violations(descriptor, config)
