"""An int8 graph that the quantizer made as a .tflite file: scales only, so that LiteRT computes
multipliers, clamps and tables by itself."""

import numpy as np
from ai_edge_litert import schema_py_generated as tfl
from tests.helpers.litert import Op, Tensor, build
from tests.helpers.random_models import fully_connected

from celosia.network.float_graph import FloatGraph
from celosia.network.functions import X, clip
from celosia.network.graph import Graph
from celosia.quant.activation import fixed_result
from celosia.quant.layers import weight_rows, weight_scale

__all__ = ["tflite_of"]

_FUSED = {X: 0, clip(0): 1, clip(0, 6): 3}
_CODES = {
    "sigmoid": "LOGISTIC",
    "tanh": "TANH",
    "leaky_relu": "LEAKY_RELU",
    "hard_swish": "HARD_SWISH",
    "gelu_tanh": "GELU",
}


class _Writer:
    def __init__(self, floats: FloatGraph, graph: Graph):
        self.floats, self.graph = floats, graph
        self.tensors: list[Tensor] = []
        self.ops: list[Op] = []
        self.at = [self._tensor(graph.shapes[0], graph.input)]

    def _tensor(self, shape, quant, **more) -> int:
        self.tensors.append(Tensor((1, *shape), "int8", quant.scale, quant.zero_point, **more))
        return len(self.tensors) - 1

    def _constant(self, data, scale=None, axis=0) -> int:
        zero = 0 if scale is not None else None
        self.tensors.append(Tensor(data.shape, data.dtype.name, scale, zero, data, axis))
        return len(self.tensors) - 1

    def layer(self, index: int) -> None:
        real, layer = self.floats.layers[index], self.graph.layers[index]
        sources = [self.at[tensor] for tensor in self.graph.reads[index]]
        f = real.function
        plain = f in _FUSED and layer.kind not in ("Mean", "Pad", "Concatenation")
        code, inputs, options = self._operator(real, layer, sources, _FUSED.get(f, 0))
        result = self._tensor(layer.output_shape, layer.output)
        self.ops.append(Op(code, inputs, [result], options))
        if not plain and f in _FUSED and f != X:
            after = self._tensor(layer.output_shape, layer.output)
            self.ops.append(Op({1: "RELU", 3: "RELU6"}[_FUSED[f]], [result], [after]))
            result = after
        elif f not in _FUSED:
            fixed = fixed_result(f) or layer.result
            after = self._tensor(layer.output_shape, fixed)
            options = None
            if f.name == "leaky_relu":
                options = tfl.LeakyReluOptionsT()
                options.alpha = f.params[0]
            if f.name == "gelu_tanh":
                options = tfl.GeluOptionsT()
                options.approximate = True
            self.ops.append(Op(_CODES[f.name], [result], [after], options))
            result = after
            if fixed != layer.result:  # it is shared with other tensors
                result = self._tensor(layer.output_shape, layer.result)
                self.ops.append(Op("QUANTIZE", [after], [result]))
        self.tensors[result].name = f"result {index}"
        self.at.append(result)

    def _operator(self, real, layer, sources, activation):
        kind = layer.kind
        if kind in ("Dense", "Convolution", "Depthwise"):
            scale = weight_scale(weight_rows(real), real.bias, layer.input.scale)
            weights, axis = layer.weights, 0
            if kind == "Depthwise":
                weights, axis = weights[None], 3
            inputs = [
                sources[0],
                self._constant(weights, scale, axis),
                self._constant(layer.bias, scale * np.float32(layer.input.scale)),
            ]
        if kind == "Dense":
            options = fully_connected(activation)
            options.keepNumDims = False
            return "FULLY_CONNECTED", inputs, options
        if kind == "Convolution":
            return "CONV_2D", inputs, self._window(tfl.Conv2DOptionsT(), layer, activation)
        if kind == "Depthwise":
            options = self._window(tfl.DepthwiseConv2DOptionsT(), layer, activation)
            options.depthMultiplier = layer.copies
            return "DEPTHWISE_CONV_2D", inputs, options
        if kind in ("AveragePool", "MaxPool"):
            options = self._window(tfl.Pool2DOptionsT(), layer, activation)
            options.filterHeight, options.filterWidth = layer.kernel
            code = "AVERAGE_POOL_2D" if kind == "AveragePool" else "MAX_POOL_2D"
            return code, sources, options
        if kind == "Mean":
            options = tfl.ReducerOptionsT()
            options.keepDims = True
            return "MEAN", [*sources, self._constant(np.int32([1, 2]))], options
        if kind == "Add":
            options = tfl.AddOptionsT()
            options.fusedActivationFunction = activation
            return "ADD", sources, options
        if kind == "Concatenation":
            options = tfl.ConcatenationOptionsT()
            options.axis = 3
            return "CONCATENATION", sources, options
        rows = np.int32([[0, 0], [layer.top, layer.bottom], [layer.left, layer.right], [0, 0]])
        return "PAD", [*sources, self._constant(rows)], tfl.PadOptionsT()

    def _window(self, options, layer, activation: int):
        """SAME or VALID, whichever has this layer's size and padding."""
        same = all(
            size == -(-n // step)
            for n, size, step in zip(
                layer.input_shape[:2], layer.output_size, layer.stride, strict=True
            )
        )
        options.padding = 0 if same else 1
        options.strideH, options.strideW = layer.stride
        options.fusedActivationFunction = activation
        return options


def tflite_of(floats: FloatGraph, graph: Graph) -> bytes:
    """``graph``, the int8 form of ``floats``; the result of layer i is tensor "result i"."""
    writer = _Writer(floats, graph)
    for index in range(len(graph.layers)):
        writer.layer(index)
    return build(writer.tensors, writer.ops, [0], [writer.at[-1]])
