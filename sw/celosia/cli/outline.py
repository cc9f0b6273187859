"""The way in for `celosia check`: a path to a model's structure, without loading its numbers."""

import mmap
import os
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import cast

import numpy as np

from celosia.compiler.image import Image
from celosia.importer import load_model
from celosia.importer.formats import Format, identify
from celosia.importer.tflite.outline import tflite_outline
from celosia.importer.unknown import unknown_operations
from celosia.network.float_layers import FloatDense
from celosia.network.float_network import FloatNetwork
from celosia.network.graph import Graph
from celosia.network.network import Network
from celosia.network.outline import LayerOutline, Operation, Outline, Place, placeholder_table
from celosia.ops import OPERATIONS
from celosia.quant.graph import int8_graph
from celosia.quant.scales import settle
from celosia.spec import Memory
from celosia.support.errors import CelosiaError, Unsupported, located

__all__ = ["read_outline"]

#: Inputs of noise that stand for a calibration sample.
_NOISE = 4


def read_outline(path: Path | str) -> Outline:
    """The structure of a model file of any kind that Celosia knows.

    Raises
    ------
    CelosiaError : it cannot be read, is damaged, or of no known kind.
    """
    path = Path(path)
    data = _content(path)
    with located(str(path)):
        kind = identify(data, path.suffix)
        if kind is Format.TFLITE:
            # A map behaves as the bytes that it maps.
            return tflite_outline(cast("bytes", data), path.stem or "model")
    if kind is Format.IMAGE:
        return _image(Image.load(path))
    if kind in (Format.ONNX, Format.KERAS, Format.TORCH):
        return _imported(path)
    model = load_model(path)
    if isinstance(model, FloatNetwork):
        return _network(model, "float model")
    return _quantized(model, "quantized graph")


def _imported(path: Path) -> Outline:
    """Of formats whose importers read the whole file, and stop at the first unsupported part."""
    kind = f"{path.suffix.removeprefix('.')} model"
    try:
        model = load_model(path)
    except Unsupported as error:
        why = f"{error.what}; {error.todo}" if error.todo else error.what
        where = error.where.removeprefix(str(path)).removeprefix(", ")
        found = unknown_operations(path)
        if not any(op.name == where for op in found):
            found.append(Operation(where or str(path), "form", Place.UNSUPPORTED, why))
        return Outline(path.stem, kind, tuple(found), ())
    if isinstance(model, FloatNetwork):
        return _network(model, f"float {kind}")
    return _quantized(model, f"quantized {kind}")


def _quantized(model: Graph | Network, kind: str) -> Outline:
    if isinstance(model, Graph):
        return Outline.of(model, kind)
    outline = Outline.of(model.graph, kind)
    before, after = (
        tuple(Operation(type(step).__name__, "host step", Place.HOST, how) for step in steps)
        for steps, how in (
            (model.host.pre, "before the first layer"),
            (model.host.post, "after the last layer"),
        )
    )
    return replace(outline, operations=(*before, *outline.operations, *after))


def _content(path: Path) -> bytes | mmap.mmap:
    """Mapped: of a large file only the pages that are looked at are ever read."""
    try:
        with path.open("rb") as file:
            if not os.fstat(file.fileno()).st_size:
                return b""  # an empty file cannot be mapped
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CelosiaError(
            f"cannot read: {reason}", where=str(path), todo="check the path"
        ) from error


def _image(image: Image) -> Outline:
    tables = image.records(Memory.TABLES)
    layers = tuple(
        OPERATIONS[d["op"]].outline(
            d,
            name=layer.name,
            inputs=layer.inputs,
            outputs=layer.outputs,
            output=layer.quant,
            table=tables[d["table"]] if d["use_table"] else None,
        )
        for layer, d in zip(image.model.layers, image.descriptors(), strict=True)
    )
    kind = f"program image for {image.config}"
    operations = tuple(map(Operation.of, layers))
    return Outline(image.model.name, kind, operations, layers, image.config)


def _network(network: FloatNetwork, file_kind: str) -> Outline:
    """A float network as its importer gives it: tables and clamps are yet to be calibrated."""
    operations, layers, perceptron = [], [], _is_perceptron(network)
    for index, each in enumerate(network.layers):
        inputs, outputs = prod(each.input_shapes[0]), each.outputs
        name, f = network.graph.names[index], each.function
        origin, how = (each.origin, f"layer {name!r}") if each.origin else (name, "a layer")
        if not perceptron:  # factors become part of others, so that numbers change
            how = "part of its neighbours, or the host's" if each.kind == "scale" else "a layer"
        title = each.kind.title().replace("_", "")
        operations.append(Operation(origin, title, Place.ENGINE, how))
        in_table = f.name != "x" and f.limits is None
        if f.name != "x":
            how = "element table of its layer" if in_table else "within its layer's clamp"
            kind = f.label.partition("(")[0]
            operations.append(Operation(f"{origin}, {f.label}", kind, Place.ENGINE, how))
        table = placeholder_table(index) if in_table else None
        layers.append(LayerOutline(name, inputs, outputs, table=table))
    if network.final:
        how = "after the last layer"
        operations.append(Operation("output", network.final, Place.HOST, how))
    operations += [Operation(name, "none", Place.DROPPED, how) for name, how in network.passed]
    if not perceptron:
        graph = _like_quantized(network)
        return replace(Outline.of(graph, file_kind), operations=tuple(operations))
    return Outline(network.name, file_kind, tuple(operations), tuple(layers))


def _is_perceptron(network: FloatNetwork) -> bool:
    graph = network.graph
    vectors = all(shape[:2] == (1, 1) for shape in graph.shapes)
    return vectors and graph.is_chain and all(isinstance(each, FloatDense) for each in graph.layers)


def _like_quantized(network: FloatNetwork) -> Graph:
    """The int8 graph of another sample than the one that calibration will get: of noise."""
    x = np.random.default_rng(0).uniform(-1, 1, (_NOISE, network.sizes[0])).astype(np.float32)
    settled = settle(network.graph)
    return int8_graph(settled.graph, x, settled.graph.evaluate(x), "minmax", network.name)
