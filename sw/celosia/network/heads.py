"""The results of a model: most have one, some several."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from celosia.numerics.quant import Quant

__all__ = ["Head", "Step", "named"]

Step = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Head:
    """One of a model's results, ``y = finish(int8)`` of what the engine gives.

    Parameters
    ----------
    name : as the model file calls it; no two heads of a model share one.
    post : steps of `celosia.network.steps`, in order.
    shape : of one result, without the batch axis.
    dtype : "int8", "uint8" or "float32".
    """

    name: str
    post: tuple[Step, ...] = ()
    shape: tuple[int, ...] = ()
    dtype: str = "int8"

    def finish(self, y: np.ndarray) -> np.ndarray:
        """The result, `dtype` [n, *shape], of the engine's int8 [n, N]."""
        for step in self.post:
            y = step(y)
        return y.reshape(len(y), *self.shape)

    def quant(self, engine: Quant) -> Quant | None:
        """Quantization of the result, where ``engine`` is that of the engine's; None of reals."""
        if self.dtype == "float32":
            return None
        return getattr(self.post[-1], "output", None) if self.post else engine

    def describe(self, engine: Quant) -> dict:
        """Name, shape, type, scale and zero point, for people and JSON; None of reals."""
        quant = self.quant(engine)
        return {
            "name": self.name,
            "shape": list(self.shape),
            "dtype": self.dtype,
            "scale": None if quant is None else quant.scale,
            "zero_point": None if quant is None else quant.zero_point,
        }


def named(given: Sequence[Head] | None, layers: Sequence[tuple[str, int]]) -> tuple[Head, ...]:
    """The heads of a model, each with a name.

    Parameters
    ----------
    given : the heads, "" for the name of the layer; None for what the engine gives, as it is.
    layers : name and number of values of the layer that makes each head.

    Raises
    ------
    ValueError : another number of heads or values, or two heads of one name.
    """
    if given is None:
        return tuple(Head(name=name, shape=(count,)) for name, count in layers)
    if len(given) != len(layers):
        raise ValueError(f"{len(given)} outputs for {len(layers)} results")
    heads = tuple(
        replace(head, name=head.name or name) for head, (name, _) in zip(given, layers, strict=True)
    )
    for head, (_, count) in zip(heads, layers, strict=True):
        if prod(head.shape) != count:
            raise ValueError(f"output shape {list(head.shape)} does not hold {count} values")
    names = [head.name for head in heads]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two outputs are called {name!r}")
    return heads
