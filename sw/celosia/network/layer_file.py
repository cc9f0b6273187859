"""Layers in files of quantized networks: one JSON object and some arrays each."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np

from celosia.numerics.quant import Quant
from celosia.spec import Rounding
from celosia.support.errors import CelosiaError

from .layers import KINDS, Dense, Layer

__all__ = [
    "is_old",
    "layer_arrays",
    "layer_from_file",
    "layer_header",
    "numbers",
    "old_header",
    "pair",
    "shape_list",
    "text",
]

#: Arrays of a layer and their types. All but the table are always there.
_DTYPES = {
    "weights": "int8",
    "bias": "int32",
    "multiplier": "int64",
    "shift": "int64",
    "table": "int8",
}
_WEIGHT_AXES = {"Dense": 2, "Convolution": 4, "Depthwise": 3}
#: Fields that older versions, which had no other layer than `Dense`, neither wrote nor read.
_NEW = {"kind", "input_shape"}


def layer_arrays(layer: Layer) -> dict[str, np.ndarray]:
    """The arrays that ``layer`` has, by name."""
    values = {name: getattr(layer, name, None) for name in _DTYPES}
    return {
        name: np.asarray(value).astype(_DTYPES[name])
        for name, value in values.items()
        if value is not None
    }


def layer_header(layer: Layer) -> dict[str, Any]:
    """All else of ``layer``, ready for JSON, with its kind."""
    names = [each.name for each in fields(layer) if each.name not in _DTYPES]
    return {"kind": layer.kind} | {name: _plain(getattr(layer, name)) for name in names}


def layer_from_file(header: dict, arrays: dict[str, np.ndarray], index: int) -> Layer:
    """The inverse of both, of layer ``index``, whose arrays are taken out of ``arrays``.

    Parameters
    ----------
    header : of a file, so anything. Without a kind it is that of a `Dense` for vectors.
    arrays : by names such as ``bias_0``.

    Raises
    ------
    CelosiaError, ValueError, TypeError, KeyError, AttributeError : it is none.
    """
    where = f"layer {index}"
    old = "kind" not in header
    name = "Dense" if old else header["kind"]
    if not isinstance(name, str) or name not in KINDS:
        raise CelosiaError(f"kind {name!r} is unknown", where=where)
    kind = KINDS[name]
    known = {each.name for each in fields(kind)} | {"kind"}
    expected = known - set(_DTYPES) - (_NEW if old else set())
    if set(header) != expected:
        raise CelosiaError(f"fields {sorted(set(header) ^ expected)} differ", where=where)
    values: dict[str, Any] = {key: _READERS[key](header[key]) for key in header if key != "kind"}
    for key, dtype in _DTYPES.items():
        if key in known:
            axes = _WEIGHT_AXES[name] if key == "weights" else 1
            values[key] = _array(arrays, f"{key}_{index}", dtype, axes, key == "table")
    return kind(**values)


def is_old(layer: Layer) -> bool:
    """Whether older versions can read ``layer``."""
    return isinstance(layer, Dense) and layer.input_shape[:2] == (1, 1)


def old_header(header: dict[str, Any]) -> dict[str, Any]:
    """The header of a layer that `is_old` as older versions wrote it."""
    return {key: value for key, value in header.items() if key not in _NEW}


def _array(
    arrays: dict[str, np.ndarray], key: str, dtype: str, axes: int, optional: bool
) -> np.ndarray | None:
    value = arrays.pop(key, None)
    if value is None:
        if optional:
            return None
        raise CelosiaError(f"array {key!r} is missing")
    if value.dtype != dtype or value.ndim != axes:
        raise CelosiaError(
            f"{key} is {value.dtype} {list(value.shape)}, not {dtype} with {axes} axes"
        )
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Quant):
        return value.to_dict()
    if isinstance(value, Rounding):
        return value.name
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value if isinstance(value, str) or value is None else int(value)


def text(value: object) -> str:
    """``value`` if it is a text. Raises ValueError where it is none."""
    if not isinstance(value, str):
        raise ValueError(f"name {value!r}")
    return value


def _integer(value: object) -> int:
    if type(value) is not int or abs(value) >= 1 << 31:
        raise ValueError(f"{value!r} is not an integer")
    return value


def numbers(values: object) -> tuple[int, ...]:
    """A tuple of integers. Raises ValueError or TypeError where ``values`` is no list of them."""
    if not isinstance(values, list):
        raise ValueError(f"{values!r} is not a list")
    return tuple(map(_integer, values))


def _some(count: int) -> Callable[[object], tuple[int, ...]]:
    def read(values: object) -> tuple[int, ...]:
        read = numbers(values)
        if len(read) != count:
            raise ValueError(f"{values!r} are not {count} integers")
        return read

    return read


#: A tuple of two integers, as `numbers`.
pair = _some(2)


def shape_list(values: list) -> tuple[tuple[int, ...], ...]:
    """Tuples of three integers, as `numbers`."""
    return tuple(map(_some(3), values))


#: How each field is read.
_READERS: dict[str, Callable[[Any], Any]] = {
    "name": text,
    "clamp": _some(2),
    "table_output": lambda value: None if value is None else Quant.from_dict(value),
    "input": Quant.from_dict,
    "other": Quant.from_dict,
    "output": Quant.from_dict,
    "rounding": lambda value: Rounding[value],
    "input_shape": _some(3),
    "shapes": shape_list,
    **dict.fromkeys(("output_size", "kernel", "stride", "dilation", "padding"), pair),
    **dict.fromkeys(("top", "bottom", "left", "right"), _integer),
}
