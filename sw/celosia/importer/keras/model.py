"""A Keras model as a float network."""

from collections.abc import Callable
from typing import Any

import numpy as np

from celosia.importer.guard import damage_as_error, text
from celosia.importer.values import Value, Walk, assemble, in_layout
from celosia.network.float_network import FloatNetwork
from celosia.support.errors import CelosiaError, Unsupported, located

from .archive import KerasFile, Place, places
from .calls import run_call
from .layer import Layer
from .layers import run_layer

__all__ = ["MODELS", "keras_network"]

_Step = Callable[[list[Any]], Any]

MODELS = ("Sequential", "Functional", "Model")
#: How deep models may be nested.
_DEEPEST = 8
#: What running a layer is charged: models that call models often multiply the work at every level.
_CALL = 64
_TODO = "save the model again with Keras 3"


def keras_network(data: bytes, name: str = "model") -> FloatNetwork:
    """The float network in the bytes of a ``.keras`` or ``.h5`` file. Nothing in it is executed.

    Raises
    ------
    CelosiaError : the file is damaged or contradicts itself, or h5py is not installed.
    Unsupported : a layer, or a form of it, is not supported; the error gives the user's name of it.
    """
    with damage_as_error("not a Keras model", _TODO), KerasFile(data) as file:
        kind, config = file.config.get("class_name"), file.config["config"]
        if kind not in MODELS:
            raise Unsupported(
                f"a model of class {text(kind)!r}",
                todo="build it as a Sequential or functional model",
            )
        shape = _input_shape(config)

        def made(walk: Walk) -> FloatNetwork:
            value = _model(file, config, None, Value.input(walk, shape), 0)
            return assemble(value, name, shape)

        return in_layout(len(data), made)


def _input_shape(config: dict) -> tuple[int, ...]:
    inputs = [each for each in config["layers"] if each["class_name"] == "InputLayer"]
    if len(inputs) > 1:
        raise Unsupported(f"the model has {len(inputs)} inputs, not 1")
    if inputs:
        own = inputs[0]["config"]
        shape = own.get("batch_shape") or own.get("batch_input_shape")
    else:
        first = config["layers"][0]["config"] if config["layers"] else {}
        shape = config.get("build_input_shape") or first.get("batch_input_shape")
        if shape is None and "layers" in first:
            # A model whose first layer is a model has that one's input.
            return _input_shape(first)
    if not isinstance(shape, list) or len(shape) < 2:
        raise Unsupported("the model has no input shape", todo="call or fit it before saving")
    if not all(type(size) is int for size in shape[1:]):
        raise Unsupported(
            f"input shape {text(shape)} has an axis without a fixed length",
            todo="give Input every size but the batch's",
        )
    return tuple(shape[1:])


def _model(file: KerasFile, config: dict, place: Place | None, value: Any, depth: int) -> Value:
    """``value`` after the (nested) model at ``place``."""
    if depth > _DEEPEST:
        raise Unsupported(f"models nested more than {_DEEPEST} deep")
    entries = config["layers"]
    steps = [
        _step(file, entry, each, depth)
        for entry, each in zip(entries, places(entries, place), strict=True)
    ]
    if "input_layers" in config:
        value = _functional(config, steps, value)
    else:
        for step in steps:
            value = step([value])
    if not isinstance(value, Value):
        raise CelosiaError("its result does not depend on the model's input")
    return value


def _step(file: KerasFile, entry: dict, place: Place, depth: int) -> _Step:
    """What a layer computes from the arguments of its call."""
    kind, config, module = entry["class_name"], entry["config"], str(entry.get("module", "keras"))
    name = text(config.get("name") or kind)
    where = f"{text(kind)} {name!r}"

    def variables(count: int) -> list[np.ndarray]:
        found = file.variables(place, count)
        if len(found) < count:
            raise CelosiaError(f"{len(found)} variables, not {count}", todo=_TODO)
        return found

    def run(arguments: list[Any]) -> Any:
        with located(where):
            entered = _tensors(arguments)
            if not entered:
                raise Unsupported("none of its inputs depends on the model's")
            walk = entered[0].walk
            walk.budget.spend(_CALL)
            walk.where = where
            layer = Layer(name, config, variables)
            if module.startswith("keras.src.ops"):
                result = run_call(kind, layer, arguments)
            elif kind == "InputLayer":
                return arguments[0]
            elif kind in MODELS and "layers" in config:
                if len(arguments) != 1 or not isinstance(arguments[0], Value):
                    raise Unsupported("a model that is called with several inputs")
                return _model(file, config, place, arguments[0], depth + 1)
            elif module.partition(".")[0] not in ("keras", "tf_keras"):
                raise Unsupported("a layer of your own", todo="code in a model is never run")
            else:
                result = run_layer(kind, layer, _inputs(arguments))
            if isinstance(result, Value):
                walk.note(where, entered[0], result)
            return result

    return run


