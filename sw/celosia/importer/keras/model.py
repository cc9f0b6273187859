"""A Keras model as a float network."""

from collections.abc import Callable

import numpy as np

from celosia.importer.guard import named, text
from celosia.importer.values import Ledger, Value
from celosia.network.float_network import FloatNetwork
from celosia.support.errors import CelosiaError, Unsupported, located

from .archive import KerasFile, paths
from .layers import LAYERS, Layer

__all__ = ["keras_network"]

_MODELS = ("Sequential", "Functional")
_JOINS = {"Add": "add", "Multiply": "multiply"}
_DEEPEST = 8
_CALL = 64
_TODO = "save the model again with Keras 3"


def keras_network(data: bytes, name: str = "model") -> FloatNetwork:
    """The bytes of a ``.keras`` file as a float network. Nothing in the file is executed.

    Raises
    ------
    CelosiaError : the file is damaged or contradicts itself, or h5py is not installed.
    Unsupported : a layer, or a form of it, that is not known; named as the user did.
    """
    with named("not a Keras model", _TODO), KerasFile(data) as file:
        kind, config = file.config.get("class_name"), file.config["config"]
        if kind not in _MODELS:
            raise Unsupported(
                f"a model of class {text(kind)!r}",
                todo="build it as Sequential or from Input to output",
            )
        shape = _input_shape(config)
        value = Value(shape, Ledger(len(data)))
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
            # A model nested at its very beginning has the input.
            return _input_shape(config["layers"][0]["config"])
    if not isinstance(shape, list) or len(shape) < 2:
        raise Unsupported("the model has no input shape", todo="call or fit it before saving")
    if not all(type(size) is int for size in shape[1:]):
        raise Unsupported(f"input shape {text(shape)} has an axis of any length")
    return tuple(shape[1:])


def _model(file: KerasFile, config: dict, path: str, value: Value, depth: int) -> Value:
    """``value`` after the (nested) model that is stored at ``path``."""
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


def _step(file: KerasFile, entry: dict, path: str, depth: int) -> Callable[[list[Value]], Value]:
    """What a layer does to the values that enter it."""
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
                raise Unsupported(f"it has {len(values)} inputs", todo="only chains run")
            # Models that call models many times would multiply the work at every level.
            values[0].ledger.spend(_CALL)
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
            result.ledger.note(where, values[0], result)
            return result

    return run


def _functional(config: dict, steps: list, value: Value) -> Value:
    """The layers of a functional model, in the order of the file: each after those it needs."""
    first, last = _end(config, "input_layers"), _end(config, "output_layers")
    results = {first: value}
    for entry, step in zip(config["layers"], steps, strict=True):
        for index, node in enumerate(entry["inbound_nodes"]):
            if not isinstance(node, dict):
                raise Unsupported("a functional model of Keras 2", todo=_TODO)
            sources = _sources(node["args"])
            if missing := [source for source in sources if source not in results]:
                raise CelosiaError(
                    f"layer {text(entry['name'])!r} needs {text(missing[0][0])!r} before it is "
                    "there"
                )
            results[entry["name"], index] = step([results[source] for source in sources])
    if last not in results:
        raise CelosiaError(f"output layer {text(last[0])!r} is missing")
    return results[last]


def _end(config: dict, key: str) -> tuple[str, int]:
    """(layer, node) of the only input or output."""
    ends = config[key]
    while isinstance(ends, list) and len(ends) == 1:
        ends = ends[0]
    if not (isinstance(ends, list) and len(ends) == 3 and isinstance(ends[0], str)):
        raise Unsupported(f"the model has not exactly one of its {key.replace('_', ' ')}")
    return ends[0], ends[1]


def _sources(arguments: list) -> list[tuple[str, int]]:
    """(layer, node) of every tensor among a call's arguments, one list of them included."""
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
