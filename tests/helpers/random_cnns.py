"""Random int8 convolutional networks as .tflite files, drawn to reach the corners of the numerics.

`Cnn` builds a model operator by operator; `random_layer` draws one operator, `random_cnn` a graph.
"""

from math import prod

import numpy as np
from ai_edge_litert import schema_py_generated as tfl
from tests.helpers.litert import Op, Tensor, build
from tests.helpers.random_models import fully_connected

__all__ = ["LAYERS", "Cnn", "random_cnn", "random_inputs", "random_layer"]

Pair = tuple[int, int]


class Cnn:
    """A model under construction: one input, operators that each give the index of their result.

    Weights, scales and zero points are random: scales anywhere or powers of two (exact ties), one
    per tensor or per channel; zero points anywhere or at the ends; results from all in one step to
    all saturated.

    Parameters
    ----------
    rng : of all choices.
    shape : (height, width, channels) of the input.
    tame : whether results should spread over their range, as in a trained network.
    """

    def __init__(self, rng: np.random.Generator, shape: tuple[int, ...], tame: bool = False):
        self.rng, self.tame = rng, tame
        self.tensors = [Tensor((1, *shape), "int8", self._scale(), self._zero_point())]
        self.tensors[0].name = "input"
        self.ops: list[Op] = []

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Height, width and channels; or less."""
        return self.tensors[tensor].shape[1:]

    def convolution(
        self,
        source: int,
        channels: int,
        kernel: Pair = (1, 1),
        stride: Pair = (1, 1),
        dilation: Pair = (1, 1),
        same: bool = True,
        activation: int = 0,
        groups: int = 1,
    ) -> int:
        """CONV_2D."""
        options = self._windowed(tfl.Conv2DOptionsT(), stride, same, activation)
        options.dilationHFactor, options.dilationWFactor = dilation
        inputs = self.shape(source)[2] // groups
        size = self._size(source, kernel, stride, dilation, same)
        weights, bias = self._weights(source, (channels, *kernel, inputs), 0)
        result = self._result((*size, channels), self._fitting(source, weights))
        return self._op("CONV_2D", [source, weights, bias], result, options)

    def depthwise(
        self,
        source: int,
        copies: int = 1,
        kernel: Pair = (3, 3),
        stride: Pair = (1, 1),
        dilation: Pair = (1, 1),
        same: bool = True,
        activation: int = 0,
    ) -> int:
        """DEPTHWISE_CONV_2D with ``copies`` results a channel."""
        options = self._windowed(tfl.DepthwiseConv2DOptionsT(), stride, same, activation)
        options.dilationHFactor, options.dilationWFactor = dilation
        options.depthMultiplier = copies
        channels = self.shape(source)[2] * copies
        size = self._size(source, kernel, stride, dilation, same)
        weights, bias = self._weights(source, (1, *kernel, channels), 3)
        result = self._result((*size, channels), self._fitting(source, weights))
        return self._op("DEPTHWISE_CONV_2D", [source, weights, bias], result, options)

    def pool(
        self,
        source: int,
        code: str,
        kernel: Pair,
        stride: Pair = (1, 1),
        same: bool = False,
        activation: int = 0,
    ) -> int:
        """``code`` is AVERAGE_POOL_2D or MAX_POOL_2D."""
        options = self._windowed(tfl.Pool2DOptionsT(), stride, same, activation)
        options.filterHeight, options.filterWidth = kernel
        size = self._size(source, kernel, stride, (1, 1), same)
        result = self._same((*size, self.shape(source)[2]), source)
        return self._op(code, [source], result, options)

    def mean(self, source: int, keep: bool = True) -> int:
        """MEAN over height and width."""
        options = tfl.ReducerOptionsT()
        options.keepDims = keep
        axes = self._constant(np.int32([1, 2] if self.rng.random() < 0.8 else [-2, 1]))
        channels = self.shape(source)[2]
        own = float(self.tensors[source].scale)
        scale = own * 10.0 ** self.rng.uniform(-1, 0.5)
        if self.rng.random() < 0.3:
            scale = own
        result = self._result((1, 1, channels) if keep else (channels,), scale)
        return self._op("MEAN", [source, axes], result, options)

    def add(self, one: int, other: int, activation: int = 0) -> int:
        """ADD."""
        options = tfl.AddOptionsT()
        options.fusedActivationFunction = activation
        scale = max(float(self.tensors[each].scale) for each in (one, other))
        result = self._result(self.shape(one), scale * 10.0 ** self.rng.uniform(-0.7, 0.5))
        return self._op("ADD", [one, other], result, options)

    def pad(self, source: int, borders: tuple[Pair, Pair]) -> int:
        """PAD by (top, bottom), (left, right)."""
        height, width, channels = self.shape(source)
        (top, bottom), (left, right) = borders
        rows = self._constant(np.int32([[0, 0], *borders, [0, 0]]))
        size = (height + top + bottom, width + left + right, channels)
        return self._op("PAD", [source, rows], self._same(size, source), tfl.PadOptionsT())

    def concatenate(self, *sources: int) -> int:
        """CONCATENATION along the channels of tensors with one quantization."""
        options = tfl.ConcatenationOptionsT()
        options.axis = int(self.rng.choice([3, -1]))
        channels = sum(self.shape(each)[2] for each in sources)
        result = self._same((*self.shape(sources[0])[:2], channels), sources[0])
        return self._op("CONCATENATION", list(sources), result, options)

    def dense(self, source: int, channels: int, activation: int = 0) -> int:
        """FULLY_CONNECTED on all values of ``source``."""
        weights, bias = self._weights(source, (channels, prod(self.shape(source))), 0)
        result = self._result((channels,), self._fitting(source, weights))
        options = fully_connected(activation)
        options.keepNumDims = False
        return self._op("FULLY_CONNECTED", [source, weights, bias], result, options)

    def reshape(self, source: int, shape: tuple[int, ...]) -> int:
        """RESHAPE, without the batch."""
        target = self._constant(np.int32([1, *shape]))
        return self._op("RESHAPE", [source, target], self._same(shape, source))

    def quantize(self, source: int, like: int | None = None) -> int:
        """QUANTIZE to the scale of tensor ``like``, or to a random one near its own."""
        if like is not None:
            result = self._same(self.shape(source), like)
        else:
            scale = float(self.tensors[source].scale) * 10.0 ** self.rng.uniform(-0.5, 0.3)
            result = self._result(self.shape(source), scale)
        return self._op("QUANTIZE", [source], result)

    def activation(self, source: int, code: str) -> int:
        """RELU, TANH, LOGISTIC, ..."""
        scale, zero_point = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}.get(code, (0, 0))
        result = self._result(self.shape(source), scale or float(self.tensors[source].scale))
        if scale:
            self.tensors[result].zero_point = zero_point
        return self._op(code, [source], result)

    def build(self, *outputs: int) -> bytes:
        """The file."""
        return build(self.tensors, self.ops, [0], list(outputs))

    # Parts of operators.

    def _op(self, code: str, inputs: list[int], result: int, options: object = None) -> int:
        self.tensors[result].name = f"{code.lower()}{len(self.ops)}"
        self.ops.append(Op(code, inputs, [result], options))
        return result

    def _windowed(self, options, stride: Pair, same: bool, activation: int):
        options.padding = 0 if same else 1
        options.strideH, options.strideW = stride
        options.fusedActivationFunction = activation
        return options

    def _size(self, source: int, kernel: Pair, stride: Pair, dilation: Pair, same: bool) -> Pair:
        height, width = (
            -(-size // step) if same else (size - (taps - 1) * far - 1) // step + 1
            for size, taps, step, far in zip(
                self.shape(source)[:2], kernel, stride, dilation, strict=True
            )
        )
        return height, width

    def _constant(self, data: np.ndarray) -> int:
        self.tensors.append(Tensor(data.shape, data.dtype.name, data=data))
        return len(self.tensors) - 1

    def _result(self, shape: tuple[int, ...], scale: float) -> int:
        if not self.tame and self.rng.random() < 0.3:
            scale = 2.0 ** np.round(np.log2(scale))
        self.tensors.append(Tensor((1, *shape), "int8", np.float32(scale), self._zero_point()))
        return len(self.tensors) - 1

    def _same(self, shape: tuple[int, ...], source: int) -> int:
        """A result with the quantization of ``source``."""
        like = self.tensors[source]
        self.tensors.append(Tensor((1, *shape), "int8", like.scale, like.zero_point))
        return len(self.tensors) - 1

    def _weights(self, source: int, shape: tuple[int, ...], axis: int) -> Pair:
        rng, channels = self.rng, shape[axis]
        largest = 127 if self.tame else int(rng.choice([1, 3, 40, 127]))
        weights = rng.integers(-largest, largest + 1, shape).astype(np.int8)
        if not self.tame and rng.random() < 0.1:
            weights[...] = rng.choice([-128, 127])
        bias = rng.integers(-(1 << 12), 1 << 12, channels) * int(rng.choice([0, 1, 1, 1 << 6]))
        entry, scale = float(self.tensors[source].scale), 10.0 ** rng.uniform(-3, -1)
        scales = scale * 10.0 ** rng.uniform(-0.7, 0, channels if rng.random() < 0.6 else 1)
        if rng.random() < 0.3:
            scales = 2.0 ** np.round(np.log2(scales))
        scales = scales.astype(np.float32)
        self.tensors += [
            Tensor(shape, "int8", scales, 0, weights, axis),
            Tensor((channels,), "int32", np.float32(entry) * scales, 0, bias.astype(np.int32)),
        ]
        return len(self.tensors) - 2, len(self.tensors) - 1

    def _fitting(self, source: int, weights: int) -> float:
        """A scale for which the sums fill the output, times up to 30 either way unless tame."""
        w, bias = self.tensors[weights], self.tensors[weights + 1].data
        k = w.data.size // len(bias)
        spread = np.abs(w.data.astype(int)).max() * 64 * np.sqrt(k) + np.abs(bias).max() + 1
        factor = 10.0 ** (self.rng.uniform(-0.3, 0.3) if self.tame else self.rng.uniform(-1, 1.5))
        largest = float(np.max(w.scale))
        return float(self.tensors[source].scale) * largest * spread / 128 * factor

    def _scale(self) -> np.float32:
        if self.rng.random() < 0.3:
            return np.float32(2.0 ** self.rng.integers(-9, 3))
        return np.float32(10.0 ** self.rng.uniform(-3, 0.7))

    def _zero_point(self) -> int:
        if self.tame:
            return int(self.rng.choice([-128, -128, 0, self.rng.integers(-128, 128)]))
        return int(self.rng.choice([-128, 127, 0, self.rng.integers(-128, 128)]))


#: What `random_layer` draws.
LAYERS = (
    "CONV_2D",
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "DEPTHWISE_CONV_2D",
    "AVERAGE_POOL_2D",
    "MAX_POOL_2D",
    "MEAN",
    "ADD",
    "PAD",
    "CONCATENATION",
    "FULLY_CONNECTED",
)


def random_layer(rng: np.random.Generator, code: str) -> bytes:
    """One operator ``code`` (ADD and CONCATENATION: with one that makes its second operand).

    Maps of one pixel to 12 x 12 and one channel to 20; kernels larger than the map, strides larger
    than the kernel, unequal strides, SAME with odd and even kernels, dilation, groups, several
    results a channel.
    """
    shape = (_side(rng), _side(rng), int(rng.choice([1, 1, 2, 3, 5, 8, rng.integers(1, 21)])))
    cnn = Cnn(rng, shape, tame=bool(rng.integers(2)))
    activation, same = int(rng.integers(0, 4)), bool(rng.random() < 0.6)
    dilation = _pair(rng, 3) if rng.random() < 0.25 else (1, 1)
    stride = (1, 1) if dilation != (1, 1) and rng.random() < 0.5 else _pair(rng, 4)
    kernel = _pair(rng, 6)
    if not same:
        # A kernel that fits the map.
        kernel = (_fit(shape[0], kernel[0], dilation[0]), _fit(shape[1], kernel[1], dilation[1]))
    if code == "CONV_2D":
        divisors = [d for d in range(1, shape[2] + 1) if shape[2] % d == 0]
        groups = int(rng.choice(divisors)) if rng.random() < 0.4 else 1
        channels = groups * int(rng.integers(1, 1 + 20 // groups))
        last = cnn.convolution(0, channels, kernel, stride, dilation, same, activation, groups)
    elif code == "DEPTHWISE_CONV_2D":
        copies = int(rng.choice([1, 1, 1, 2, 3, 8]))
        last = cnn.depthwise(0, copies, kernel, stride, dilation, same, activation)
    elif code in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        if not same:
            kernel = (min(kernel[0], shape[0]), min(kernel[1], shape[1]))
        last = cnn.pool(0, code, kernel, stride, same, activation)
    elif code == "MEAN":
        last = cnn.mean(0, bool(rng.integers(2)))
    elif code == "ADD":
        other = 0 if rng.random() < 0.1 else cnn.convolution(0, shape[2])
        last = cnn.add(*((0, other) if rng.random() < 0.5 else (other, 0)), activation)
    elif code == "PAD":
        borders = rng.integers(0, 4, (2, 2)).tolist()
        last = cnn.pad(0, (tuple(borders[0]), tuple(borders[1])))
    elif code == "CONCATENATION":
        other = cnn.quantize(cnn.convolution(0, int(rng.integers(1, 9))), like=0)
        last = cnn.concatenate(*rng.permutation([0, other, other]).tolist())
    else:
        last = cnn.dense(0, int(rng.integers(1, 20)), activation)
    return cnn.build(last)


def random_cnn(
    rng: np.random.Generator,
    layers: int = 8,
    side: int = 12,
    channels: int = 16,
    codes: tuple[str, ...] = LAYERS,
    head: bool = True,
) -> bytes:
    """A network of 2 to ``layers`` operators, with branches, on maps of at most ``side`` pixels.

    Parameters
    ----------
    layers : at least 2; a few QUANTIZE and activations come on top.
    side : largest height and width of the input.
    channels : most of any tensor but concatenated ones.
    codes : operators to draw from; FULLY_CONNECTED only comes last.
    head : whether it ends in a FULLY_CONNECTED or a global pool.
    """
    low = max(side // 2, 1)
    shape = (int(rng.integers(low, side + 1)), int(rng.integers(low, side + 1)))
    cnn = Cnn(rng, (*shape, int(rng.integers(1, min(channels, 4) + 1))), tame=True)
    current, maps = 0, [0]
    inner = [code for code in codes if code not in ("FULLY_CONNECTED", "MEAN")]
    for _ in range(int(rng.integers(1, max(layers - 1, 1) + 1))):
        current = _inner(rng, cnn, str(rng.choice(inner)), current, maps, channels)
        if rng.random() < 0.15:
            current = cnn.activation(current, str(rng.choice(["RELU", "TANH", "LOGISTIC"])))
        maps.append(current)
    if head and "MEAN" in codes and rng.random() < 0.4:
        current = cnn.mean(current, bool(rng.integers(2)))
    if head and "FULLY_CONNECTED" in codes and (rng.random() < 0.8 or current == 0):
        if rng.random() < 0.4:
            current = cnn.reshape(current, (prod(cnn.shape(current)),))
        current = cnn.dense(current, int(rng.integers(1, channels + 1)))
    # Results that nothing reads are further outputs.
    read = {tensor for op in cnn.ops for tensor in op.inputs}
    loose = [op.outputs[0] for op in cnn.ops if op.outputs[0] not in read]
    return cnn.build(current, *(each for each in loose if each != current))


def _inner(rng, cnn: Cnn, code: str, current: int, maps: list[int], channels: int) -> int:
    height, width, depth = cnn.shape(current)
    kernel = (int(rng.choice([1, 2, 3, 5])), int(rng.choice([1, 2, 3, 5])))
    step = int(rng.choice([1, 1, 2])) if min(height, width) > 2 else 1
    stride = (step, step) if rng.random() < 0.8 else (step, 1)
    same = bool(rng.random() < 0.7) or min(height - kernel[0], width - kernel[1]) < 0
    activation = int(rng.choice([0, 1, 1, 3]))
    wide = int(rng.integers(1, channels + 1))
    equal = [each for each in maps if each != current and cnn.shape(each) == cnn.shape(current)]
    beside = [each for each in maps if cnn.shape(each)[:2] == (height, width)]
    if code == "CONV_2D":
        return cnn.convolution(current, wide, kernel, stride, (1, 1), same, activation)
    if code == "DEPTHWISE_CONV_2D":
        copies = 2 if rng.random() < 0.2 and 2 * depth <= channels else 1
        return cnn.depthwise(current, copies, kernel, stride, (1, 1), same, activation)
    if code in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        return cnn.pool(current, code, kernel, stride, same)
    if code == "PAD":
        return cnn.pad(current, ((1, 0), (0, 1)) if rng.random() < 0.5 else ((1, 1), (1, 1)))
    if code == "ADD":
        other = int(rng.choice(equal)) if equal else cnn.convolution(current, depth)
        return cnn.add(current, other, activation)
    other = int(rng.choice(beside))
    other = cnn.convolution(current, wide) if other == current else other
    return cnn.concatenate(current, cnn.quantize(other, like=current))


def random_inputs(rng: np.random.Generator, shape: tuple[int, ...], count: int) -> np.ndarray:
    """int8 [count, *shape]: all -128, all 127, then random ones of which some are mostly -128."""
    x = rng.integers(-128, 128, (count, *shape)).astype(np.int8)
    x[: count // 2][rng.random(x[: count // 2].shape) < 0.5] = -128
    x[0] = -128
    x[min(1, count - 1)] = 127
    return x


def _side(rng) -> int:
    return int(rng.choice([1, 2, 3, rng.integers(1, 13), rng.integers(4, 13)]))


def _pair(rng, most: int) -> Pair:
    one = int(rng.integers(1, most + 1))
    return (one, one) if rng.random() < 0.5 else (one, int(rng.integers(1, most + 1)))


def _fit(size: int, taps: int, dilation: int) -> int:
    return max(min(taps, (size - 1) // dilation + 1), 1)
