"""A float multi-layer perceptron: what training gives and quantization starts from."""

import io
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from celosia.support.errors import CelosiaError
from celosia.support.files import atomic_write, read

__all__ = ["FloatMLP"]

_APPLY = {"relu": lambda x: np.maximum(x, 0), "none": lambda x: x}
_TODO = "save the model again"


@dataclass(frozen=True, eq=False)
class FloatMLP:
    """Dense layers in a row: ``x = activation(x @ weights[k] + biases[k])`` for k = 0, 1, ...

    Parameters
    ----------
    weights : per layer float [in, out]; `in` equals the `out` of the layer before.
    biases : per layer float [out].
    activations : per layer "relu" or "none".

    All are kept as tuples, the arrays as read-only float32 copies.

    Raises
    ------
    CelosiaError : no layers, lengths or shapes that do not fit, an unknown activation, or a value
        that is not a finite float32.
    """

    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]
    activations: tuple[str, ...]

    def __post_init__(self):
        weights = tuple(_tensor(w, 2, f"weights[{k}]") for k, w in enumerate(self.weights))
        biases = tuple(_tensor(b, 1, f"biases[{k}]") for k, b in enumerate(self.biases))
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "biases", biases)
        object.__setattr__(self, "activations", tuple(str(name) for name in self.activations))
        self._check()

    def _check(self):
        counts = len(self.weights), len(self.biases), len(self.activations)
        if not counts[0] or len(set(counts)) > 1:
            raise CelosiaError(
                "{} weights, {} biases and {} activations".format(*counts),
                where="model",
                todo="give one of each per layer, and at least one layer",
            )
        for k, (w, b, name) in enumerate(
            zip(self.weights, self.biases, self.activations, strict=True)
        ):
            if w.shape[1] != len(b):
                raise CelosiaError(
                    f"weights have {w.shape[1]} outputs but biases {len(b)}", where=f"layer {k}"
                )
            if name not in _APPLY:
                raise CelosiaError(
                    f"activation {name!r} is unknown",
                    where=f"layer {k}",
                    todo="use " + " or ".join(_APPLY),
                )
        for k, (w, after) in enumerate(pairwise(self.weights)):
            if w.shape[1] != after.shape[0]:
                raise CelosiaError(
                    f"{w.shape[1]} outputs, but layer {k + 1} takes {after.shape[0]} inputs",
                    where=f"layer {k}",
                )

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of inputs, then of every layer's outputs: (784, 128, 64, 10) for the demo."""
        return (self.weights[0].shape[0], *(len(b) for b in self.biases))

    def layer_outputs(self, x: np.ndarray) -> list[np.ndarray]:
        """Every layer's output, after its activation.

        Parameters
        ----------
        x : float [n, in], or with more axes that flatten to [n, in]. Integers are refused, for
            raw 0..255 pixels taken for 0..1 would give nonsense without a word.

        Returns
        -------
        Per layer float32 [n, out]; the last one is `forward`.

        Raises
        ------
        CelosiaError : `x` is not float, or not that wide.
        """
        x = np.asarray(x)
        if x.dtype.kind != "f":
            raise CelosiaError(
                f"input is {x.dtype}, not float",
                where="model input",
                todo="scale pixels with celosia.demo.scaled",
            )
        width = self.sizes[0]
        if x.ndim < 2 or int(np.prod(x.shape[1:])) != width:
            raise CelosiaError(f"input is {list(x.shape)}, not [n, {width}]", where="model input")
        x = x.reshape(len(x), width).astype(np.float32)
        outputs = []
        for w, b, name in zip(self.weights, self.biases, self.activations, strict=True):
            x = _APPLY[name](x @ w + b)
            outputs.append(x)
        return outputs

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Logits, float32 [n, out], for `x` as in `layer_outputs`."""
        return self.layer_outputs(x)[-1]

    def predict(self, x: np.ndarray) -> np.ndarray:
        """The class with the largest logit, the first of equals: int64 [n]."""
        return self.forward(x).argmax(axis=1)

    def to_bytes(self) -> bytes:
        """The content of an .npz file: ``weights_0``, ``biases_0``, ... and ``activations``."""
        arrays = {f"weights_{k}": w for k, w in enumerate(self.weights)}
        arrays |= {f"biases_{k}": b for k, b in enumerate(self.biases)}
        file = io.BytesIO()
        np.savez(file, activations=np.array(self.activations), **arrays)
        return file.getvalue()

    def save(self, path: Path | str) -> None:
        """Write an .npz file, whole or not at all.

        Raises
        ------
        CelosiaError : it cannot be written.
        """
        atomic_write(path, self.to_bytes())

    @classmethod
    def load(cls, path: Path | str) -> "FloatMLP":
        """Read what `save` wrote; nothing in the file is executed.

        Raises
        ------
        CelosiaError : no such file, cut short, damaged, or not a valid model.
        """
        raw = read(path)
        try:
            # Damaged zip and npy data raises a dozen unrelated types, MemoryError among them.
            with np.load(io.BytesIO(raw), allow_pickle=False) as file:
                arrays = dict(file)
        except Exception as error:
            raise CelosiaError(
                "not an .npz file, or cut short or damaged", where=str(path), todo=_TODO
            ) from error
        try:
            return cls(*_from_arrays(arrays))
        except CelosiaError as error:
            where = f"{path}, {error.where}" if error.where else str(path)
            raise CelosiaError(error.what, where=where, todo=error.todo or _TODO) from error


def _from_arrays(arrays: dict[str, np.ndarray]) -> tuple[list, list, list]:
    names = arrays.pop("activations", None)
    if names is None or names.ndim != 1 or names.dtype.kind != "U":
        raise CelosiaError("no list of activations in the file")
    count = range(len(names))
    expected = [f"weights_{k}" for k in count] + [f"biases_{k}" for k in count]
    if wrong := sorted(set(expected) ^ set(arrays)):
        state = "missing" if wrong[0] in expected else "unexpected"
        raise CelosiaError(f"{wrong[0]!r} is {state} in a model of {len(names)} layers")
    tensors = [arrays[name] for name in expected]
    return tensors[: len(names)], tensors[len(names) :], list(names)


def _tensor(value: np.ndarray, ndim: int, where: str) -> np.ndarray:
    """A read-only float32 copy of `value`, checked to have `ndim` non-empty axes and be finite."""
    value = np.asarray(value)
    if value.dtype.kind != "f" or value.ndim != ndim or not value.size:
        raise CelosiaError(
            f"{value.dtype} {list(value.shape)}, not float with {ndim} non-empty axes", where=where
        )
    with np.errstate(over="ignore"):
        value = np.array(value, np.float32, order="C")
    if not np.isfinite(value).all():
        at = [int(axis[0]) for axis in np.nonzero(~np.isfinite(value))]
        raise CelosiaError(f"{value[tuple(at)]} at {at}", where=where, todo="train the model again")
    value.flags.writeable = False
    return value
