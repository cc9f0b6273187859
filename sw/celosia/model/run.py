"""A program image on any number of images at once, without link and rows."""

import numpy as np

from celosia.compiler.image import Image
from celosia.numerics.offset_binary import from_offset, to_offset

from .memories import Memories
from .program import decode

__all__ = ["load", "run"]

#: Images computed together: their activations stay in the cache of one core.
_CHUNK = 1024


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
    program, config = decode(load(image), 0), image.config
    chunks = []
    for start in range(0, max(len(x), 1), _CHUNK):
        part = x[start : start + _CHUNK]
        act = np.zeros((len(part), config.act_depth * config.lanes), np.uint8)
        act[:, : x.shape[1]] = to_offset(part)
        chunks.append(program.run(act, 0))
    return [
        from_offset(np.concatenate(ys)[:, : layer.outputs])
        for layer, ys in zip(image.model.emitted, zip(*chunks, strict=True), strict=True)
    ]
