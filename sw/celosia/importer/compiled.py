"""From a model of any kind, or the path of its file, to a program image: `celosia.compile`."""

from os import PathLike
from pathlib import Path

import numpy as np

from celosia.compiler import compile as compile_network
from celosia.compiler.image import Image
from celosia.numerics.runtime import Runtime
from celosia.spec import Config

from .load import Model, load_model, to_network

__all__ = ["compile"]


def compile(
    model: "Model | str | PathLike[str]",
    config: Config,
    emit_all: bool = False,
    *,
    calibration: np.ndarray | None = None,
    method: str = "mse",
    reference: Runtime | str | None = None,
) -> Image:
    """The program image of ``model`` for the engine ``config``.

    Parameters
    ----------
    model : a quantized network or graph, a float network, or the path of a file that `load_model`
        reads.
    config : the engine.
    emit_all : stream every layer's results to the host, to compare layer by layer.
    calibration, method : of a float model, as `to_network` takes them; others ignore them.
    reference : of a path or a float model, whose bytes it gives, as `load_model` and `to_network`
        take it.

    Raises
    ------
    DoesNotFit : a memory is too small.
    CelosiaError : the file cannot be read; a float model without ``calibration``; an accumulator
        could overflow, or a quantization is impossible.
    """
    if isinstance(model, str | PathLike):
        model = load_model(Path(model), reference)
    return compile_network(to_network(model, calibration, method, reference), config, emit_all)
