"""Random float CNNs (`float_cnns`) as TFLite files, as TensorFlow's converter writes them."""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as tfl
from tests.helpers.float_cnns import Cnn
from tests.helpers.litert import Op, Tensor, build

__all__ = ["Writer", "tflite_bytes"]

_PLAIN = {"relu": "RELU", "relu6": "RELU6", "sigmoid": "LOGISTIC", "tanh": "TANH", "elu": "ELU",
          "hardswish": "HARD_SWISH"}  # fmt: skip


class Writer:
    """A float file under construction.

    Parameters
    ----------
    shape : of the input, channels last, without the batch.
    weights : how weights are stored: "float32", "float16" behind a DEQUANTIZE, or "int8" with a
        scale for each channel; "rounded" is float32 of the same reals as "int8".
    """

    def __init__(self, shape: tuple[int, ...], weights: str = "float32"):
        self.tensors = [Tensor((1, *shape), "float32", name="input")]
        self.ops: list[Op] = []
        self.kind = weights

    def shape(self, tensor: int) -> tuple[int, ...]:
        return self.tensors[tensor].shape

    def constant(self, values: np.ndarray, **more: Any) -> int:
        values = np.asarray(values)
        self.tensors.append(Tensor(values.shape, values.dtype.name, data=values, **more))
        return len(self.tensors) - 1

    def weights(self, values: np.ndarray, axis: int = 0) -> int:
        if self.kind == "float16":
            stored = self.constant(values.astype(np.float16))
            return self.add("DEQUANTIZE", [stored], values.shape)
        if self.kind in ("int8", "rounded"):
            rows = np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)
            scale = (np.maximum(np.abs(rows).max(axis=1), 1e-6) / 127).astype(np.float32)
            along = [-1 if each == axis else 1 for each in range(values.ndim)]
            steps = np.clip(np.rint(values / scale.reshape(along)), -127, 127)
            if self.kind == "int8":
                return self.constant(steps.astype(np.int8), scale=scale, axis=axis)
            values = steps * scale.astype(np.float64).reshape(along)
        return self.constant(values.astype(np.float32))

    def add(self, code: str, inputs: list[int], shape: tuple[int, ...], options: Any = None) -> int:
        """An operator with a result of ``shape``, the batch included."""
        self.tensors.append(Tensor(tuple(int(n) for n in shape), "float32"))
        self.ops.append(Op(code, inputs, [len(self.tensors) - 1], options))
        return len(self.tensors) - 1

    def build(self, end: int) -> bytes:
        self.tensors[end].name = "output"
        return build(self.tensors, self.ops, [0], [end])

    # What a layer of a `Cnn` becomes. Maps of one dimension are lines of one of two.

    def wide(self, x: int) -> int:
        shape = self.shape(x)
        return self.add("EXPAND_DIMS", [x, self.constant(np.int32([1]))], (1, 1, *shape[1:]))

    def line(self, x: int) -> int:
        shape = self.shape(x)
        options = tfl.SqueezeOptionsT()
        options.squeezeDims = [1]
        return self.add("SQUEEZE", [x], (1, *shape[2:]), options)

    def pad(self, x: int, pads: list[Any]) -> int:
        """``pads`` : (before, behind) of each axis of the map."""
        if not np.any(pads):
            return x
        rows = np.int32([[0, 0], *pads, [0, 0]])
        shape = [n + sum(row) for n, row in zip(self.shape(x), rows.tolist(), strict=True)]
        return self.add("PAD", [x, self.constant(rows)], tuple(shape), tfl.PadOptionsT())

    def conv(self, x: int, options: dict[str, Any]) -> int:
        w, axes = options["weights"], options["weights"].ndim - 2
        p, s, d = options["padding"], options["stride"], options["dilation"]
        k = w.shape[2]
        same = s == 1 and p > 0 and 2 * p == d * (k - 1)
        x = x if same else self.pad(x, [[p, p]] * axes)
        if axes == 1:
            x, w = self.wide(x), w[:, :, None]
        depthwise = options["groups"] == self.shape(x)[-1] > 1
        made = tfl.DepthwiseConv2DOptionsT() if depthwise else tfl.Conv2DOptionsT()
        made.padding = 0 if same else 1
        # LiteRT wants one stride of both axes in a depthwise convolution.
        made.strideH, made.strideW = (s if axes == 2 or depthwise else 1), s
        made.dilationHFactor, made.dilationWFactor = (d, d) if axes == 2 else (1, d)
        if depthwise:
            made.depthMultiplier = len(w) // options["groups"]
            weights = self.weights(w[:, 0].transpose(1, 2, 0)[None], axis=3)
        else:
            weights = self.weights(w.transpose(0, 2, 3, 1))
        size = self.shape(x)[1:3]
        if not same:
            reach = [d * (n - 1) for n in w.shape[2:]]
            size = [(n - r - 1) // s + 1 for n, r in zip(size, reach, strict=True)]
        bias = options["bias"] if options["bias"] is not None else np.zeros(len(w), np.float32)
        code = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
        y = self.add(code, [x, weights, self.constant(bias)], (1, *size, len(w)), made)
        return self.line(y) if axes == 1 else y

    def norm(self, x: int, options: dict[str, Any]) -> int:
        gamma, beta, mean, variance = (
            options[key].astype(np.float64) for key in ("gamma", "beta", "mean", "variance")
        )
        factor = gamma / np.sqrt(variance + np.float64(np.float32(1e-3)))
        x = self.binary("MUL", x, self.constant(factor.astype(np.float32)))
        return self.binary("ADD", x, self.constant((beta - mean * factor).astype(np.float32)))

    def binary(self, code: str, x: int, y: int) -> int:
        options = {"ADD": tfl.AddOptionsT, "MUL": tfl.MulOptionsT}[code]()
        return self.add(code, [x, y], self.shape(x), options)

    def activation(self, x: int, name: str) -> int:
        shape = self.shape(x)
        if name == "silu":
            return self.binary("MUL", x, self.add("LOGISTIC", [x], shape))
        if name == "leaky":
            options = tfl.LeakyReluOptionsT()
            options.alpha = 0.1
            return self.add("LEAKY_RELU", [x], shape, options)
        if name == "gelu":
            return self.add("GELU", [x], shape, tfl.GeluOptionsT())
        return self.add(_PLAIN[name], [x], shape)

    def pool(self, x: int, kind: str, options: dict[str, Any]) -> int:
        axes, k, s = len(self.shape(x)) - 2, options["kernel"], options["stride"]
        x = self.wide(x) if axes == 1 else x
        made = tfl.Pool2DOptionsT()
        made.padding, made.strideH, made.strideW = 1, s if axes == 2 else 1, s
        made.filterHeight, made.filterWidth = (k, k) if axes == 2 else (1, k)
        _, height, width, channels = self.shape(x)
        size = (height if axes == 1 else (height - k) // s + 1, (width - k) // s + 1)
        code = "MAX_POOL_2D" if kind == "max" else "AVERAGE_POOL_2D"
        y = self.add(code, [x], (1, *size, channels), made)
        return self.line(y) if axes == 1 else y

    def mean(self, x: int) -> int:
        shape = self.shape(x)
        axes = self.constant(np.arange(1, len(shape) - 1).astype(np.int32))
        return self.add("MEAN", [x, axes], (1, shape[-1]), tfl.ReducerOptionsT())

    def flatten(self, x: int) -> int:
        """In the order of channels first, as the dense weights are."""
        shape = self.shape(x)
        order = [0, len(shape) - 1, *range(1, len(shape) - 1)]
        x = self.add("TRANSPOSE", [x, self.constant(np.int32(order))], [shape[n] for n in order])
        sizes = np.int32([-1, np.prod(shape)])
        return self.add("RESHAPE", [x, self.constant(sizes)], (1, np.prod(shape)))

    def dense(self, x: int, options: dict[str, Any]) -> int:
        w = options["weights"]
        inputs = [x, self.weights(w), self.constant(options["bias"])]
        return self.add("FULLY_CONNECTED", inputs, (1, len(w)), tfl.FullyConnectedOptionsT())

    def softmax(self, x: int) -> int:
        options = tfl.SoftmaxOptionsT()
        options.beta = 1.0
        return self.add("SOFTMAX", [x], self.shape(x), options)

    def concat(self, one: int, other: int) -> int:
        options = tfl.ConcatenationOptionsT()
        options.axis = len(self.shape(one)) - 1
        shape = (*self.shape(one)[:-1], self.shape(one)[-1] + self.shape(other)[-1])
        return self.add("CONCATENATION", [one, other], shape, options)


def tflite_bytes(cnn: Cnn, weights: str = "float32") -> bytes:
    """``cnn`` of the layers that all frameworks have, channels last."""
    made, x = Writer((*cnn.shape[1:], cnn.shape[0]), weights), 0
    for kind, options in cnn.layers:
        if kind in ("conv", "norm", "dense"):
            x = getattr(made, kind)(x, options)
        elif kind == "activation":
            x = made.activation(x, options["name"])
        elif kind == "residual":
            x = made.binary("ADD", x, made.norm(made.conv(x, options["conv"]), options["norm"]))
        elif kind == "concat":
            x = made.concat(made.conv(x, options["conv"]), x)
        elif kind == "pad":
            x = made.pad(x, options["pads"])
        elif kind in ("max", "average"):
            x = made.pool(x, kind, options)
        else:
            x = getattr(made, kind)(x)
    return made.build(x)
