"""A program image on any number of images at once, without link and rows."""

import numpy as np

from celosia.compiler.image import Image
from celosia.numerics.offset_binary import from_offset, to_offset
from celosia.ops.window_walk import kernel_taps

from .map_inputs import store_input
from .map_program import MapProgram
from .memories import Memories
from .program import decode

__all__ = ["load", "run"]

#: Images computed together: their activations stay in the cache of one core.
_CHUNK = 1024
#: Of maps about that many bytes at a time.
_MAP_BYTES = 1 << 25


def load(image: Image) -> Memories:
    """The memories of an engine after the program image was written to them."""
    memories = Memories(image.config)
    for memory in image.sections:
        memories.write(memory, 0, image.records(memory))
    return memories


def run(image: Image, x: np.ndarray) -> list[np.ndarray]:
    """The emitted layers of ``image`` for all of ``x``: what the engine computes, fast.

    Parameters
    ----------
    image : a compiled program.
    x : int8 [images, K].

    Returns
    -------
    one int8 [images, N] array for each layer that emits.

    Raises
    ------
    CelosiaError : ``x`` is not int8 of the model's width.
    """
    x = image.check_input(x)
    program = decode(load(image), 0)
    if isinstance(program, MapProgram):
        return _run_maps(image, program, x)
    config, chunks = image.config, []
    for start in range(0, max(len(x), 1), _CHUNK):
        part = x[start : start + _CHUNK]
        act = np.zeros((len(part), config.act_depth * config.lanes), np.uint8)
        act[:, : x.shape[1]] = to_offset(part)
        chunks.append(program.run(act, 0))
    return [
        from_offset(np.concatenate(ys)[:, : layer.outputs])
        for layer, ys in zip(image.model.emitted, zip(*chunks, strict=True), strict=True)
    ]


def _run_maps(image: Image, program: MapProgram, x: np.ndarray) -> list[np.ndarray]:
    """Each image in all rows of an engine of its own, or where rows do not share an image, those of
    a row in row 0."""
    per_row = image.model.images_per_row
    config, rows = image.config, image.config.rows if image.stripes else 1
    memory = rows * config.act_depth * config.lanes
    chunk = max(1, min(_MAP_BYTES // max(memory, *map(_largest, image.descriptors())), _CHUNK))
    chunks = []
    for start in range(0, max(len(x), 1), chunk * per_row):
        words = image.pack_input(x[start : start + chunk * per_row])
        act = np.zeros((len(words), rows, config.act_depth, config.lanes), np.uint8)
        layout = image.input_layout if image.stripes else None
        store_input(act, words, layout, base=0)
        emitted = program.run(act, base=0, images=1)
        chunks.append(image.unpack_results(np.concatenate(emitted, axis=1), images=per_row))
    return [np.concatenate(ys)[: len(x)] for ys in zip(*chunks, strict=True)]


def _largest(d: dict[str, int]) -> int:
    """Bytes that a layer reads and sums that it makes for an image, about."""
    pixels = d["steps"] * max(d["rows_used"], 1)
    taps = kernel_taps(d) * d["tap_words"]
    return 32 * pixels * (taps + d["tiles"])
