"""What the host does before and after the engine, and how files keep it."""

from dataclasses import dataclass
from math import prod

import numpy as np

from celosia.support.errors import CelosiaError

from .heads import Head, Step
from .step_file import checked, follow, plain

__all__ = ["Head", "HostSteps", "Step"]

#: No model has more heads after the first.
_MOST_HEADS = 63
#: What every file has.
_REQUIRED = {"pre", "post", "input_shape", "input_dtype", "output_shape", "output_dtype"}


@dataclass(frozen=True, kw_only=True)
class HostSteps:
    """``int8 = prepare(x)`` and ``y = finish(int8)``, from a model's own input to its own output.

    The output is the first head; most models have no other.

    Parameters
    ----------
    pre, post : steps of `celosia.network.steps`, in order.
    input_shape, output_shape : of one image and one result, without the batch axis.
    input_dtype, output_dtype : "int8", "uint8" or "float32".
    output_name : of the output; "" for that of its layer.
    more : the further heads, in the model's order.
    """

    pre: tuple[Step, ...] = ()
    post: tuple[Step, ...] = ()
    input_shape: tuple[int, ...] = ()
    input_dtype: str = "int8"
    output_shape: tuple[int, ...] = ()
    output_dtype: str = "int8"
    output_name: str = ""
    more: tuple[Head, ...] = ()

    @property
    def heads(self) -> tuple[Head, ...]:
        """All results, in the model's order."""
        first = Head(
            name=self.output_name,
            post=self.post,
            shape=self.output_shape,
            dtype=self.output_dtype,
        )
        return (first, *self.more)

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

    def reals(self, x: np.ndarray) -> np.ndarray | None:
        """What the host quantizes, float [n, K], of float inputs [n, *input_shape]; None where the
        inputs are no reals."""
        if np.asarray(x).dtype.kind != "f":
            return None
        values = np.asarray(x).reshape(len(x), -1)
        for step in self.pre:
            if getattr(step, "dtype", "float32") != "float32":
                return values
            values = step(values)
        return None

    def finish(self, y: np.ndarray) -> np.ndarray:
        """The model's output, `output_dtype` [n, *output_shape], of the engine's int8 [n, N]."""
        return self.heads[0].finish(y)

    def to_dict(self) -> dict:
        """Numbers, strings, lists and dicts only."""
        more = [
            {
                "name": head.name,
                "post": [plain(step) for step in head.post],
                "shape": list(head.shape),
                "dtype": head.dtype,
            }
            for head in self.more
        ]
        # Left out where there is none, so that older versions read the file.
        names = {"output_name": self.output_name} if self.output_name else {}
        further = {"more": more} if more else {}
        return (
            names
            | further
            | {
                "pre": [plain(step) for step in self.pre],
                "post": [plain(step) for step in self.post],
                "input_shape": list(self.input_shape),
                "input_dtype": self.input_dtype,
                "output_shape": list(self.output_shape),
                "output_dtype": self.output_dtype,
            }
        )

    @classmethod
    def from_dict(cls, values: dict) -> "HostSteps":
        """The inverse of `to_dict`.

        Raises
        ------
        ValueError, TypeError, KeyError : it is none.
        """
        values = checked(values)
        if missing := _REQUIRED - values.keys():
            raise KeyError(min(missing))
        more = values.pop("more", [])
        if type(more) is not list or len(more) > _MOST_HEADS:
            raise ValueError(f"more is no list of at most {_MOST_HEADS}")
        made = cls(**values, more=tuple(Head(**checked(each)) for each in more))
        made._check_types()
        made._check_widths()
        return made

    def _check_widths(self) -> None:
        """Steps that know how many values they take are given as many."""
        ends = [(self.pre, self.input_shape), *((head.post, head.shape) for head in self.heads)]
        for steps, shape in ends:
            for step in steps:
                width = getattr(step, "width", prod(shape))
                if width != prod(shape):
                    raise ValueError(f"{type(step).__name__} takes {width} values")

    def _check_types(self) -> None:
        """Each step takes what comes before it."""
        dtype = self.input_dtype
        for step in self.pre:
            dtype = follow(step, dtype)
        if dtype != "int8":
            raise ValueError(f"the engine would be given {dtype}")
        for head in self.heads:
            dtype = "int8"
            for step in head.post:
                dtype = follow(step, dtype)
            if dtype != head.dtype:
                raise ValueError(f"the output would be {dtype}, not {head.dtype}")
