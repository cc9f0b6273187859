"""What a program image says about the model it was compiled from, for people and the driver."""

import math
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from celosia.network.graph import Layer
from celosia.network.heads import Head, named
from celosia.network.host_steps import HostSteps
from celosia.numerics.quant import Quant
from celosia.numerics.runtime import Runtime

__all__ = ["LayerInfo", "ModelInfo", "PieceInfo", "Shape"]


#: Height, width and channels of a tensor.
Shape = tuple[int, int, int]
#: A map has at most that many lines and as many pixels in a line; what files say is checked.
_MOST = 1 << 16
_VALUES = 1 << 28


@dataclass(frozen=True, kw_only=True)
class PieceInfo:
    """What one descriptor makes of a layer's result, on engines with convolution.

    Parameters
    ----------
    descriptor : its number.
    corner, size : (y, x) of its first pixel in the result, and lines and pixels that it makes.
    runs : channels by (first, step, count, byte): channel ``first + i * step`` is byte ``byte + i``
        of the words that the descriptor makes for a pixel.
    """

    descriptor: int
    corner: tuple[int, int]
    size: tuple[int, int]
    runs: tuple[tuple[int, int, int, int], ...]

    def __post_init__(self) -> None:
        _check(self, descriptor=int, corner=tuple, size=tuple, runs=tuple)
        _check_integers("corner", self.corner, 2, 0, _MOST)
        _check_integers("size", self.size, 2, 1, _MOST)
        if self.descriptor < 0 or not self.runs:
            raise ValueError(f"a piece of descriptor {self.descriptor} with {len(self.runs)} runs")
        for run in self.runs:
            _check_integers("run", run, 4, 0, _MOST)
            if run[2] == 0:
                raise ValueError(f"run = {run!r} has no channel")

    @classmethod
    def of(
        cls,
        descriptor: int,
        corner: tuple[int, int],
        size: tuple[int, int],
        channels: np.ndarray,
        places: np.ndarray,
    ) -> "PieceInfo":
        """With ``channels`` [C] at the bytes ``places`` [C]."""
        runs: list[tuple[int, int, int, int]] = []
        for channel, byte in zip(channels.tolist(), places.tolist(), strict=True):
            if runs:
                first, step, count, start = runs[-1]
                step = channel - first if count == 1 else step
                if byte == start + count and channel == first + count * step and step > 0:
                    runs[-1] = (first, step, count + 1, start)
                    continue
            runs.append((channel, 1, 1, byte))
        return cls(
            descriptor=descriptor, corner=corner, size=size, runs=tuple(runs)
        )  # fmt: skip

    def channels(self) -> tuple[np.ndarray, np.ndarray]:
        """int [C] channels, and the byte of each."""
        parts = [
            (first + np.arange(count) * step, byte + np.arange(count))
            for first, step, count, byte in self.runs
        ]
        channels, places = (np.concatenate(each) for each in zip(*parts, strict=True))
        return channels, places


