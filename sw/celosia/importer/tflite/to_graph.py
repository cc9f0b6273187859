"""A .tflite file as a network: its graph, and what the host does around it."""

from dataclasses import replace
from functools import partial
from typing import cast

from celosia.network.float_network import FloatNetwork
from celosia.network.graph import Graph
from celosia.network.host_steps import Head, HostSteps
from celosia.network.layers import Dense, Layer
from celosia.network.network import Network
from celosia.numerics.runtime import Runtime
from celosia.support.errors import Unsupported

from .builder import Builder, Value
from .dense import dense
from .floats import float_network, is_float
from .load import TfliteModel, TfliteTensor, load

__all__ = ["one_image", "results", "tflite_model", "tflite_network"]


def tflite_model(
    data: bytes, name: str = "model", reference: Runtime = Runtime.LITERT
) -> Network | FloatNetwork:
    """The bytes of a ``.tflite`` file: `tflite_network`, or of a file that computes in float
    `float_network`, which has no bytes of its own yet.

    Raises
    ------
    CelosiaError, Unsupported : as they do.
    """
    model = load(data)
    if is_float(model):
        return float_network(model, len(data), name)
    return _int8_network(model, name, reference)


def tflite_network(
    data: bytes, name: str = "model", reference: Runtime = Runtime.LITERT
) -> Network:
    """The bytes of a ``.tflite`` file as a network that computes the same bytes as ``reference``.

    FULLY_CONNECTED, CONV_2D, DEPTHWISE_CONV_2D, both pools, MEAN, ADD, PAD and CONCATENATION become
    layers. An activation or a QUANTIZE after a layer whose result nothing else reads becomes the
    layer's element table, or only its clamp where that is enough; else a layer that copies.
    RESHAPE, SQUEEZE and EXPAND_DIMS move no data and are dropped. QUANTIZE before the first layer,
    and SOFTMAX, QUANTIZE to uint8 and DEQUANTIZE after the last one, run on the host.

    A model's outputs are its heads, in the file's order and named as their tensors.

    Raises
    ------
    CelosiaError : the file is damaged or contradicts itself.
    Unsupported : an operator, or a form of it, is not supported; the error gives its index.
    """
    return _int8_network(load(data), name, reference)


def _int8_network(model: TfliteModel, name: str, reference: Runtime) -> Network:
    if len(model.inputs) != 1:
        raise Unsupported(f"the model has {len(model.inputs)} inputs, not 1")
    if not model.outputs:
        raise Unsupported("the model has 0 outputs")
    builder = Builder(model, partial(dense, runtime=reference), reference)
    for op in model.operators:
        builder.add(op)
    for op in model.operators:
        if problem := builder.unread(op):
            raise Unsupported(problem, where=str(op), todo="remove it from the model")
    return _network(builder, model, name)


def results(builder: Builder, model: TfliteModel) -> list[tuple[TfliteTensor, Value]]:
    """The model's outputs, each with the layer's result and the host steps that make it.

    Raises
    ------
    Unsupported : an output that no layer computes, or the same values twice.
    """
    found = []
    for tensor in model.outputs:
        value = builder.values.get(tensor.index)
        if value is None or value.number is None:
            kind = "the model's input" if tensor in model.inputs else "not a layer's result"
            raise Unsupported(f"the model's output {tensor} is {kind}")
        found.append((tensor, value))
    for index, (tensor, value) in enumerate(found):
        for other, before in found[:index]:
            if before == value:
                raise Unsupported("two outputs of the model are the same values")
            if before.number == value.number:
                raise Unsupported(
                    f"the model's outputs {other} and {tensor} are made of one layer's result",
                    todo="remove one of them",
                )
    return found


def _network(builder: Builder, model: TfliteModel, name: str) -> Network:
    found = results(builder, model)
    outputs = tuple(cast(int, value.number) for _, value in found)
    layers = cast("list[Layer]", builder.layers)
    for index, (layer, reads) in enumerate(zip(layers, builder.reads, strict=True)):
        # A map that another layer reads, too: a dense layer alone sees a vector.
        if isinstance(layer, Dense) and reads == (0,) and builder.input_shape is not None:
            layers[index] = replace(layer, input_shape=builder.input_shape)
    graph = Graph(name, tuple(layers), tuple(builder.reads), outputs)
    first, *more = _heads(found)
    entry = model.inputs[0]
    host = HostSteps(
        pre=builder.pre or (),
        post=first.post,
        input_shape=one_image(entry),
        input_dtype=entry.dtype,
        output_shape=first.shape,
        output_dtype=first.dtype,
        output_name=first.name,
        more=tuple(more),
    )
    return Network(graph, host, tuple(builder.notes), tuple(builder.tensors), builder.reference)


def _heads(found: list[tuple[TfliteTensor, Value]]) -> list[Head]:
    """Named as their tensors, apart from each other."""
    names = [tensor.name for tensor, _ in found]
    return [
        Head(
            name=name if name and names.count(name) == 1 else f"{name or 'output'}#{tensor.index}",
            post=value.steps,
            shape=one_image(tensor),
            dtype=tensor.dtype,
        )
        for name, (tensor, value) in zip(names, found, strict=True)
    ]


def one_image(tensor: TfliteTensor) -> tuple[int, ...]:
    """The shape without its batch axis, which must be 1."""
    if len(tensor.shape) < 2:
        return tensor.shape
    if tensor.shape[0] != 1:
        raise Unsupported(
            f"{tensor} has a batch of {tensor.shape[0]}", todo="convert the model with batch 1"
        )
    return tensor.shape[1:]
