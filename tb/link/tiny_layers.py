"""Layers of a few words as descriptors of engines with dense layers only and with convolution."""

from celosia.spec import Config, Op, pack_descriptor

__all__ = ["pack_layer", "striped"]


def pack_layer(layer: dict[str, int], config: Config) -> bytes:
    """The descriptor of a dense ``layer``; with convolution the same as a map of one pixel a row,
    every row with an image of its own. An illegal ``op`` stays what it is."""
    if not config.convolution:
        return pack_descriptor(**layer)
    op = Op.CONVOLUTION if layer["op"] == Op.DENSE else layer["op"]
    common = {name: value for name, value in layer.items() if name not in ("src", "src_words")}
    words = layer["tiles"] * config.words_per_tile
    fields = common | {
        "op": Op.CONVOLUTION,
        "images": 1,
        "skip": 1,
        "start": layer.get("src", 0) * config.slots,
        "tap_words": layer.get("src_words", 1),
        "result_row": words,
        "row_words": words,
        "length": words,
        **dict.fromkeys(("height", "width", "kernel_y", "kernel_x", "kernel_rest", "steps"), 1),
    }
    packed = bytearray(pack_descriptor(**fields))
    packed[0] = packed[0] & 0xF0 | op
    return bytes(packed)


def striped(config: Config) -> bytes:
    """A layer whose rows share an image: row r has pixels 2 * r and 2 * r + 1 of a map of one line.

    A window is two words of the row's own range of the input, which is not padded; the results go
    to the host.
    """
    return pack_descriptor(
        op=Op.CONVOLUTION,
        last=1,
        emit=1,
        clamp_max=255,
        tiles=1,
        from_input=1,
        weight_stride=1,
        tap_words=1,
        tail=config.lanes,
        kernel_y=1,
        kernel_x=2,
        kernel_rest=2,
        tap_x=1,
        tap_bytes=config.slots,
        pixel_x=1,
        pixel_bytes=config.slots,
        # Origins of all rows are the same words of their ranges.
        x_last=3,
        height=1,
        width=4,
        steps=2,
        rows_used=config.rows,
        rows_full=2,
        result_row=2 * config.words_per_tile,
        result_pixel=config.words_per_tile,
    )
