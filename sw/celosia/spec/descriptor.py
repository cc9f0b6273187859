"""The program: one descriptor per layer, walked by the sequencer without the host."""

from enum import IntEnum

from .config import Config
from .fields import Field, Layout

__all__ = ["DESCRIPTOR", "Op", "Rounding", "legal"]


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


#: One layer. A "word" of activations is `Config.lanes` bytes; a tile is `Config.cols` channels.
DESCRIPTOR = Layout(
    "descriptor",
    26,
    (
        Field("op", 4, "operation, an `Op`"),
        Field("rounding", 1, "rounding of the requantization, a `Rounding`"),
        Field("last", 1, "1 on the last layer of a program, which must also emit"),
        Field("emit", 1, "1: the results are streamed to the host"),
        Field("store", 1, "1: the results are written to activation memory from `dst`"),
        Field("from_input", 1, "1: `src` counts from the input bank of the run, not from 0"),
        Field("use_table", 1, "1: results pass through element table `table`"),
        Field("table", 4, "index of the element table"),
        Field("zero_point", 8, "output zero point in offset binary, zp + 128"),
        Field("clamp_min", 8, "smallest result before the table, in offset binary"),
        Field("clamp_max", 8, "largest result before the table, in offset binary"),
        Field("src", 16, "first activation word of the layer's input"),
        Field("src_words", 16, "activation words of the input, ceil(K / lanes), at least 1"),
        Field("tail", 9, "bytes of the last input word that count, 1..lanes"),
        Field("dst", 16, "first activation word of the results"),
        Field("tiles", 16, "tiles of `cols` output channels, ceil(N / cols), at least 1"),
        Field("weights", 20, "weight word of k = 0 in tile 0; tile t starts at weights + t * k"),
        Field("k", 20, "weight words per tile: the inner dimension K"),
        Field("params", 16, "parameter word of tile 0, chunk 0; they follow each other"),
    ),
)


def legal(descriptor: dict[str, int], config: Config) -> bool:
    """The engine's whole check of a descriptor; False ends the run with BAD_DESCRIPTOR.

    It is what a sequencer can decide from the fields alone. Addresses are not checked: what lies
    outside a memory reads as anything (the compiler and `Image.load` never let it happen).
    """
    d = descriptor
    return (
        d["op"] in tuple(Op)
        and d["src_words"] > 0
        and d["tiles"] > 0
        and d["k"] > 0
        and 1 <= d["tail"] <= config.lanes
        and not (d["last"] and not d["emit"])
        and not (d["use_table"] and d["table"] >= config.tables)
        and d["clamp_min"] <= d["clamp_max"]
    )
