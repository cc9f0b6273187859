"""A .tflite file as a network: its graph, and what the host does around it."""

from dataclasses import replace
from functools import partial
from typing import cast

from celosia.network.graph import Graph
from celosia.network.host_steps import HostSteps
from celosia.network.layers import Dense, Layer
from celosia.network.network import Network
from celosia.numerics.runtime import Runtime
from celosia.support.errors import Unsupported

from .builder import Builder
from .dense import dense
from .load import TfliteModel, TfliteTensor, load

__all__ = ["one_image", "tflite_network"]


def tflite_network(
    data: bytes, name: str = "model", reference: Runtime = Runtime.LITERT
) -> Network:
    """The bytes of a ``.tflite`` file as a network that computes the same bytes as ``reference``.

    FULLY_CONNECTED, CONV_2D, DEPTHWISE_CONV_2D, both pools, MEAN, ADD, PAD and CONCATENATION become
    layers. An activation or a QUANTIZE after a layer whose result nothing else reads becomes the
    layer's element table, or only its clamp where that is enough; else a layer that copies.
    RESHAPE, SQUEEZE and EXPAND_DIMS move no data and are dropped. QUANTIZE before the first layer,
    and SOFTMAX, QUANTIZE to uint8 and DEQUANTIZE after the last one, run on the host.

    The results of a model with several outputs are side by side, each flattened; they must be int8
    and need no host steps.

    Raises
    ------
    CelosiaError : the file is damaged or contradicts itself.
    Unsupported : an operator, or a form of it, is not supported; the error gives its index.
    """
    model = load(data)
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


def _network(builder: Builder, model: TfliteModel, name: str) -> Network:
    outputs, post = [], ()
    for tensor in model.outputs:
        value = builder.values.get(tensor.index)
        if value is None or value.number is None:
            raise Unsupported(f"the model's output is {tensor}, which no layer computes")
        outputs.append(value.number)
        post = value.steps
        if len(model.outputs) > 1 and (value.steps or tensor.dtype != "int8"):
            raise Unsupported(
                f"the model has {len(model.outputs)} outputs, and {tensor} needs host steps"
            )
    if len(set(outputs)) < len(outputs):
        raise Unsupported("two outputs of the model are the same values")
    layers = cast("list[Layer]", builder.layers)
    for index, (layer, reads) in enumerate(zip(layers, builder.reads, strict=True)):
        # A map that another layer reads, too: a dense layer alone sees a vector.
        if isinstance(layer, Dense) and reads == (0,) and builder.input_shape is not None:
            layers[index] = replace(layer, input_shape=builder.input_shape)
    graph = Graph(name, tuple(layers), tuple(builder.reads), tuple(outputs))
    first, last = model.inputs[0], model.outputs[0]
    shape = one_image(last)
    if len(outputs) > 1:
        shape = (sum(layers[number - 1].outputs for number in outputs),)
        sizes = ", ".join(f"{t.name or t.index} {list(one_image(t))}" for t in model.outputs)
        builder.notes.append(f"the outputs are side by side: {sizes}")
    host = HostSteps(
        pre=builder.pre or (),
        post=post,
        input_shape=one_image(first),
        input_dtype=first.dtype,
        output_shape=shape,
        output_dtype=last.dtype,
    )
    return Network(graph, host, tuple(builder.notes), tuple(builder.tensors), builder.reference)


def one_image(tensor: TfliteTensor) -> tuple[int, ...]:
    """The shape without its batch axis, which must be 1."""
    if len(tensor.shape) < 2:
        return tensor.shape
    if tensor.shape[0] != 1:
        raise Unsupported(
            f"{tensor} has a batch of {tensor.shape[0]}", todo="convert the model with batch 1"
        )
    return tensor.shape[1:]
