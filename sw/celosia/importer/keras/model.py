"""A Keras model as a float network."""

from collections.abc import Callable

import numpy as np

from celosia.importer.guard import damage_as_error, text
from celosia.importer.values import Value, Walk
from celosia.network.float_network import FloatNetwork
from celosia.support.errors import CelosiaError, Unsupported, located

from .archive import KerasFile, paths
from .layers import LAYERS, Layer

__all__ = ["keras_network"]

_Step = Callable[[list[Value]], Value]

_MODELS = ("Sequential", "Functional")
#: Layers that join two branches -> the function they compute.
_JOINS = {"Add": "add", "Multiply": "multiply"}
#: How deep models may be nested.
_DEEPEST = 8
#: What running a layer is charged: models that call models often multiply the work at every level.
_CALL = 64
_TODO = "save the model again with Keras 3"


def keras_network(data: bytes, name: str = "model") -> FloatNetwork:
    """The float network in the bytes of a ``.keras`` file. Nothing in the file is executed.

    Raises
    ------
    CelosiaError : the file is damaged or contradicts itself, or h5py is not installed.
    Unsupported : a layer, or a form of it, is not supported; the error gives the user's name of it.
    """
    with damage_as_error("not a Keras model", _TODO), KerasFile(data) as file:
        kind, config = file.config.get("class_name"), file.config["config"]
        if kind not in _MODELS:
            raise Unsupported(
                f"a model of class {text(kind)!r}",
                todo="build it as a Sequential or functional model",
            )
        shape = _input_shape(config)
        value = Value(shape, Walk(len(data)))
        return _model(file, config, "", value, 0).network(name, shape)


def _input_shape(config: dict) -> tuple[int, ...]:
    inputs = [each for each in config["layers"] if each["class_name"] == "InputLayer"]
    if len(inputs) > 1:
        raise Unsupported(f"the model has {len(inputs)} inputs, not 1")
    if inputs:
        shape = inputs[0]["config"].get("batch_shape")
    else:
        shape = config.get("build_input_shape")
        if shape is None and config["layers"]:
            # A model whose first layer is a model has that one's input.
            return _input_shape(config["layers"][0]["config"])
    if not isinstance(shape, list) or len(shape) < 2:
        raise Unsupported("the model has no input shape", todo="call or fit it before saving")
    if not all(type(size) is int for size in shape[1:]):
        raise Unsupported(
            f"input shape {text(shape)} has an axis without a fixed length",
            todo="give Input every size but the batch's",
        )
    return tuple(shape[1:])


def _model(file: KerasFile, config: dict, path: str, value: Value, depth: int) -> Value:
    """``value`` after the (nested) model stored at ``path``."""
    if depth > _DEEPEST:
        raise Unsupported(f"models nested more than {_DEEPEST} deep")
    entries = config["layers"]
    places = paths([entry["class_name"] for entry in entries], path)
    steps = [_step(file, entry, place, depth) for entry, place in zip(entries, places, strict=True)]
    if "input_layers" in config:
        return _functional(config, steps, value)
    for step in steps:
        value = step([value])
    return value


def _step(file: KerasFile, entry: dict, path: str, depth: int) -> _Step:
    """What a layer computes from its inputs."""
    kind, config = entry["class_name"], entry["config"]
    name = text(config.get("name") or kind)
    where = f"{text(kind)} {name!r}"

    def variables(count: int) -> list[np.ndarray]:
        found = file.variables(path, count)
        if len(found) < count:
            raise CelosiaError(f"{len(found)} variables, not {count}", todo=_TODO)
        return found

    def run(values: list[Value]) -> Value:
        with located(where):
            if kind in _JOINS and len(values) == 2:
                return values[0].join(values[1], _JOINS[kind])
            if len(values) != 1:
                raise Unsupported(
                    f"it has {len(values)} inputs, not 1", todo="only chains of layers run"
                )
            values[0].walk.budget.spend(_CALL)
            if kind == "InputLayer":
                return values[0]
            if kind in _MODELS:
                return _model(file, config, f"{path}/", values[0], depth + 1)
            if kind not in LAYERS or not str(entry.get("module")).startswith("keras"):
                raise Unsupported(
                    "this layer is not supported",
                    todo="code in a model is never run" if kind == "Lambda" else "",
                )
            result = LAYERS[kind](Layer(name, config, variables), values[0])
            result.walk.note(where, values[0], result)
            return result

    return run


def _functional(config: dict, steps: list[_Step], value: Value) -> Value:
    """``value`` after a functional model. Its file lists each layer after those it needs."""
    first, last = _end(config, "input_layers"), _end(config, "output_layers")
    results = {first: value}
    for entry, step in zip(config["layers"], steps, strict=True):
        for index, node in enumerate(entry["inbound_nodes"]):
            if not isinstance(node, dict):
                raise Unsupported("a functional model of Keras 2", todo=_TODO)
            sources = _sources(node["args"])
            if missing := [source for source in sources if source not in results]:
                raise CelosiaError(
                    f"layer {text(entry['name'])!r} needs {text(missing[0][0])!r}, which is not "
                    "computed before it"
                )
            results[entry["name"], index] = step([results[source] for source in sources])
    if last not in results:
        raise CelosiaError(f"output layer {text(last[0])!r} is missing")
    return results[last]


def _end(config: dict, key: str) -> tuple[str, int]:
    """(layer, node) of the model's one input or output."""
    ends = config[key]
    while isinstance(ends, list) and len(ends) == 1:
        ends = ends[0]
    if not (isinstance(ends, list) and len(ends) == 3 and isinstance(ends[0], str)):
        raise Unsupported(f"the model does not have exactly 1 of {key.replace('_', ' ')}")
    return ends[0], ends[1]


def _sources(arguments: list) -> list[tuple[str, int]]:
    """(layer, node) of every tensor among a call's arguments, also of those in a list."""
    found = []
    for each in arguments:
        if isinstance(each, list):
            found += _sources([one for one in each if not isinstance(one, list)])
        elif isinstance(each, dict) and each.get("class_name") == "__keras_tensor__":
            layer, node, _ = each["config"]["keras_history"]
            found.append((layer, node))
        else:
            raise Unsupported(f"a call with the argument {text(each)!r}")
    return found
