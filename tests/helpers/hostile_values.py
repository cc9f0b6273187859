"""One value of a file's structure changed: what damaged bytes seldom reach."""

import json
from typing import Any

import numpy as np

__all__ = ["other_json", "other_onnx"]

_NUMBERS = (0, 1, -1, 2, 3, 7, 255, 1 << 16, 1 << 31, -(1 << 31), (1 << 63) - 1)
_VALUES = (*_NUMBERS, 0.5, 1e300, -0.0, "", "x", "same", None, True, False, [], {}, [[]], [1, 1])


def other_json(text: bytes, rng: np.random.Generator) -> bytes:
    """A JSON text with one value removed, replaced, or exchanged with that of another place."""
    root = json.loads(text)
    places = list(_places(root))
    if not places:
        return text
    parent, key = places[rng.integers(len(places))]
    kind = rng.integers(4)
    if kind == 0:
        del parent[key]
    elif kind == 1:
        other, place = places[rng.integers(len(places))]
        parent[key] = json.loads(json.dumps(other[place]))
    else:
        parent[key] = _VALUES[rng.integers(len(_VALUES))]
    return json.dumps(root).encode()


def _places(node: Any) -> Any:
    """Every (container, key) of a JSON tree."""
    keys: Any = (
        node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    )
    for key in list(keys):
        yield node, key
        yield from _places(node[key])


def other_onnx(data: bytes, rng: np.random.Generator) -> bytes:
    """An ONNX model with one field cleared, repeated, or set to another value."""
    import onnx

    model = onnx.ModelProto.FromString(data)
    fields = list(_fields(model))
    message, field = fields[rng.integers(len(fields))]
    value = getattr(message, field.name)
    if field.is_repeated:
        at = int(rng.integers(len(value)))
        if rng.random() < 0.4:
            del value[at]
        elif field.message_type is not None:
            value.add().CopyFrom(value[int(rng.integers(len(value)))])
        else:
            value[at] = _other_scalar(value[at], field, rng)
    elif field.message_type is not None or rng.random() < 0.2:
        message.ClearField(field.name)
    else:
        setattr(message, field.name, _other_scalar(value, field, rng))
    return model.SerializeToString()


def _fields(message: Any) -> Any:
    """Every (message, descriptor of a field that is set) in a tree of messages."""
    for field, value in message.ListFields():
        yield message, field
        if field.message_type is not None:
            for child in value if field.is_repeated else [value]:
                yield from _fields(child)


def _other_scalar(value: Any, field: Any, rng: np.random.Generator) -> Any:
    if isinstance(value, bytes):
        return value[: int(rng.integers(len(value) + 1))] if value else b"x"
    if isinstance(value, str):
        return str(rng.choice(["", "x", value[:-1], value + "1", "Conv", "Add", "SAME_UPPER"]))
    if isinstance(value, float):
        return float(rng.choice([0, -1, 1e-40, 1e30, np.inf, np.nan]))
    if field.enum_type is not None:
        return int(rng.choice([each.number for each in field.enum_type.values]))
    most = (1 << 31) - 1 if field.cpp_type == field.CPPTYPE_INT32 else (1 << 63) - 1
    if field.cpp_type in (field.CPPTYPE_UINT32, field.CPPTYPE_UINT64):
        return int(rng.choice([0, 1, 2, 255]))
    return max(-most, min(most, _NUMBERS[rng.integers(len(_NUMBERS))]))
