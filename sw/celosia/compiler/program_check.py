"""Whether a program fits its model and stays inside the memories: what a file may get wrong."""

import numpy as np

from celosia.ops import OPERATIONS
from celosia.ops.window_walk import WindowWalk, kernel_taps, params_read, weights_read
from celosia.spec import Config, Memory

from .metadata import ModelInfo

__all__ = ["check_dense", "check_maps"]

#: Unpacked legal descriptors.
_Program = list[dict[str, int]]
#: Addresses of one descriptor, taps times bytes times pixels, beyond which it is refused.
_MOST = 1 << 27


def check_dense(
    model: ModelInfo, program: _Program, config: Config, depths: dict[Memory, int], base: int
) -> None:
    """One descriptor a layer that stays inside the sections and fits the model.

    Parameters
    ----------
    depths : records in each section.
    base : first word of the second input bank.

    Raises
    ------
    ValueError : naming the descriptor and what is wrong with it.
    """
    if len(program) != len(model.layers):
        raise ValueError(f"{len(program)} descriptors for {len(model.layers)} layers")
    for index, (d, layer) in enumerate(zip(program, model.layers, strict=True)):
        operation = OPERATIONS[d["op"]]
        agree = operation.agrees(d, layer.inputs, layer.outputs, layer.macs, config) | {
            "emitted": d["emit"] == layer.emitted,
            "weights": operation.weights_read(d, config).stop <= depths[Memory.WEIGHTS],
            "params": d["params"] + d["tiles"] * config.params_per_tile <= depths[Memory.PARAMS],
            "src": all(
                words.stop <= config.act_depth for words in operation.reads(d, config, base)
            ),
            "dst": operation.writes(d, config).stop <= config.act_depth,
        }
        _refuse(index, agree | _common(d, index, program, depths))


def check_maps(
    model: ModelInfo,
    program: _Program,
    config: Config,
    depths: dict[Memory, int],
    layout: dict[str, int],
) -> None:
    """Descriptors that stay inside the sections and make what the model says.

    Parameters
    ----------
    layout : `celosia.spec.INPUT_LAYOUT`, unpacked.

    Raises
    ------
    ValueError : naming the descriptor or the layer and what is wrong with it.
    """
    if not program or depths[Memory.LAYOUT] != 1:
        raise ValueError(f"{len(program)} descriptors and {depths[Memory.LAYOUT]} input layouts")
    if 2 * layout["length"] > config.act_depth:
        raise ValueError(f"two input banks of {layout['length']} words for {config.act_depth}")
    if len(model.kernels) != len(program):
        raise ValueError(f"{len(program)} descriptors of {len(model.kernels)} kernels")
    made = {piece.descriptor for layer in model.emitted for piece in layer.pieces}
    images = program[0]["images"]
    for index, d in enumerate(program):
        taps = kernel_taps(d) * (d["tap_words"] + d["tiles"]) * config.lanes
        if d["steps"] * config.rows * taps > _MOST:
            raise ValueError(f"descriptor {index} reads too much")
        walk = WindowWalk(d, config, layout["length"], 1)
        read = walk.addresses[walk.inside]
        _, written, _ = walk.stores(config.rows)
        agree = {
            "emitted": d["emit"] == (index in made),
            "images": d["images"] == images,
            "weights": weights_read(d, config).stop <= depths[Memory.WEIGHTS],
            "params": params_read(d, config).stop <= depths[Memory.PARAMS],
            "start": bool((read % config.slots < config.lanes).all())
            and int(read.max(initial=0)) < config.act_depth * config.slots,
            "dst": not d["store"] or int(written.max(initial=0)) < config.act_depth,
        }
        _refuse(index, agree | _common(d, index, program, depths))
    for layer in model.emitted:
        if not layer.pieces:
            raise ValueError(f"layer {layer.name!r} is emitted, but nothing makes it")
        for piece in layer.pieces:
            if piece.descriptor >= len(program):
                raise ValueError(f"layer {layer.name!r} is made by descriptor {piece.descriptor}")
            walk = WindowWalk(program[piece.descriptor], config, 0, 1)
            pixels = len(walk.pixels[0]) / model.images_per_row
            size = program[piece.descriptor]["tiles"] * walk.tile_words * config.lanes
            _, places = piece.channels()
            if int(np.prod(piece.size)) != pixels or int(places.max()) >= size:
                raise ValueError(f"layer {layer.name!r} is not what its descriptors make")


def _common(
    d: dict[str, int], index: int, program: _Program, depths: dict[Memory, int]
) -> dict[str, bool]:
    return {
        "last": d["last"] == (index == len(program) - 1),
        "table": not d["use_table"] or d["table"] < depths[Memory.TABLES] // 256,
    }


def _refuse(index: int, agree: dict[str, bool]) -> None:
    for what, good in agree.items():
        if not good:
            raise ValueError(f"descriptor {index} contradicts the model: {what}")
