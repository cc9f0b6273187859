"""Float networks as .npz files: plain arrays and one JSON text, nothing that can be executed."""

from dataclasses import fields
from itertools import chain as joined
from math import prod
from typing import Any

import numpy as np

from celosia.support.errors import CelosiaError, located

from .float_layers import KINDS, FloatDense, FloatLayer
from .float_network import FloatNetwork
from .functions import from_text, to_text
from .layer_file import numbers, pair, shape_list
from .npz import from_json, line, pack, to_json, unpack

__all__ = ["from_bytes", "to_bytes"]

_FINALS = ("", "softmax", "log_softmax")
_TODO = "save the model again"
#: Fields that are arrays, and what they are called in the file.
_ARRAYS = {"weights": "weights", "bias": "biases", "scale": "scales", "shift": "shifts"}
#: Values an image of one tensor; a file that claims more would exhaust the memory.
_MOST_VALUES = 1 << 26


def to_bytes(network: FloatNetwork) -> bytes:
    """The file: ``weights_0``, ``biases_0``, ..., ``activations`` (texts of `functions.to_text`),
    and the rest of the network as JSON in ``about``.

    A chain of dense layers for vectors is written as older versions read it; of other networks
    ``about`` has the layers, too.
    """
    arrays = {
        f"{called}_{k}": getattr(layer, name)
        for name, called in _ARRAYS.items()
        for k, layer in enumerate(network.layers)
        if hasattr(layer, name)
    }
    about: dict[str, Any] = {
        "name": network.name,
        "origins": [layer.origin for layer in network.layers],
        "input_shape": list(map(int, network.input_shape)),
        "output_shape": list(map(int, network.output_shape)),
        "final": network.final,
        "notes": list(network.notes),
        "passed": [list(each) for each in network.passed],
    }
    if not _is_old(network):
        about["layers"] = [_header(layer) for layer in network.layers]
        about["reads"] = [list(map(int, reads)) for reads in network.graph.reads]
        about["input_axes"] = list(map(int, network.input_axes))
        about["output_axes"] = list(map(int, network.output_axes))
    activations = np.array([to_text(layer.function) for layer in network.layers])
    return pack({"activations": activations, **arrays, "about": to_json(about)})


def _is_old(network: FloatNetwork) -> bool:
    """Whether older versions can read it."""
    return (
        all(isinstance(each, FloatDense) for each in network.layers)
        and all(shape[:2] == (1, 1) for shape in network.graph.shapes)
        and network.graph.is_chain
        and not network.input_axes
        and not network.output_axes
    )


def _header(layer: FloatLayer) -> dict:
    names = [each.name for each in fields(layer)]
    plain = [name for name in names if name not in (*_ARRAYS, "function", "origin")]
    return {"kind": layer.kind} | {name: _plain(getattr(layer, name)) for name in plain}


def _plain(value: Any) -> Any:
    return [_plain(each) for each in value] if isinstance(value, tuple) else int(value)


def from_bytes(data: bytes) -> FloatNetwork:
    """The inverse of `to_bytes`.

    A file without ``about``, as older versions wrote it, is a plain perceptron called "mlp".

    Raises
    ------
    CelosiaError : cut short, damaged, or not a valid model.
    """
    try:
        return _network(unpack(data, _TODO))
    except CelosiaError as error:
        raise CelosiaError(error.what, where=error.where, todo=error.todo or _TODO) from error


def _network(arrays: dict[str, np.ndarray]) -> FloatNetwork:
    texts, about = _texts(arrays.pop("activations", None)), arrays.pop("about", None)
    try:
        document = None if about is None else from_json(about)
        headers = [{"kind": "dense"}] * len(texts)
        if document and "layers" in document:
            headers = document["layers"]
        _check_names(headers, texts, set(arrays))
        if document is None:
            count = range(len(texts))
            weights, biases = (
                [arrays[f"{what}_{k}"] for k in count] for what in ("weights", "biases")
            )
            return FloatNetwork.from_arrays(weights, biases, texts)
        origins = list(map(line, document["origins"]))
        described = zip(headers, texts, origins, strict=True)
        layers = tuple(_layer(k, *each, arrays) for k, each in enumerate(described))
        return _described(layers, document)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise CelosiaError(f"its description is damaged: {type(error).__name__}") from error