@dataclass(frozen=True, kw_only=True)
class LayerInfo:
    """One layer of the model; on engines with dense layers only, one descriptor of the program.

    Parameters
    ----------
    name : shown to the user.
    inputs, outputs : int8 values in and out, at least 1.
    macs : multiplications one inference needs, before any are skipped.
    scale, zero_point : quantization of what the layer hands on.
    emitted : True when its results are streamed to the host.
    shape : height, width and channels of the result; () for a vector.
    pieces : which descriptors make it, on engines with convolution, the later one where two meet.
    constants : (channel, int8 value) of channels that no descriptor makes, because no input can
        change them.
    """

    name: str
    inputs: int
    outputs: int
    macs: int
    scale: float
    zero_point: int
    emitted: bool
    shape: Shape = ()  # type: ignore[assignment]
    pieces: tuple[PieceInfo, ...] = ()
    constants: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        _check(self, name=str, inputs=int, outputs=int, macs=int, zero_point=int, emitted=bool)
        _check(self, shape=tuple, pieces=tuple, constants=tuple)
        Quant.from_dict({"scale": self.scale, "zero_point": self.zero_point})
        if self.inputs < 1 or self.outputs < 1:
            raise ValueError(f"layer of {self.inputs} inputs and {self.outputs} outputs")
        if not self.shape:
            object.__setattr__(self, "shape", (1, 1, self.outputs))
        _check_integers("shape", self.shape, 3, 1, self.outputs)
        if math.prod(self.shape) != self.outputs:
            raise ValueError(f"shape = {self.shape!r} does not hold {self.outputs} values")
        if self.emitted and self.pieces:
            self._check_pieces()

    def _check_pieces(self) -> None:
        """Every value is made, and no value that is not there."""
        height, width, count = self.shape
        listed = sum(run[2] for piece in self.pieces for run in piece.runs)
        if self.outputs > _VALUES or listed > count * len(self.pieces):
            raise ValueError(f"layer {self.name!r} is made of {listed} channels")
        made = np.zeros((height, width, count), bool)
        for constant in self.constants:
            _check_integers("constant", constant, 2, -128, _MOST)
            if not 0 <= constant[0] < count or constant[1] > 127:
                raise ValueError(f"constant = {constant!r} is no channel's")
            made[..., constant[0]] = True
        for piece in self.pieces:
            (y, x), (h, w), (channels, _) = piece.corner, piece.size, piece.channels()
            if y + h > height or x + w > width or channels.max() >= count:
                raise ValueError(f"a piece of layer {self.name!r} is outside of it")
            made[y : y + h, x : x + w, channels] = True
        if not made.all():
            raise ValueError(f"a value of layer {self.name!r} is not made")

    @classmethod
    def of(cls, layer: Layer, emitted: bool, **more: Any) -> "LayerInfo":
        """Of a graph's layer; ``more`` is shape and pieces."""
        return cls(
            name=layer.name,
            inputs=layer.inputs,
            outputs=layer.outputs,
            macs=layer.macs,
            emitted=emitted,
            **layer.result.to_dict(),
            **more,
        )

    @classmethod
    def from_dict(cls, values: dict) -> "LayerInfo":
        """The inverse of ``dataclasses.asdict`` after JSON."""
        pieces = tuple(
            PieceInfo(**{name: _tuples(value) for name, value in piece.items()})
            for piece in values["pieces"]
        )
        tuples = {name: _tuples(values[name]) for name in ("shape", "constants")}
        return cls(**values | {"pieces": pieces} | tuples)

    @property
    def quant(self) -> Quant:
        return Quant(self.scale, self.zero_point)


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """The model as a whole.

    Parameters
    ----------
    name : shown to the user.
    scale, zero_point : quantization of the input.
    layers : in the order of the program; the last is emitted.
    host : what the host does around the engine; None for a bare graph of int8.
    shape : height, width and channels of the input; () for a vector.
    packed : the input's pixels follow each other byte by byte, else each fills whole words.
    reads : the tensors that each layer reads (`celosia.network.graph.Graph`); () for a chain.
    heads : the tensors that are the model's results; () for the last layer's. All are emitted.
    images_per_row : images that follow each other in each row in one run, on engines with
        convolution. If more than 1, input and results are vectors.
    kernels : for each descriptor of an engine with convolution the layer that it is a part of, the
        map that it writes and those that it reads, by their numbers; map 0 is the input. () on
        engines with dense layers only.
    reference : whose bytes the program gives.

    Raises
    ------
    ValueError : a value of the wrong type or range, quoting it.
    """

    name: str
    scale: float
    zero_point: int
    layers: tuple[LayerInfo, ...]
    host: HostSteps | None = None
    shape: Shape = ()  # type: ignore[assignment]
    packed: bool = True
    reads: tuple[tuple[int, ...], ...] = ()
    heads: tuple[int, ...] = ()
    images_per_row: int = 1
    kernels: tuple[tuple[int, ...], ...] = ()
    reference: Runtime = Runtime.LITERT

    def __post_init__(self) -> None:
        _check(self, name=str, zero_point=int, layers=tuple, shape=tuple, packed=bool)
        _check(self, reads=tuple, heads=tuple, images_per_row=int, kernels=tuple)
        _check(self, reference=Runtime)
        Quant.from_dict({"scale": self.scale, "zero_point": self.zero_point})
        if not self.layers or not self.layers[-1].emitted:
            raise ValueError("the last layer is missing or not emitted")
        self._check_reads()
        if not self.shape:
            object.__setattr__(self, "shape", (1, 1, self.inputs))
        _check_integers("shape", self.shape, 3, 1, self.inputs)
        if math.prod(self.shape) != self.inputs:
            raise ValueError(f"shape = {self.shape!r} does not hold {self.inputs} values")
        self._check_stack()
        self._check_kernels()
        if self.host is not None and math.prod(self.host.input_shape) != self.inputs:
            raise ValueError(f"input shape {self.host.input_shape} does not fit the layers")
        assert self.results  # checked as they are made

    def _check_stack(self) -> None:
        shapes = {self.shape[:2], *(layer.shape[:2] for layer in self.emitted)}
        if not 1 <= self.images_per_row <= _MOST or (
            self.images_per_row > 1 and shapes != {(1, 1)}
        ):
            raise ValueError(f"images_per_row = {self.images_per_row} of shapes {sorted(shapes)}")

    def _check_kernels(self) -> None:
        """They belong to layers, and read what kernels before them have made."""
        made = {0}
        for kernel in self.kernels:
            _check_integers("kernel", kernel, None, 0, _MOST)
            if len(kernel) < 3 or kernel[0] >= len(self.layers) or not made.issuperset(kernel[2:]):
                raise ValueError(f"kernel = {kernel!r} of {len(self.layers)} layers")
            made.add(kernel[1])

    def _check_reads(self) -> None:
        """Layers read what layers before them, or the host, have made; heads are emitted."""
        count = len(self.layers)
        if not self.reads:
            object.__setattr__(self, "reads", tuple((index,) for index in range(count)))
        if not self.heads:
            object.__setattr__(self, "heads", (count,))
        if len(self.reads) != count:
            raise ValueError(f"reads of {len(self.reads)} layers for {count}")
        for index, (after, tensors) in enumerate(zip(self.layers, self.reads, strict=True)):
            _check_integers("reads", tensors, None, 0, index)
            if not tensors:
                raise ValueError(f"layer {after.name!r} reads nothing")
            before = self.layers[tensors[0] - 1] if tensors[0] else None
            given = self.layers[0].inputs if before is None else before.outputs
            if given != after.inputs:
                name = "the input" if before is None else repr(before.name)
                raise ValueError(f"layer {after.name!r} does not take what {name} gives")
        _check_integers("heads", self.heads, None, 1, count)
        if not all(self.layers[head - 1].emitted for head in self.heads):
            raise ValueError(f"heads = {self.heads!r} are not all emitted")

    @classmethod
    def from_dict(cls, values: dict) -> "ModelInfo":
        """The inverse of `to_dict`; unknown and missing names raise TypeError."""
        layers = tuple(LayerInfo.from_dict(layer) for layer in values["layers"])
        host = values["host"]
        host = None if host is None else HostSteps.from_dict(host)
        tuples = {name: _tuples(values[name]) for name in ("shape", "reads", "heads", "kernels")}
        reference = {"reference": Runtime(values["reference"])}
        return cls(**values | {"layers": layers, "host": host} | tuples | reference)

    def to_dict(self) -> dict:
        """Numbers, strings, lists and dicts only."""
        return {
            "name": self.name,
            "scale": self.scale,
            "zero_point": self.zero_point,
            "layers": [asdict(layer) for layer in self.layers],
            "host": None if self.host is None else self.host.to_dict(),
            "shape": list(self.shape),
            "packed": self.packed,
            "reads": [list(tensors) for tensors in self.reads],
            "heads": list(self.heads),
            "images_per_row": self.images_per_row,
            "kernels": [list(kernel) for kernel in self.kernels],
            "reference": str(self.reference),
        }

    @property
    def input(self) -> Quant:
        return Quant(self.scale, self.zero_point)

    @property
    def inputs(self) -> int:
        return self.layers[0].inputs

    @property
    def output(self) -> Quant:
        """Quantization of what the engine gives as the output, the first head."""
        return self.layers[self.heads[0] - 1].quant

    @property
    def outputs(self) -> int:
        """Values of the output, the first head."""
        return self.layers[self.heads[0] - 1].outputs

    @cached_property
    def results(self) -> tuple[Head, ...]:
        """What the model gives: a `Head` for each of ``heads``."""
        layers = [self.layers[head - 1] for head in self.heads]
        given = None if self.host is None else self.host.heads
        return named(given, [(layer.name, layer.outputs) for layer in layers])

    @cached_property
    def positions(self) -> tuple[int, ...]:
        """The position of each head's layer in `emitted`."""
        emitted = [number for number, layer in enumerate(self.layers, 1) if layer.emitted]
        return tuple(map(emitted.index, self.heads))

    def describe_results(self) -> list[dict]:
        """`Head.describe` of each result."""
        layers = [self.layers[head - 1] for head in self.heads]
        return [
            head.describe(layer.quant) for head, layer in zip(self.results, layers, strict=True)
        ]

    @property
    def emitted(self) -> tuple[LayerInfo, ...]:
        """The layers whose results reach the host, in that order."""
        return tuple(layer for layer in self.layers if layer.emitted)

    @property
    def macs(self) -> int:
        """Multiplications one inference needs, before any are skipped."""
        return sum(layer.macs for layer in self.layers)


def _check(owner: object, **types: type) -> None:
    for name, kind in types.items():
        value = getattr(owner, name)
        if type(value) is not kind:
            raise ValueError(f"{name} = {value!r} is not {kind.__name__}")


def _check_integers(name: str, values: Any, count: int | None, least: int, most: int) -> None:
    """Refuse anything but a tuple of ``count`` (or any number of) integers in least..most."""
    good = type(values) is tuple and count in (None, len(values))
    if not good or any(type(v) is not int or not least <= v <= most for v in values):
        raise ValueError(f"{name} = {values!r} are not integers in {least}..{most}")


def _tuples(values: Any) -> Any:
    """Lists of a JSON document as tuples."""
    return tuple(map(_tuples, values)) if isinstance(values, list) else values
