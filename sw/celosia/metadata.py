"""What a program image says about the model it was compiled from, for people and the driver."""

import math
from dataclasses import asdict, dataclass

from .graph import Dense, Quant

__all__ = ["LayerInfo", "ModelInfo"]


@dataclass(frozen=True, kw_only=True)
class LayerInfo:
    """One layer of the model, one descriptor of the program.

    Parameters
    ----------
    name : shown to the user.
    inputs, outputs : int8 values in and out, at least 1.
    scale, zero_point : quantization of what the layer hands on.
    emitted : True when its results are streamed to the host.
    """

    name: str
    inputs: int
    outputs: int
    scale: float
    zero_point: int
    emitted: bool

    def __post_init__(self):
        _check(self, name=str, inputs=int, outputs=int, zero_point=int, emitted=bool)
        _check_quant(self.scale, self.zero_point)
        if self.inputs < 1 or self.outputs < 1:
            raise ValueError(f"layer of {self.inputs} inputs and {self.outputs} outputs")

    @classmethod
    def of(cls, layer: Dense, emitted: bool) -> "LayerInfo":
        return cls(
            name=layer.name,
            inputs=layer.inputs,
            outputs=layer.outputs,
            scale=float(layer.result.scale),
            zero_point=int(layer.result.zero_point),
            emitted=emitted,
        )

    @property
    def quant(self) -> Quant:
        return Quant(self.scale, self.zero_point)

    @property
    def macs(self) -> int:
        return self.inputs * self.outputs


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """The model as a whole.

    Parameters
    ----------
    name : shown to the user.
    scale, zero_point : quantization of the input.
    layers : in the order of the program; the last is emitted.

    Raises
    ------
    ValueError : a value of the wrong type or range, quoting it.
    """

    name: str
    scale: float
    zero_point: int
    layers: tuple[LayerInfo, ...]

    def __post_init__(self):
        _check(self, name=str, zero_point=int, layers=tuple)
        _check_quant(self.scale, self.zero_point)
        if not self.layers or not self.layers[-1].emitted:
            raise ValueError("the last layer is missing or not emitted")
        for before, after in zip(self.layers, self.layers[1:], strict=False):
            if before.outputs != after.inputs:
                raise ValueError(f"layer {after.name!r} does not take what {before.name!r} gives")

    @classmethod
    def from_dict(cls, values: dict) -> "ModelInfo":
        """The inverse of `to_dict`; unknown and missing names raise TypeError."""
        layers = tuple(LayerInfo(**layer) for layer in values["layers"])
        return cls(**values | {"layers": layers})

    def to_dict(self) -> dict:
        """Numbers, strings, lists and dicts only."""
        return asdict(self) | {"layers": [asdict(layer) for layer in self.layers]}

    @property
    def input(self) -> Quant:
        return Quant(self.scale, self.zero_point)

    @property
    def inputs(self) -> int:
        return self.layers[0].inputs

    @property
    def output(self) -> Quant:
        return self.layers[-1].quant

    @property
    def outputs(self) -> int:
        return self.layers[-1].outputs

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


def _check_quant(scale: float, zero_point: int) -> None:
    if not isinstance(scale, float) or not (math.isfinite(scale) and scale > 0):
        raise ValueError(f"scale = {scale!r} is not a positive number")
    if not -128 <= zero_point <= 127:
        raise ValueError(f"zero_point = {zero_point} is outside -128..127")
