"""What runs ask of the engine: the input of the cycle model."""

import numpy as np

from celosia.compiler.image import Image
from celosia.model.program import decode, input_bytes
from celosia.model.run import load
from celosia.numerics.offset_binary import to_offset
from celosia.spec import Config, ceil_div

from .cycles import LayerLoad, RunLoad

__all__ = ["dense_load", "run_loads"]


def run_loads(image: Image, x: np.ndarray, batch: int | None = None, skip: bool = True):
    """The runs that `celosia.driver.Device.run` makes of ``x``.

    Parameters
    ----------
    image : a compiled program.
    x : int8 [n, K].
    batch : images computed together; the engine's rows when None.
    skip : whether zero bytes are skipped.

    Returns
    -------
    list of `RunLoad`, one for each ``batch`` images, the last perhaps with fewer.
    """
    config = image.config
    batch = batch or config.rows
    x = image.check_input(x)
    counts: list[list[np.ndarray]] = []
    program = decode(load(image), 0)
    for start in range(0, len(x), 1024 // batch * batch or batch):
        part = x[start : start + (1024 // batch * batch or batch)]
        act = np.zeros((len(part), config.act_depth * config.lanes), np.uint8)
        act[:, : x.shape[1]] = to_offset(part)
        of_part: list[np.ndarray] = []
        program.run(act, 0, lambda layer, u, out=of_part: out.append(_needed(u, batch, config)))
        counts.append(of_part)
    layers = [np.concatenate(of_layer) for of_layer in zip(*counts, strict=True)]
    runs = []
    for index, start in enumerate(range(0, len(x), batch)):
        needed = [tuple(of_layer[index].tolist()) for of_layer in layers] if skip else None
        runs.append(_run(image, min(batch, len(x) - start), index % 2, needed))
    return runs


def dense_load(image: Image, images: int, bank: int = 0) -> RunLoad:
    """A run of ``images`` in which no byte is 0, or none is skipped: the slowest there is."""
    return _run(image, images, bank, None)


def _needed(u: np.ndarray, batch: int, config: Config) -> np.ndarray:
    """int [batches, words]: bytes of each word that are not 0 in every image of a batch."""
    images, k = u.shape
    batches, words = ceil_div(images, batch), ceil_div(k, config.lanes)
    nonzero = np.zeros((batches * batch, words * config.lanes), bool)
    nonzero[:images, :k] = u != 0
    by_batch = nonzero.reshape(batches, batch, words, config.lanes).any(axis=1)
    return by_batch.sum(axis=2)


def _run(image: Image, images: int, bank: int, needed: list[tuple[int, ...]] | None) -> RunLoad:
    config, words = image.config, image.input_words
    layers = []
    for index, d in enumerate(image.descriptors()):
        k = input_bytes(d, config.lanes)
        full = (config.lanes,) * (d["src_words"] - 1) + (d["tail"],)
        layers.append(
            LayerLoad(
                src=d["src"] + (bank * words if d["from_input"] else 0),
                dst=d["dst"],
                tiles=d["tiles"],
                store=bool(d["store"]),
                emit=bool(d["emit"]),
                needed=needed[index] if needed else full,
                bytes_in=k,
            )
        )
    return RunLoad(images, words, tuple(layers))
