"""What runs ask of the engine: the input of the cycle model."""

import numpy as np

from celosia.compiler.image import Image
from celosia.compiler.transfer import rows_used
from celosia.model.map_inputs import store_input
from celosia.model.map_layer import Fed, MapLayer
from celosia.model.map_program import MapProgram
from celosia.model.program import Layer, Program, decode
from celosia.model.run import load
from celosia.numerics.offset_binary import to_offset
from celosia.ops import OPERATIONS
from celosia.ops.window_walk import kernel_taps, tile_weights
from celosia.spec import Config, Op

from .cycles import LayerLoad, MapLoad, RunLoad

__all__ = ["dense_load", "layer_load", "map_load", "run_loads"]


def run_loads(
    image: Image, x: np.ndarray, batch: int | None = None, skip: bool = True
) -> list[RunLoad]:
    """The runs that `celosia.driver.Device.run` makes of ``x``.

    Parameters
    ----------
    image : a compiled program.
    x : int8 [n, K].
    batch : images computed together; `Image.batch` when None.
    skip : whether zero bytes are skipped.

    Returns
    -------
    list of `RunLoad`, one for each ``batch`` images, the last perhaps with fewer.
    """
    config = image.config
    batch = batch or image.batch
    x = image.check_input(x)
    program = decode(load(image), 0)
    if isinstance(program, MapProgram):
        parts = (image.pack_input(x[start : start + batch]) for start in range(0, len(x), batch))
        return [_map_run(image, program, part, skip) for part in parts]
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


def map_load(
    d: dict[str, int], config: Config, needed: tuple[tuple[int, ...], ...] | None = None
) -> MapLoad:
    """What the layer of descriptor ``d``, of a map, asks of the engine.

    Parameters
    ----------
    needed : bytes to multiply of each word of each tap, pixel by pixel; all when None.
    """
    depthwise = d["op"] == Op.DEPTHWISE
    if needed is None:
        tap = (config.lanes,) * (d["tap_words"] - 1) + (d["tail"],)
        needed = (tap * kernel_taps(d),) * d["steps"]
    return MapLoad(
        tiles=d["tiles"],
        store=bool(d["store"]),
        emit=bool(d["emit"]),
        depthwise=depthwise,
        images=bool(d["images"]),
        rows_used=d["rows_used"],
        rows_full=d["rows_full"],
        tap_words=d["tap_words"],
        wait=d["wait"] if d["waits"] else None,
        wait_step=d["wait_step"],
        needed=needed,
        bytes_in=tile_weights(d, config),
    )


def _map_run(image: Image, program: MapProgram, words: np.ndarray, skip: bool) -> RunLoad:
    """One run of an engine with convolution on ``words`` uint8 [rows, words, lanes]."""
    config = image.config
    act = np.zeros((1, config.rows, config.act_depth, config.lanes), np.uint8)
    if image.stripes:
        store_input(act, words, image.input_layout, base=0)
    else:
        act[0, : len(words), : words.shape[1]] = words
    layers = []

    def count(layer: MapLayer, fed: Fed) -> None:
        needed = tuple(map(tuple, fed.needed(skip)[0].tolist()))
        layers.append(map_load(layer.descriptor, config, needed))

    program.run(act, 0, len(words), count)
    return RunLoad(len(words), image.input_words, tuple(layers))


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
    if image.config.convolution:
        maps = tuple(map_load(d, image.config) for d in image.descriptors())
        return RunLoad(rows_used(image.model, images), image.input_words, maps)
    layers = tuple(
        layer_load(d, image.config, needed[index] if needed else None)
        for index, d in enumerate(image.descriptors())
    )
    return RunLoad(images, image.input_words, layers)
