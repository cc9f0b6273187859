"""Random int8 networks in one dimension, with the operators that TensorFlow's converter writes.

Keras' Conv1D is EXPAND_DIMS or RESHAPE, CONV_2D and SQUEEZE or RESHAPE; the line lies along the
width, of pools along the height. In between tensors are [1, length, channels].
"""

import numpy as np
from ai_edge_litert import schema_py_generated as tfl
from tests.helpers.random_cnns import Cnn

__all__ = ["Line", "random_line"]


class Line(Cnn):
    """A network on lines [length, channels] under construction."""

    def conv1d(
        self,
        source: int,
        channels: int,
        taps: int,
        stride: int = 1,
        dilation: int = 1,
        same: bool = True,
        activation: int = 0,
        copies: int = 0,
        upright: bool = False,
    ) -> int:
        """Conv1D; with ``copies`` DepthwiseConv1D; ``upright`` along the height."""
        made = self._opened(source, upright)
        kernel, stride, dilation = (
            (each, 1) if upright else (1, each) for each in (taps, stride, dilation)
        )
        if copies:
            made = self.depthwise(made, copies, kernel, stride, dilation, same, activation)
        else:
            made = self.convolution(made, channels, kernel, stride, dilation, same, activation)
        return self._closed(made, upright)

    def pool1d(self, source: int, code: str, taps: int, stride: int, same: bool) -> int:
        """MaxPooling1D and AveragePooling1D."""
        made = self.pool(self._opened(source, True), code, (taps, 1), (stride, 1), same)
        return self._closed(made, True)

    def pad1d(self, source: int, before: int, after: int) -> int:
        """ZeroPadding1D, or what a causal Conv1D has before it."""
        length, channels = self.shape(source)
        rows = self._constant(np.int32([[0, 0], [before, after], [0, 0]]))
        result = self._same((before + length + after, channels), source)
        return self._op("PAD", [source, rows], result, tfl.PadOptionsT())

    def mean1d(self, source: int, keep: bool) -> int:
        """GlobalAveragePooling1D."""
        options = tfl.ReducerOptionsT()
        options.keepDims = keep
        axes = self._constant(np.int32(self.rng.choice([1, -2])).reshape(()))
        channels = self.shape(source)[1]
        result = self._result((1, channels) if keep else (channels,), self._scale_near(source))
        return self._op("MEAN", [source, axes], result, options)

    def join1d(self, *sources: int) -> int:
        """Concatenate along the channels."""
        options = tfl.ConcatenationOptionsT()
        options.axis = int(self.rng.choice([2, -1]))
        channels = sum(self.shape(each)[1] for each in sources)
        result = self._same((self.shape(sources[0])[0], channels), sources[0])
        return self._op("CONCATENATION", list(sources), result, options)

    def _scale_near(self, source: int) -> float:
        return float(self.tensors[source].scale) * 10.0 ** self.rng.uniform(-0.7, 0.2)

    def _opened(self, source: int, upright: bool) -> int:
        length, channels = self.shape(source)
        shape = (length, 1, channels) if upright else (1, length, channels)
        if self.rng.integers(2):
            return self.reshape(source, shape)
        axis = int(self.rng.choice([2, -2] if upright else [1, -3]))
        where = self._constant(np.int32(axis).reshape(()))
        return self._op("EXPAND_DIMS", [source, where], self._same(shape, source))

    def _closed(self, source: int, upright: bool) -> int:
        height, width, channels = self.shape(source)
        shape = (height * width, channels)
        if self.rng.integers(2):
            return self.reshape(source, shape)
        options = tfl.SqueezeOptionsT()
        options.squeezeDims = [int(self.rng.choice([2, -2] if upright else [1, -3]))]
        return self._op("SQUEEZE", [source], self._same(shape, source), options)


def random_line(rng: np.random.Generator, layers: int = 6, length: int = 24) -> bytes:
    """A network of up to ``layers`` operators with branches, and a dense layer or a mean last."""
    line = Line(rng, (int(rng.integers(4, length + 1)), int(rng.integers(1, 5))), tame=True)
    current, lines = 0, [0]
    for _ in range(int(rng.integers(1, layers + 1))):
        current = _inner(rng, line, current, lines)
        lines.append(current)
    end = int(rng.integers(3))
    if end == 0:
        current = line.mean1d(current, bool(rng.integers(2)))
    if end == 1:
        length, channels = line.shape(current)
        current = line.reshape(current, (length * channels,))
    if end:
        current = line.dense(current, int(rng.integers(1, 12)))
    read = {tensor for op in line.ops for tensor in op.inputs}
    loose = [op.outputs[0] for op in line.ops if op.outputs[0] not in read]
    return line.build(current, *(each for each in loose if each != current))


def _inner(rng: np.random.Generator, line: Line, current: int, lines: list[int]) -> int:
    length, channels = line.shape(current)
    taps = int(rng.choice([1, 2, 3, 5]))
    dilation = int(rng.choice([1, 1, 2]))
    same = bool(rng.integers(2)) or (taps - 1) * dilation >= length
    stride = int(rng.choice([1, 1, 2]))
    equal = [each for each in lines if each != current and line.shape(each) == (length, channels)]
    beside = [each for each in lines if each != current and line.shape(each)[0] == length]
    kind = str(rng.choice(["conv", "conv", "depthwise", "pool", "pad", "add", "join", "table"]))
    upright, activation = bool(rng.integers(2)), int(rng.choice([0, 1, 3]))
    if kind == "depthwise":
        copies = 1 + int(rng.random() < 0.2)
        return line.conv1d(current, 0, taps, stride, 1, same, activation, copies, upright)
    if kind == "pool":
        code = str(rng.choice(["MAX_POOL_2D", "AVERAGE_POOL_2D"]))
        return line.pool1d(current, code, min(taps, length), stride, same)
    if kind == "pad":
        return line.pad1d(current, int(rng.integers(3)), int(rng.integers(3)))
    if kind == "add" and equal:
        return line.add(current, int(rng.choice(equal)), activation)
    if kind == "join" and beside:
        return line.join1d(current, line.quantize(int(rng.choice(beside)), like=current))
    if kind == "table":
        return line.activation(current, str(rng.choice(["RELU", "TANH", "LOGISTIC"])))
    stride = 1 if dilation > 1 else stride
    wide = int(rng.integers(1, 9))
    return line.conv1d(current, wide, taps, stride, dilation, same, activation, 0, upright)
