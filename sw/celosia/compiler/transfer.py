"""Inputs and results of a model as the words on the engine's link."""

import numpy as np

from celosia.numerics.offset_binary import from_offset, to_offset
from celosia.ops.window_walk import WindowWalk
from celosia.spec import OFFSET, Config, ceil_div

from .metadata import LayerInfo, ModelInfo

__all__ = ["dense_results", "input_words", "map_results", "result_words", "rows_used"]

#: An unpacked descriptor.
_Fields = dict[str, int]


def input_words(model: ModelInfo, config: Config, x: np.ndarray) -> np.ndarray:
    """uint8 [rows, words, lanes] of int8 [images, K]: pixels byte by byte if the model says so,
    else each in whole words, the rest 0."""
    h, w, c = model.shape
    if (per_row := model.images_per_row) > 1:
        stacked = np.full((rows_used(model, len(x)) * per_row, x.shape[1]), -OFFSET, np.int8)
        stacked[: len(x)] = x
        x, h = stacked.reshape(-1, per_row * x.shape[1]), per_row
    pixels = to_offset(x).reshape(len(x), h * w, c)
    if not model.packed:
        padded = np.zeros((len(x), h * w, config.words(c) * config.lanes), np.uint8)
        padded[..., :c] = pixels
        pixels = padded
    flat = pixels.reshape(len(x), -1)
    words = np.zeros((len(x), config.words(flat.shape[1]) * config.lanes), np.uint8)
    words[:, : flat.shape[1]] = flat
    return words.reshape(len(x), -1, config.lanes)


def rows_used(model: ModelInfo, images: int) -> int:
    """Rows that have an image in a run of ``images``, where rows do not share one."""
    return ceil_div(images, model.images_per_row)


def result_words(model: ModelInfo, program: list[_Fields], config: Config, images: int) -> int:
    """Result words in the response to one run of ``images``."""
    emitting = [d for d in program if d["emit"]]
    if not config.convolution:
        return sum(d["tiles"] for d in emitting) * config.words_per_tile * images
    rows = rows_used(model, images)
    return sum(len(WindowWalk(d, config, 0, rows).drained[0]) for d in emitting)


def dense_results(
    model: ModelInfo, config: Config, words: np.ndarray, images: int
) -> list[np.ndarray]:
    """The emitted layers of runs on an engine with dense layers only; see `map_results`."""
    outputs, first = [], 0
    for layer in model.emitted:
        count = config.tiles(layer.outputs) * config.words_per_tile
        block = words[:, first : first + count * images]
        first += count * images
        by_image = block.reshape(len(words), count, images, config.lanes).transpose(0, 2, 1, 3)
        flat = by_image.reshape(len(words) * images, -1)
        outputs.append(from_offset(flat[:, : layer.outputs]))
    return outputs


def map_results(
    model: ModelInfo, program: list[_Fields], config: Config, words: np.ndarray, images: int
) -> list[np.ndarray]:
    """The emitted layers of runs on an engine with convolution.

    Parameters
    ----------
    words : uint8 [runs, N, lanes], the response of each run, of ``images`` images.

    Returns
    -------
    One int8 [runs * images, values] for each layer that is emitted.
    """
    blocks, first = {}, 0
    for index, d in enumerate(program):
        if d["emit"]:
            walk = WindowWalk(d, config, 0, rows_used(model, images))
            stop = first + len(walk.drained[0])
            blocks[index] = _by_pixel(walk, words[:, first:stop])
            first = stop
    return [_layer(layer, blocks, images, model.images_per_row) for layer in model.emitted]


def _by_pixel(walk: WindowWalk, words: np.ndarray) -> np.ndarray:
    """uint8 [runs, images, pixels, bytes] of uint8 [runs, N, lanes] in the order of the drain."""
    step, row = walk.pixels
    pixel, word = walk.drained
    d = walk.d
    number, image = (step, row) if d["images"] else (row * d["steps"] + step, 0 * row)
    shape = image.max() + 1, number.max() + 1, d["tiles"] * walk.tile_words
    out = np.zeros((len(words), *shape, walk.config.lanes), np.uint8)
    out[:, image[pixel], number[pixel], word] = words
    return out.reshape(len(words), *shape[:2], -1)


def _layer(
    layer: LayerInfo, blocks: dict[int, np.ndarray], images: int, per_row: int
) -> np.ndarray:
    runs, rows = blocks[layer.pieces[0].descriptor].shape[:2]
    out = np.zeros((runs, rows * per_row, *layer.shape), np.uint8)
    for channel, value in layer.constants:
        out[..., channel] = value + OFFSET
    for piece in layer.pieces:
        (y, x), (h, w) = piece.corner, piece.size
        part = blocks[piece.descriptor].reshape(runs, rows * per_row, h, w, -1)
        channels, places = piece.channels()
        out[:, :, y : y + h, x : x + w, channels] = part[..., places]
    # The last row may have fewer images.
    return from_offset(out[:, :images].reshape(runs * images, layer.outputs))
