"""A float network in the one form that every importer brings its file to, and its own file."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from pathlib import Path

import numpy as np

from celosia.support.errors import CelosiaError, located
from celosia.support.files import atomic_write, read

from .float_graph import FloatGraph
from .float_layers import FloatDense, FloatLayer
from .functions import from_text
from .graph import Reads

__all__ = ["FloatNetwork"]

#: Name of a network whose file or maker gives none.
_NAME = "mlp"


@dataclass(frozen=True, eq=False)
class FloatNetwork:
    """A whole model of reals as a user sees it: its input, the float graph, then optionally a
    softmax, which the host computes.

    Layer `k` is called by its kind and number, such as ``dense_{k}``, from here on, so that a
    network and the program made of it do not depend on the format they came in;
    `FloatLayer.origin` keeps the file's own name. `from_arrays` makes one of weights and biases.

    Parameters
    ----------
    name : shown in messages; of the quantized graph, too.
    layers, reads : of the `FloatGraph`; without ``reads`` a chain, whose last layer is the result.
    input_shape, output_shape : of the model's own input and result, without the batch axis; () for
        the graph's own, and for a plain vector.
    final : "" or, after the last layer, "softmax" or "log_softmax" over all outputs.
    notes : remarks for the user, one line each.
    passed : (operator, what became of it) of those in the file that cost nothing.
    input_axes : the axes of the model's input in the order of the graph's map: (1, 2, 0) of
        channels, height, width. () when that is its own order.
    output_axes : the axes of the last layer's map (height, width, channels) in the order of the
        model's result: (2, 0, 1) for channels first. () when that is its own order.

    Raises
    ------
    CelosiaError : there is no layer, one does not take what the one before gives, a shape does
        not hold as many values, or axes are no permutation.
    """

    name: str
    layers: tuple[FloatLayer, ...]
    input_shape: tuple[int, ...] = ()
    output_shape: tuple[int, ...] = ()
    final: str = ""
    notes: tuple[str, ...] = ()
    passed: tuple[tuple[str, str], ...] = ()
    # Never None once it is made.
    reads: Reads = field(default=None, kw_only=True)  # type: ignore[arg-type]
    input_axes: tuple[int, ...] = field(default=(), kw_only=True)
    output_axes: tuple[int, ...] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "reads", self.graph.reads)
        for what, at in (("input_shape", 0), ("output_shape", -1)):
            own = self.graph.shapes[at]
            # A vector, and a map of which nothing else is said, are what the graph has.
            shape = getattr(self, what) or (own if own[:2] != (1, 1) else own[2:])
            if prod(shape) != prod(own):
                raise CelosiaError(
                    f"{what.replace('_', ' ')} {list(shape)} does not hold {prod(own)} values",
                    where=self.name,
                )
            object.__setattr__(self, what, tuple(shape))
        for axes, count in ((self.input_axes, len(self.input_shape)), (self.output_axes, 3)):
            if axes and sorted(axes) != list(range(count)):
                raise CelosiaError(
                    f"axes {list(axes)} are no order of {count} axes", where=self.name
                )

    @cached_property
    def graph(self) -> FloatGraph:
        """Layers, and what each reads."""
        return FloatGraph(self.name, self.layers, self.reads)

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
                layers.append(FloatDense(w, b, function=from_text(str(text))))
        return cls(name, tuple(layers))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of the input's values, then of every layer's outputs."""
        return tuple(map(prod, self.graph.shapes))

    @property
    def macs(self) -> int:
        """Multiplications of one inference."""
        return self.graph.macs

    def prepare(self, x: np.ndarray) -> np.ndarray:
        """The graph's input, float32 [n, values] in the order (y, x, channel).

        Parameters
        ----------
        x : float [n, *input_shape], or with axes that flatten to that width. Integers are refused,
            for raw 0..255 pixels taken for 0..1 would give nonsense without a word.

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
        if self.input_axes:
            x = x.reshape(len(x), *self.input_shape)
            x = x.transpose(0, *(axis + 1 for axis in self.input_axes))
        return x.reshape(len(x), width).astype(np.float32)

    def layer_outputs(self, x: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Every layer's sums and what its function makes of them (`FloatGraph.evaluate`).

        Parameters
        ----------
        x : float [n, *input_shape], as `prepare` takes it.

        Returns
        -------
        Per layer two float32 [n, N]; without a function they are the same array.

        Raises
        ------
        CelosiaError : ``x`` is not float, or not that wide.
        """
        return self.graph.evaluate(self.prepare(x))

    def forward(self, x: np.ndarray) -> np.ndarray:
        """The model's result, float32 [n, *output_shape], for ``x`` as in `layer_outputs`."""
        from .steps import FloatSoftmax  # host steps build on this module's own users

        y = self.layer_outputs(x)[-1][1]
        if self.output_axes:
            y = y.reshape(len(y), *self.graph.shapes[-1])
            y = y.transpose(0, *(axis + 1 for axis in self.output_axes)).reshape(len(y), -1)
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