def _tensors(arguments: list[Any]) -> list[Value]:
    found: list[Any] = []
    for each in arguments:
        found += _tensors(each) if isinstance(each, list) else [each]
    return [each for each in found if isinstance(each, Value)]


def _inputs(arguments: list[Any]) -> list[Any]:
    """The inputs of a layer: its one argument, or those in the list that it is."""
    if len(arguments) == 1 and isinstance(arguments[0], list):
        return arguments[0]
    return arguments


def _functional(config: dict, steps: list[_Step], value: Any) -> Any:
    """``value`` after a functional model. Its file lists each layer after those it needs."""
    first, last = _end(config, "input_layers"), _end(config, "output_layers")
    results: dict[tuple[str, int], Any] = {first: value}
    for entry, step in zip(config["layers"], steps, strict=True):
        own = entry.get("name") or entry["config"]["name"]
        for index, node in enumerate(entry["inbound_nodes"]):
            with located(f"layer {text(own)!r}"):
                arguments = _arguments(node, results)
            results[own, index] = step(arguments)
    if last not in results:
        raise CelosiaError(f"output layer {text(last[0])!r} is missing")
    return results[last]


def _end(config: dict, key: str) -> tuple[str, int]:
    """(layer, node) of the model's one input or output."""
    ends = config[key]
    while isinstance(ends, list) and len(ends) == 1:
        ends = ends[0]
    if not (isinstance(ends, list) and len(ends) == 3 and isinstance(ends[0], str)):
        what = "inputs" if key == "input_layers" else "outputs"
        names = ", ".join(text(each[0]) for each in ends[:8] if isinstance(each, list) and each)
        shown = f" ({names})" if names else ""
        raise Unsupported(f"the model has {len(ends)} {what}{shown}, not 1")
    return ends[0], ends[1]


def _arguments(node: Any, results: dict[tuple[str, int], Any]) -> list[Any]:
    """The arguments of one call of a layer."""
    if isinstance(node, dict):
        for key, value in node.get("kwargs", {}).items():
            if value not in (None, False):
                raise Unsupported(f"a call with {text(key)} = {text(value)} is not supported")
        return [_argument(each, results) for each in node["args"]]
    # Keras 2: [layer, node, tensor, keyword arguments] of each input.
    calls = node if node and isinstance(node[0], list) else [node]
    found = []
    for layer, index, tensor, *keywords in calls:
        for key, value in (keywords[0] if keywords else {}).items():
            if value not in (None, False):
                raise Unsupported(f"a call with {text(key)} = {text(value)} is not supported")
        found.append(_result(layer, index, tensor, results))
    return found


def _argument(each: Any, results: dict[tuple[str, int], Any]) -> Any:
    if isinstance(each, list):
        return [_argument(one, results) for one in each]
    if isinstance(each, bool) or each is None or isinstance(each, str):
        raise Unsupported(f"a call with the argument {text(each)!r}")
    if isinstance(each, int):
        return each
    if isinstance(each, float):
        return float(np.float32(each))  # Keras computes in float32
    kind, config = each.get("class_name"), each.get("config")
    if kind == "__keras_tensor__":
        layer, index, tensor = config["keras_history"]
        return _result(layer, index, tensor, results)
    if kind == "__numpy__":
        return np.asarray(config["value"], np.float32)
    if kind == "__slice__":
        return slice(config["start"], config["stop"], config["step"])
    raise Unsupported(f"a call with an argument of class {text(kind)!r}")


def _result(layer: str, node: int, tensor: int, results: dict[tuple[str, int], Any]) -> Any:
    if (layer, node) not in results:
        raise CelosiaError(f"it needs {text(layer)!r}, which is not computed before it")
    if tensor:
        raise Unsupported(f"it takes result {tensor} of {text(layer)!r}")
    return results[layer, node]
