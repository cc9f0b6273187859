"""A model's own inputs and results, around the int8 that an engine takes and gives."""

from collections.abc import Sequence
from math import prod

import numpy as np
from numpy.typing import ArrayLike

from celosia.compiler.image import Image
from celosia.network.steps import Scale
from celosia.support.errors import CelosiaError

__all__ = ["classes", "finish", "finish_heads", "prepare"]


def prepare(image: Image, x: ArrayLike, where: str = "") -> np.ndarray:
    """The engine's input, int8 [n, K].

    Parameters
    ----------
    x : what the model takes: with host steps in the image as
        `celosia.network.host_steps.HostSteps.prepare` says; without, for the program
        of a bare graph, int8 [n, K], or float [n, K], which is quantized with the input's scale.
        Axes that flatten to K are welcome, and so is n = 0.
    where : named in errors; the model's name when empty.

    Raises
    ------
    CelosiaError : another dtype or width, or a real that is not finite.
    """
    model, where = image.model, where or image.model.name
    x = np.asarray(x)
    if model.host is not None:
        return model.host.prepare(x, where)
    if x.dtype != np.int8 and x.dtype.kind != "f":
        raise CelosiaError(
            f"input is {x.dtype}, neither int8 nor float", where=where, todo="scale or quantize it"
        )
    if x.ndim < 2 or prod(x.shape[1:]) != model.inputs:
        raise CelosiaError(f"input is {list(x.shape)}, not [n, {model.inputs}]", where=where)
    x = x.reshape(len(x), model.inputs)
    if x.dtype == np.int8:
        return x
    if not np.isfinite(x).all():
        at = [int(axis[0]) for axis in np.nonzero(~np.isfinite(x))]
        raise CelosiaError(f"{x[tuple(at)]} at {at}", where=where, todo="check the inputs")
    return model.input.quantize(x)


def classes(image: Image, y: np.ndarray) -> np.ndarray:
    """int64 [n]: the class with the largest of the engine's int8 results [n, N], the first of
    equals; with the largest of the model's own results where the host scales each by itself."""
    host = image.model.host
    if host is not None and any(isinstance(step, Scale) for step in host.post):
        y = host.finish(y).reshape(len(y), -1)
    return y.argmax(axis=1)


def finish(image: Image, y: np.ndarray) -> np.ndarray:
    """The model's output, its first head, of the engine's int8 [n, N]: with host steps in the image
    as `celosia.network.host_steps.HostSteps.finish` says, else ``y`` itself."""
    return image.model.results[0].finish(y)


def finish_heads(image: Image, results: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """All results of the model by name, of the engine's int8 [n, N] for each head."""
    heads = image.model.results
    return {head.name: head.finish(y) for head, y in zip(heads, results, strict=True)}
