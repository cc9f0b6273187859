"""What runs ask of the engine: the input of the cycle model."""

import numpy as np

from celosia.compiler.image import Image
from celosia.model.program import Layer, Program, decode
from celosia.model.run import load
from celosia.numerics.offset_binary import to_offset
from celosia.ops import OPERATIONS
from celosia.spec import Config

from .cycles import LayerLoad, RunLoad

__all__ = ["dense_load", "layer_load", "run_loads"]


def run_loads(
    image: Image, x: np.ndarray, batch: int | None = None, skip: bool = True
) -> list[RunLoad]:
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
    assert isinstance(program, Program)
    for start in range(0, len(x), 1024 // batch * batch or batch):
        part = x[start : start + (1024 // batch * batch or batch)]
        act = np.zeros((len(part), config.act_depth * config.lanes), np.uint8)
        act[:, : x.shape[1]] = to_offset(part)
        of_part: list[np.ndarray] = []

        def count(layer: Layer, u: np.ndarray, out: list = of_part) -> None:
            d = layer.descriptor
            out.append(OPERATIONS[d["op"]].word_bytes_needed(d, config, u, batch))

        program.run(act, 0, count)
        counts.append(of_part)
    layers = [np.concatenate(of_layer) for of_layer in zip(*counts, strict=True)]
    runs = []
    for index, start in enumerate(range(0, len(x), batch)):
        needed = [tuple(of_layer[index].tolist()) for of_layer in layers] if skip else None
        runs.append(_run(image, min(batch, len(x) - start), needed))
    return runs


def dense_load(image: Image, images: int) -> RunLoad:
    """A run of ``images`` in which no byte is 0, or none is skipped: the slowest there is."""
    return _run(image, images, None)


def layer_load(
    d: dict[str, int], config: Config, needed: tuple[int, ...] | None = None
) -> LayerLoad:
    """What the layer of descriptor ``d`` asks of the engine.

    Parameters
    ----------
    needed : bytes to multiply of each word (`Operation.word_bytes_needed`); all when None.
    """
    operation = OPERATIONS[d["op"]]
    every = operation.word_bytes(d, config)
    return LayerLoad(
        lead=1 if d["waits"] else None,
        tiles=d["tiles"],
        store=bool(d["store"]),
        emit=bool(d["emit"]),
        needed=every if needed is None else needed,
        bytes_in=sum(every),
    )


def _run(image: Image, images: int, needed: list[tuple[int, ...]] | None) -> RunLoad:
    layers = tuple(
        layer_load(d, image.config, needed[index] if needed else None)
        for index, d in enumerate(image.descriptors())
    )
    return RunLoad(images, image.input_words, layers)
