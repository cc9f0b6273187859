"""A float network in the one form that every importer brings its file to."""

from dataclasses import dataclass
from itertools import pairwise
from math import prod

import numpy as np

from celosia.support.errors import CelosiaError

from .functions import Function, X, clip
from .mlp import FloatMLP

__all__ = ["FloatLayer", "FloatNetwork"]


@dataclass(frozen=True, eq=False)
class FloatLayer:
    """``y = function(x @ weights + bias)``.

    Parameters
    ----------
    weights : float32 [K, N]. bias : float32 [N].
    function : of each element; `X` for none.
    origin : what the file calls it, for messages.
    """

    weights: np.ndarray
    bias: np.ndarray
    function: Function = X
    origin: str = ""

    def __post_init__(self):
        for what, ndim in (("weights", 2), ("bias", 1)):
            value = getattr(self, what)
            if value.ndim != ndim or not value.size:
                raise CelosiaError(f"{what} of shape {list(value.shape)}", where=self.origin)
            with np.errstate(over="ignore"):
                value = np.array(value, np.float32, order="C")
            if not np.isfinite(value).all():
                raise CelosiaError(
                    f"{what} hold a value that is no finite float32", where=self.origin
                )
            value.flags.writeable = False
            object.__setattr__(self, what, value)
        if self.weights.shape[1] != len(self.bias):
            raise CelosiaError(
                f"{self.weights.shape[1]} outputs but {len(self.bias)} biases", where=self.origin
            )


@dataclass(frozen=True, eq=False)
class FloatNetwork:
    """Layers in a row, then optionally a softmax, which the host computes.

    Layer `k` is called ``dense_{k}`` from here on, so that a network and the program made of it do
    not depend on the format they came in; `FloatLayer.origin` keeps the file's own name.

    Parameters
    ----------
    name : shown in messages.
    layers : at least one; each takes what the one before gives.
    input_shape, output_shape : without the batch axis; () stands for a plain vector.
    final : "" or, after the last layer, "softmax" or "log_softmax" over all outputs.
    notes : remarks for the user, one line each.
    passed : (operator, what became of it) of those in the file that cost nothing.
    """

    name: str
    layers: tuple[FloatLayer, ...]
    input_shape: tuple[int, ...] = ()
    output_shape: tuple[int, ...] = ()
    final: str = ""
    notes: tuple[str, ...] = ()
    passed: tuple[tuple[str, str], ...] = ()

    def __post_init__(self):
        if not self.layers:
            raise CelosiaError("the model has no linear layer", where=self.name)
        for before, after in pairwise(self.layers):
            if before.weights.shape[1] != after.weights.shape[0]:
                raise CelosiaError(
                    f"takes {after.weights.shape[0]} inputs, but the layer before gives "
                    f"{before.weights.shape[1]}",
                    where=after.origin,
                )
        for what, at in (("input_shape", 0), ("output_shape", -1)):
            shape = getattr(self, what) or (self.sizes[at],)
            if prod(shape) != self.sizes[at]:
                raise CelosiaError(
                    f"{what.replace('_', ' ')} {list(shape)} does not hold {self.sizes[at]} values",
                    where=self.name,
                )
            object.__setattr__(self, what, tuple(shape))

    @classmethod
    def of(cls, mlp: FloatMLP, name: str = "mlp") -> "FloatNetwork":
        """The same function as ``mlp``."""
        functions = {"relu": clip(0), "none": X}
        parts = zip(mlp.weights, mlp.biases, mlp.activations, strict=True)
        return cls(name, tuple(FloatLayer(w, b, functions[act]) for w, b, act in parts))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of inputs, then of every layer's outputs."""
        return (self.layers[0].weights.shape[0], *(len(layer.bias) for layer in self.layers))

    @property
    def macs(self) -> int:
        return sum(layer.weights.size for layer in self.layers)

    def layer_outputs(self, x: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Every layer's sums and what its function makes of them.

        Parameters
        ----------
        x : float [n, *input_shape], or with axes that flatten to that width. Integers are refused,
            for raw 0..255 pixels taken for 0..1 would give nonsense without a word.

        Returns
        -------
        Per layer two float32 [n, N]; without a function they are the same array.

        Raises
        ------
        CelosiaError : ``x`` is not float, or not that wide.
        """
        x = np.asarray(x)
        if x.dtype.kind != "f":
            raise CelosiaError(
                f"input is {x.dtype}, not float",
                where="model input",
                todo="give it as float32, scaled as the model was trained",
            )
        width = self.sizes[0]
        if x.ndim < 2 or prod(x.shape[1:]) != width:
            raise CelosiaError(f"input is {list(x.shape)}, not [n, {width}]", where="model input")
        x, outputs = x.reshape(len(x), width).astype(np.float32), []
        for layer in self.layers:
            sums = x @ layer.weights + layer.bias
            x = sums if layer.function == X else layer.function(sums).astype(np.float32)
            outputs.append((sums, x))
        return outputs

    def forward(self, x: np.ndarray) -> np.ndarray:
        """The model's result, float32 [n, *output_shape], for ``x`` as in `layer_outputs`."""
        from .steps import FloatSoftmax  # host steps build on this module's own users

        y = self.layer_outputs(x)[-1][1]
        if self.final:
            y = FloatSoftmax(log=self.final == "log_softmax")(y)
        return y.reshape(len(y), *self.output_shape)
