"""What the host does before and after the engine, and how files keep it."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from math import prod
from typing import Any

import numpy as np

from celosia.numerics.quant import Quant
from celosia.support.errors import CelosiaError

from . import steps

__all__ = ["HostSteps", "Step"]

Step = Callable[[np.ndarray], np.ndarray]

_DTYPES = ("int8", "uint8", "float32")
#: No model has more steps or axes.
_MOST = 8
#: Fields of steps that are lists, and of what.
_LISTS = {"scale": float, "shift": float, "shape": int, "axes": int}


@dataclass(frozen=True, kw_only=True)
class HostSteps:
    """``int8 = prepare(x)`` and ``y = finish(int8)``, from a model's own input to its own output.

    Parameters
    ----------
    pre, post : steps of `celosia.network.steps`, in order.
    input_shape, output_shape : of one image and one result, without the batch axis.
    input_dtype, output_dtype : "int8", "uint8" or "float32".
    """

    pre: tuple[Step, ...] = ()
    post: tuple[Step, ...] = ()
    input_shape: tuple[int, ...] = ()
    input_dtype: str = "int8"
    output_shape: tuple[int, ...] = ()
    output_dtype: str = "int8"

    def prepare(self, x: np.ndarray, where: str = "model") -> np.ndarray:
        """The engine's input, int8 [n, K].

        Parameters
        ----------
        x : `input_dtype` [n, *input_shape], or with axes that flatten to [n, K].
        where : named in errors.

        Raises
        ------
        CelosiaError : another dtype or width, or a real that is not finite.
        """
        x, width = np.asarray(x), prod(self.input_shape)
        # float64 is what Python's own numbers make; narrowing it is no surprise.
        kinds = ("float32", "float64") if self.input_dtype == "float32" else (self.input_dtype,)
        if x.dtype.name not in kinds:
            todo = ""
            if self.input_dtype == "float32" and x.dtype.kind in "iu":
                todo = "give it as float32, scaled as the model was trained"
            raise CelosiaError(
                f"input is {x.dtype}, not {self.input_dtype}", where=where, todo=todo
            )
        if x.ndim < 2 or prod(x.shape[1:]) != width:
            shape = ", ".join(map(str, ("n", *self.input_shape)))
            raise CelosiaError(f"input is {list(x.shape)}, not [{shape}]", where=where)
        x = x.reshape(len(x), width)
        for step in self.pre:
            x = step(x)
        return x

    def finish(self, y: np.ndarray) -> np.ndarray:
        """The model's result, `output_dtype` [n, *output_shape], of the engine's int8 [n, N]."""
        for step in self.post:
            y = step(y)
        return y.reshape(len(y), *self.output_shape)

    def to_dict(self) -> dict:
        """Numbers, strings, lists and dicts only."""
        return {
            "pre": [_plain(step) for step in self.pre],
            "post": [_plain(step) for step in self.post],
            "input_shape": list(self.input_shape),
            "input_dtype": self.input_dtype,
            "output_shape": list(self.output_shape),
            "output_dtype": self.output_dtype,
        }

    @classmethod
    def from_dict(cls, values: dict) -> "HostSteps":
        """The inverse of `to_dict`.

        Raises
        ------
        ValueError, TypeError, KeyError : it is none.
        """
        values = dict(values)
        for name in ("pre", "post", "input_shape", "output_shape"):
            if type(values[name]) is not list or len(values[name]) > _MOST:
                raise ValueError(f"{name} is no list of at most {_MOST}")
        for name in ("pre", "post"):
            values[name] = tuple(_step(each) for each in values[name])
        for name in ("input_shape", "output_shape"):
            if not all(type(size) is int and size > 0 for size in values[name]):
                raise ValueError(f"{name} = {values[name]}")
            values[name] = tuple(values[name])
        for name in ("input_dtype", "output_dtype"):
            if values[name] not in _DTYPES:
                raise ValueError(f"{name} = {values[name]!r}")
        made = cls(**values)
        made._check_types()
        made._check_widths()
        return made

    def _check_widths(self) -> None:
        """Steps that know how many values they take are given as many."""
        for done, shape in ((self.pre, self.input_shape), (self.post, self.output_shape)):
            for step in done:
                width = getattr(step, "width", prod(shape))
                if width != prod(shape):
                    raise ValueError(f"{type(step).__name__} takes {width} values")

    def _check_types(self) -> None:
        """Each step takes what comes before it."""
        dtype = self.input_dtype
        for step in self.pre:
            dtype = _follow(step, dtype)
        if dtype != "int8":
            raise ValueError(f"the engine would be given {dtype}")
        for step in self.post:
            dtype = _follow(step, dtype)
        if dtype != self.output_dtype:
            raise ValueError(f"the output would be {dtype}, not {self.output_dtype}")


def _follow(step: Step, dtype: str) -> str:
    takes = getattr(step, "from_dtype", "float32")
    if dtype != takes:
        raise ValueError(f"{type(step).__name__} takes {takes}, not {dtype}")
    return getattr(step, "dtype", "float32")


def _plain(step: Step) -> dict:
    values: dict[str, Any] = {"step": type(step).__name__}
    for name, value in vars(step).items():
        if isinstance(value, tuple):
            value = list(value)
        values[name] = value.to_dict() if isinstance(value, Quant) else value
    return values


def _step(values: dict) -> Step:
    values = dict(values)
    name = values.pop("step")
    if name not in steps.__all__:
        raise ValueError(f"host step {name!r} is unknown")
    kind = getattr(steps, name)
    if set(values) != {each.name for each in fields(kind)}:
        raise ValueError(f"{name} of {sorted(values)}")
    for key, value in values.items():
        if key in ("input", "output"):
            values[key] = Quant.from_dict(value, highest=255)
        elif key in ("dtype", "from_dtype"):
            if value not in _DTYPES:
                raise ValueError(f"{key} = {value!r}")
        elif key in _LISTS:
            if type(value) is not list or {*map(type, value)} - {_LISTS[key]}:
                raise ValueError(f"{key} is no list of {_LISTS[key].__name__}")
            values[key] = tuple(value)
        elif type(value) not in (bool, float):
            raise ValueError(f"{key} = {value!r}")
    return kind(**values)
