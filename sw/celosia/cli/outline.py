"""The way in for `celosia check`: a path to a model's structure, without loading its numbers."""

import mmap
import os
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np

from celosia.compiler.image import Image
from celosia.importer import load_model
from celosia.importer.formats import Format, identify, refuse_folder
from celosia.importer.tflite.floats import computes_in_float
from celosia.importer.tflite.outline import tflite_outline
from celosia.importer.unknown import unknown_operations
from celosia.network.float_layers import FloatDense
from celosia.network.float_network import FloatNetwork
from celosia.network.graph import Graph
from celosia.network.layers import Shape
from celosia.network.network import Network
from celosia.network.outline import LayerOutline, Operation, Outline, Place, placeholder_table
from celosia.numerics.runtime import Runtime
from celosia.ops import OPERATIONS
from celosia.quant.graph import int8_graph
from celosia.quant.scales import settle
from celosia.spec import Memory
from celosia.support.errors import CelosiaError, Unsupported, located

from .options import check_reference

__all__ = ["read_image", "read_outline"]

#: Inputs of noise that stand for a calibration sample.
_NOISE = 4


def read_outline(path: Path | str, reference: Runtime | None = None) -> Outline:
    """The structure of a model file of any kind that Celosia knows.

    Parameters
    ----------
    reference : whose bytes it shall give, as `celosia.importer.load_model` takes it.

    Raises
    ------
    CelosiaError : it cannot be read, is damaged, or of no known kind; or it does not give the bytes
        asked for.
    """
    path = Path(path)
    try:
        return _outline(path, reference)
    except Unsupported as error:
        # What no importer reads is listed as one operation that is not supported: the file.
        inner = error.where.removeprefix(str(path)).removeprefix(", ")
        why = f"{inner}: {error.what}" if inner else error.what
        why = f"{why}; {error.todo}" if error.todo else why
        refused = Operation(str(path), "format", Place.UNSUPPORTED, why)
        return Outline(path.stem, "model", (refused,), ())


def _outline(path: Path, reference: Runtime | None) -> Outline:
    refuse_folder(path)
    data = _content(path)
    with located(str(path)):
        kind = identify(data, path.suffix)
        # A map behaves as the bytes that it maps.
        if kind is Format.TFLITE and not computes_in_float(data):
            name = path.stem or "model"
            return tflite_outline(cast("bytes", data), name, reference or Runtime.LITERT)
    if kind is Format.IMAGE:
        image = Image.load(path)
        check_reference(reference, image.model.reference, str(path))
        return _image(image)
    if kind in (Format.TFLITE, Format.ONNX, Format.KERAS, Format.TORCH):
        return _imported(path, reference)
    model = load_model(path, reference)
    if isinstance(model, FloatNetwork):
        return _network(model, "float model")
    return _quantized(model, "quantized graph")


def _imported(path: Path, reference: Runtime | None) -> Outline:
    """Of formats whose importers read the whole file, and stop at the first unsupported part."""
    kind = f"{path.suffix.removeprefix('.')} model"
    try:
        model = load_model(path, reference)
    except Unsupported as error:
        why = f"{error.what}; {error.todo}" if error.todo else error.what
        where = error.where.removeprefix(str(path)).removeprefix(", ")
        try:
            found = unknown_operations(path)
        except CelosiaError:  # the file cannot be listed, but the reason is known
            found = []
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
            ([step for head in model.heads for step in head.post], "after the last layer"),
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


def read_image(path: Path | str) -> Image | None:
    """The program image at ``path`` if only its own engine can be told about: one with convolution,
    and layers other than dense ones. None of every other file.

    Raises
    ------
    CelosiaError : as `read_outline`.
    """
    path = Path(path)
    if path.is_dir():
        return None
    data = _content(path)
    try:
        with located(str(path)):
            if identify(data, path.suffix) is not Format.IMAGE:
                return None
    except Unsupported:  # no program image: `read_outline` says what it is
        return None
    image = Image.load(path)
    return None if not image.config.convolution or _perceptron(image) else image


def _perceptron(image: Image) -> bool:
    """Whether every layer multiplies every input with a weight for every output, in a chain."""
    model = image.model
    chain = model.reads == tuple((index,) for index in range(len(model.layers)))
    return chain and all(layer.macs == layer.inputs * layer.outputs for layer in model.layers)


def _image(image: Image) -> Outline:
    tables = image.records(Memory.TABLES).reshape(-1, 256)
    layers = []
    for index, (layer, d) in enumerate(zip(image.model.layers, _lasts(image), strict=True)):
        common: dict[str, Any] = {
            "name": layer.name,
            "inputs": layer.inputs,
            "outputs": layer.outputs,
            "output": layer.quant,
            "table": tables[d["table"]] if d and d["use_table"] else None,
        }
        if not image.config.convolution:
            layers.append(OPERATIONS[d["op"]].outline(d, **common))
        elif _perceptron(image):
            layers.append(LayerOutline(**common))
        else:
            before = image.model.reads[index][0]
            shape = image.model.layers[before - 1].shape if before else image.model.shape
            size: dict[str, Any] = {"input_shape": shape, "shape": layer.shape}
            layers.append(_Compiled(**common, **size, multiplications=layer.macs))
    kind = f"program image for {image.config}"
    operations = tuple(map(Operation.of, layers))
    return Outline(image.model.name, kind, operations, tuple(layers), image.config)


def _lasts(image: Image) -> list[dict[str, int]]:
    """For each layer its last descriptor, which has its table; {} if it has none."""
    descriptors = image.descriptors()
    if not image.config.convolution:
        return descriptors
    found: list[dict[str, int]] = [{} for _ in image.model.layers]
    for (layer, *_), d in zip(image.model.kernels, descriptors, strict=True):
        found[layer] = d
    return found


@dataclass(frozen=True, eq=False)
class _Compiled(LayerOutline):
    """A layer of a program for an engine with convolution: what it computes is not told."""

    kind: ClassVar[str] = "layer"

    shape: Shape = (1, 1, 1)
    multiplications: int = 0

    @property
    def output_shape(self) -> Shape:
        return self.shape

    @property
    def macs(self) -> int:
        return self.multiplications


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
