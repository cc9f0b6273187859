"""Float networks as .npz files: plain arrays and one JSON text, nothing that can be executed."""

import numpy as np

from celosia.support.errors import CelosiaError

from .float_network import FloatLayer, FloatNetwork
from .functions import to_text
from .npz import from_json, line, pack, to_json, unpack

__all__ = ["from_bytes", "to_bytes"]

_FINALS = ("", "softmax", "log_softmax")
_TODO = "save the model again"


def to_bytes(network: FloatNetwork) -> bytes:
    """The file: ``weights_0``, ``biases_0``, ..., ``activations`` (texts of `functions.to_text`),
    and the rest of the network as JSON in ``about``."""
    arrays = {f"weights_{k}": layer.weights for k, layer in enumerate(network.layers)}
    arrays |= {f"biases_{k}": layer.bias for k, layer in enumerate(network.layers)}
    about = {
        "name": network.name,
        "origins": [layer.origin for layer in network.layers],
        "input_shape": list(map(int, network.input_shape)),
        "output_shape": list(map(int, network.output_shape)),
        "final": network.final,
        "notes": list(network.notes),
        "passed": [list(each) for each in network.passed],
    }
    activations = np.array([to_text(layer.function) for layer in network.layers])
    return pack({"activations": activations, **arrays, "about": to_json(about)})


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
    count = range(len(texts))
    expected = [f"weights_{k}" for k in count] + [f"biases_{k}" for k in count]
    if wrong := sorted(set(expected) ^ set(arrays)):
        state = "missing" if wrong[0] in expected else "unexpected"
        raise CelosiaError(f"{wrong[0]!r} is {state} in a model of {len(texts)} layers")
    tensors = [arrays[name] for name in expected]
    plain = FloatNetwork.from_arrays(tensors[: len(texts)], tensors[len(texts) :], texts)
    if about is None:
        return plain
    try:
        return _described(plain, from_json(about))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise CelosiaError(f"its description is damaged: {type(error).__name__}") from error


def _texts(array: np.ndarray | None) -> list[str]:
    if array is None or array.ndim != 1 or array.dtype.kind != "U":
        raise CelosiaError("no list of activations in the file")
    # Code points that Unicode does not have would make strings that Python cannot print.
    if array.size and np.frombuffer(array.tobytes(), np.uint32).max(initial=0) > 127:
        raise CelosiaError("activations are not ASCII")
    return array.tolist()


def _described(plain: FloatNetwork, about: dict) -> FloatNetwork:
    """``plain`` with what ``about`` says; ValueError, TypeError or KeyError where it is damaged."""
    layers = tuple(
        FloatLayer(layer.weights, layer.bias, layer.function, line(origin))
        for layer, origin in zip(plain.layers, about["origins"], strict=True)
    )
    shapes = tuple(about["input_shape"]), tuple(about["output_shape"])
    if not all(type(size) is int and size > 0 for shape in shapes for size in shape):
        raise ValueError(f"shapes {shapes}")
    if about["final"] not in _FINALS:
        raise ValueError(f"final {about['final']!r}")
    return FloatNetwork(
        *(line(about["name"]), layers, *shapes, about["final"]),
        notes=tuple(map(line, about["notes"])),
        passed=tuple((line(operator), line(became)) for operator, became in about["passed"]),
    )
