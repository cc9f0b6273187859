"""The page of supported operators, generated from the importers' own registries."""

from collections.abc import Iterable

from celosia.importer.keras.activations import ACTIVATIONS
from celosia.importer.keras.calls import CALLS
from celosia.importer.keras.layers import LAYERS, MERGES
from celosia.importer.onnx.operators import OPERATORS as ONNX
from celosia.importer.onnx.qdq import LINEAR
from celosia.importer.tflite.builder import HANDLERS, Builder
from celosia.importer.tflite.floats.operators import OPERATORS as TFLITE_FLOAT
from celosia.importer.tflite.shape_constants import SHAPE_OPERATORS
from celosia.importer.torch.operators import OPERATORS as TORCH
from celosia.network.functions import FORMULAS

__all__ = ["supported"]

#: Handler of the importer -> where it runs. A handler that is missing here fails the generation.
_TFLITE = {
    Builder.dense: "engine: a layer; a fused RELU, RELU6 or RELU_N1_TO_1 is its clamp",
    Builder.one_map: "engine with convolution: a layer; a fused activation as above",
    Builder.add_maps: "engine with convolution: a layer; a fused activation as above",
    Builder.arithmetic: (
        "engine: of a constant, or of two functions of one tensor; an element table, or with a "
        "constant for each channel a layer"
    ),
    Builder.all_maps: "engine with convolution: a layer, along the channels",
    Builder.activation: (
        "engine: the element table of the layer before it, or only its clamp; "
        "a layer of its own where other layers read its input, too"
    ),
    Builder.quantize: "engine between int8 layers (a table); host before the first, after the last",
    Builder.dequantize: "host: after the last layer",
    Builder.softmax: "host: after the last layer, byte for byte LiteRT's",
    Builder.reshape: "dropped: moves no data",
}

#: Without the one whose modes are all refused, by name.
_TFLITE_FLOAT = set(TFLITE_FLOAT) - {"MIRROR_PAD"}

_INTRODUCTION = """\
The operators that `celosia compile`, `run`, `check` and `diff` support. For a given model,
`celosia check MODEL` shows where each operation runs; it ends with status 4 and names every
operation that is not supported. Models have one input. They are graphs of layers on maps of
one or two dimensions and on vectors; float models have one output.
An attribute, argument or option that is not known is refused by its name and value."""

_FLOAT = """\
Dense layers run on every engine; convolutions, pools, sums and concatenations of branches on those
with convolution. Channels first are brought to the engine's order, with channels last; results have
the model's own. Batch normalization, constant factors and summands, and rescaling are folded into
the layer before or after them; those for each feature of the input or of the result run on the
host. Element-wise functions run on the engine: those that only clip are part of their layer's
clamp, others take one of the engine's 256-entry tables each. Whatever is computed of constants is
computed when the file is read. Dropout, identity, reshaping and axes in another order are dropped.
A softmax or log-softmax may be last, and runs on the host."""


def supported(notice: str) -> str:
    """The text of the page, with ``notice`` below its title."""
    lines = ["# Supported models", "", notice, "", _INTRODUCTION, ""]
    lines += ["## TFLite (int8), every output byte LiteRT's", ""]
    lines += ["| operator | runs on |", "|---|---|"]
    lines += [f"| `{name}` | {_TFLITE[handler]} |" for name, handler in sorted(HANDLERS.items())]
    lines += ["", f"Computed when the file is read, of shapes: {_list(SHAPE_OPERATORS)}.", ""]
    lines += ["## Float models: ONNX, Keras 3, PyTorch, TFLite", "", _FLOAT, ""]
    lines += ["Element-wise functions, and compositions of them: " + _list(FORMULAS) + ".", ""]
    for title, names in (
        ("ONNX operators (`.onnx`, float, or QDQ with its own scales)", {*ONNX, *LINEAR}),
        ("Keras layers (`.keras`, `.h5`)", {*LAYERS, *MERGES, "InputLayer"}),
        ("Functions of `keras.ops` in functional models", CALLS),
        ("Keras activations by name", {*ACTIVATIONS, "softmax", "log_softmax"}),
        ("PyTorch operators (`torch.export`, `.pt2`)", TORCH),
        ("TFLite operators (`.tflite`, float32, or float16 and int8 weights)", _TFLITE_FLOAT),
    ):
        lines += [f"### {title}", "", _list(names), ""]
    return "\n".join(lines[:-1]) + "\n"


def _list(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names, key=str.lower))
