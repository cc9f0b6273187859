"""Host steps in files: what they are written as, and what is read back only where it is valid."""

from dataclasses import fields
from typing import Any

from celosia.numerics.quant import Quant

from . import steps
from .heads import Step

__all__ = ["checked", "follow", "plain"]

DTYPES = ("int8", "uint8", "float32")
#: No model has more steps or axes.
_MOST = 8
#: Fields of steps that are lists, and of what.
_LISTS = {"scale": float, "shift": float, "shape": int, "axes": int}


def checked(values: dict) -> dict:
    """Fields of `HostSteps` or `Head` in a file as what they are.

    Raises
    ------
    ValueError, TypeError, KeyError : one of another type or range.
    """
    values = dict(values)
    for name in values.keys() & {"pre", "post", "input_shape", "output_shape", "shape"}:
        if type(values[name]) is not list or len(values[name]) > _MOST:
            raise ValueError(f"{name} is no list of at most {_MOST}")
    for name in values.keys() & {"pre", "post"}:
        values[name] = tuple(_step(each) for each in values[name])
    for name in values.keys() & {"input_shape", "output_shape", "shape"}:
        if not all(type(size) is int and size > 0 for size in values[name]):
            raise ValueError(f"{name} = {values[name]}")
        values[name] = tuple(values[name])
    for name in values.keys() & {"input_dtype", "output_dtype", "dtype"}:
        if values[name] not in DTYPES:
            raise ValueError(f"{name} = {values[name]!r}")
    for name in values.keys() & {"name", "output_name"}:
        if type(values[name]) is not str:
            raise ValueError(f"{name} = {values[name]!r}")
    return values


def follow(step: Step, dtype: str) -> str:
    """The type that ``step`` gives; ValueError where it does not take ``dtype``."""
    takes = getattr(step, "from_dtype", "float32")
    if dtype != takes:
        raise ValueError(f"{type(step).__name__} takes {takes}, not {dtype}")
    return getattr(step, "dtype", "float32")


def plain(step: Step) -> dict:
    """Numbers, strings, lists and dicts only; the inverse of `checked`."""
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
            if value not in DTYPES:
                raise ValueError(f"{key} = {value!r}")
        elif key in _LISTS:
            if type(value) is not list or {*map(type, value)} - {_LISTS[key]}:
                raise ValueError(f"{key} is no list of {_LISTS[key].__name__}")
            values[key] = tuple(value)
        elif type(value) not in (bool, float):
            raise ValueError(f"{key} = {value!r}")
    return kind(**values)