def _check_names(headers: list, texts: list, found: set[str]) -> None:
    """Every layer's arrays are in the file, and no others."""
    kinds = [KINDS[header["kind"]] for header in headers]
    expected = set(
        joined.from_iterable(
            (f"{_ARRAYS[each.name]}_{k}" for each in fields(kind) if each.name in _ARRAYS)
            for k, kind in enumerate(kinds)
        )
    )
    if wrong := sorted(expected ^ found):
        state = "missing" if wrong[0] in expected else "unexpected"
        raise CelosiaError(f"{wrong[0]!r} is {state} in a model of {len(texts)} layers")


def _texts(array: np.ndarray | None) -> list[str]:
    if array is None or array.ndim != 1 or array.dtype.kind != "U":
        raise CelosiaError("no list of activations in the file")
    # Code points that Unicode does not have would make strings that Python cannot print.
    if array.size and np.frombuffer(array.tobytes(), np.uint32).max(initial=0) > 127:
        raise CelosiaError("activations are not ASCII")
    return array.tolist()


def _layer(
    index: int, header: dict, text: str, origin: str, arrays: dict[str, np.ndarray]
) -> FloatLayer:
    """Layer ``index``; ValueError, TypeError or KeyError where ``header`` is damaged."""
    kind = KINDS[header["kind"]]
    known = {each.name for each in fields(kind)} - {"function", "origin"}
    values: dict[str, Any] = {
        name: arrays[f"{called}_{index}"] for name, called in _ARRAYS.items() if name in known
    }
    plain = known - set(values)
    # Older versions had vectors alone.
    given = plain if set(header) - {"kind"} else set()
    if set(header) - {"kind"} != given:
        raise ValueError(f"fields {sorted(header)} of {kind.kind}")
    values |= {name: _READERS[name](header[name]) for name in given}
    with located(f"layer {index}"):
        layer = kind(**values, function=from_text(text), origin=origin)
        if max(map(prod, (*layer.input_shapes, layer.output_shape))) > _MOST_VALUES:
            raise CelosiaError(f"a map of more than {_MOST_VALUES:,} values")
    return layer


def _described(layers: tuple[FloatLayer, ...], about: dict) -> FloatNetwork:
    """The network of ``layers``; ValueError, TypeError or KeyError where ``about`` is damaged."""
    shapes = tuple(about["input_shape"]), tuple(about["output_shape"])
    if not all(type(size) is int and size > 0 for shape in shapes for size in shape):
        raise ValueError(f"shapes {shapes}")
    if about["final"] not in _FINALS:
        raise ValueError(f"final {about['final']!r}")
    more: dict[str, Any] = {}
    if "layers" in about:
        more = {name: numbers(about[name]) for name in ("input_axes", "output_axes")}
        more["reads"] = tuple(map(numbers, about["reads"]))
    return FloatNetwork(
        *(line(about["name"]), layers, *shapes, about["final"]),
        notes=tuple(map(line, about["notes"])),
        passed=tuple((line(operator), line(became)) for operator, became in about["passed"]),
        **more,
    )


def _integer(value: object) -> int:
    return numbers([value])[0]


#: How each field of a layer is read.
_READERS: dict[str, Any] = {
    "input_shape": lambda value: shape_list([value])[0],
    "shapes": shape_list,
    **dict.fromkeys(("output_size", "kernel", "stride", "dilation", "padding"), pair),
    **dict.fromkeys(("top", "bottom", "left", "right"), _integer),
}
