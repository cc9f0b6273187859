"""A float network in the one form that every importer brings its file to, and its own file."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from pathlib import Path

import numpy as np

from celosia.support.errors import CelosiaError, located
from celosia.support.files import atomic_write, read

from .functions import Function, X, from_text

__all__ = ["FloatLayer", "FloatNetwork"]

#: Name of a network whose file or maker gives none.
_NAME = "mlp"


@dataclass(frozen=True, eq=False)
class FloatLayer:
    """``y = function(x @ weights + bias)``.

    Parameters
    ----------
    weights : float [K, N]. bias : float [N]. Kept as read-only float32 copies.
    function : of each element; `X` for none.
    origin : what the file calls it, for messages.

    Raises
    ------
    CelosiaError : shapes that do not fit, or a value that is not a finite float32.
    """

    weights: np.ndarray
    bias: np.ndarray
    function: Function = X
    origin: str = ""

    def __post_init__(self) -> None:
        weights = _tensor(self.weights, 2, "weights", self.origin)
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "bias", _tensor(self.bias, 1, "biases", self.origin))
        if self.weights.shape[1] != len(self.bias):
            raise CelosiaError(
                f"weights have {self.weights.shape[1]} outputs but biases {len(self.bias)}",
                where=self.origin,
            )


@dataclass(frozen=True, eq=False)
class FloatNetwork:
    """Layers in a row, then optionally a softmax, which the host computes.

    Layer `k` is called ``dense_{k}`` from here on, so that a network and the program made of it do
    not depend on the format they came in; `FloatLayer.origin` keeps the file's own name.
    `from_arrays` makes one of weights and biases.

    Parameters
    ----------
    name : shown in messages; of the quantized graph, too.
    layers : at least one; each takes what the one before gives.
    input_shape, output_shape : without the batch axis; () stands for a plain vector.
    final : "" or, after the last layer, "softmax" or "log_softmax" over all outputs.
    notes : remarks for the user, one line each.
    passed : (operator, what became of it) of those in the file that cost nothing.

    Raises
    ------
    CelosiaError : there is no layer, one does not take what the one before gives, or a shape does
        not hold as many values.
    """

    name: str
    layers: tuple[FloatLayer, ...]
    input_shape: tuple[int, ...] = ()
    output_shape: tuple[int, ...] = ()
    final: str = ""
    notes: tuple[str, ...] = ()
    passed: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not self.layers:
            raise CelosiaError("the model has no linear layer", where=self.name)
        for k, (before, after) in enumerate(pairwise(self.layers)):
            if before.weights.shape[1] != after.weights.shape[0]:
                raise CelosiaError(
                    f"{before.weights.shape[1]} outputs, but {after.origin or f'layer {k + 1}'} "
                    f"takes {after.weights.shape[0]} inputs",
                    where=before.origin or f"layer {k}",
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
    def from_arrays(
        cls,
        weights: Sequence[np.ndarray],
        biases: Sequence[np.ndarray],
        activations: Sequence[str],
        name: str = _NAME,
    ) -> "FloatNetwork":
        """Dense layers in a row: ``x = activation(x @ weights[k] + biases[k])``, k = 0, 1, ...

        Parameters
        ----------
        weights : per layer float [K, N]; `K` equals the `N` of the layer before.
        biases : per layer float [N].
        activations : per layer "relu" or "none"; or a text of `functions.to_text`.

        Raises
        ------
        CelosiaError : no layers, lengths or shapes that do not fit, an unknown activation, or a
            value that is not a finite float32.
        """
        counts = len(weights), len(biases), len(activations)
        if not counts[0] or len(set(counts)) > 1:
            raise CelosiaError(
                "{} weights, {} biases and {} activations".format(*counts),
                where="model",
                todo="give one of each per layer, and at least one layer",
            )
        layers = []
        for k, (w, b, text) in enumerate(zip(weights, biases, activations, strict=True)):
            with located(f"layer {k}"):
                layers.append(FloatLayer(w, b, from_text(str(text))))
        return cls(name, tuple(layers))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of inputs, then of every layer's outputs."""
        return (self.layers[0].weights.shape[0], *(len(layer.bias) for layer in self.layers))

    @property
    def macs(self) -> int:
        """Multiplications of one inference."""
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

    def predict(self, x: np.ndarray) -> np.ndarray:
        """The class with the largest result, the first of equals: int64 [n]."""
        y = self.forward(x)
        return y.reshape(len(y), -1).argmax(axis=1)

    def to_bytes(self) -> bytes:
        """The content of an .npz file (`float_file.to_bytes`)."""
        from .float_file import to_bytes  # it builds on this module

        return to_bytes(self)

    def save(self, path: Path | str) -> None:
        """Write an .npz file, whole or not at all.

        Raises
        ------
        CelosiaError : it cannot be written.
        """
        atomic_write(path, self.to_bytes())

    @classmethod
    def load(cls, path: Path | str) -> "FloatNetwork":
        """Read what `save` wrote; nothing in the file is executed.

        Raises
        ------
        CelosiaError : no such file, cut short, damaged, or not a valid model.
        """
        from .float_file import from_bytes

        data = read(path)
        with located(str(path)):
            return from_bytes(data)


def _tensor(value: np.ndarray, ndim: int, what: str, where: str) -> np.ndarray:
    """A read-only float32 copy of ``value``, checked to have ``ndim`` non-empty axes and be
    finite."""
    value = np.asarray(value)
    if value.dtype.kind != "f" or value.ndim != ndim or not value.size:
        raise CelosiaError(
            f"{what} are {value.dtype} {list(value.shape)}, not float with {ndim} non-empty axes",
            where=where,
        )
    with np.errstate(over="ignore"):
        value = np.array(value, np.float32, order="C")
    if not np.isfinite(value).all():
        at = [int(axis[0]) for axis in np.nonzero(~np.isfinite(value))]
        raise CelosiaError(
            f"{what} hold {value[tuple(at)]} at {at}", where=where, todo="train the model again"
        )
    value.flags.writeable = False
    return value
