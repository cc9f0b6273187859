"""What a program image says about the model it was compiled from, for people and the driver."""

import math
from dataclasses import asdict, dataclass

from celosia.network.graph import Layer
from celosia.network.host_steps import HostSteps
from celosia.numerics.quant import Quant

__all__ = ["LayerInfo", "ModelInfo"]


@dataclass(frozen=True, kw_only=True)
class LayerInfo:
    """One layer of the model, one descriptor of the program.

    Parameters
    ----------
    name : shown to the user.
    inputs, outputs : int8 values in and out, at least 1.
    macs : multiplications one inference needs, before any are skipped.
    scale, zero_point : quantization of what the layer hands on.
    emitted : True when its results are streamed to the host.
    """

    name: str
    inputs: int
    outputs: int
    macs: int
    scale: float
    zero_point: int
    emitted: bool

    def __post_init__(self) -> None:
        _check(self, name=str, inputs=int, outputs=int, macs=int, zero_point=int, emitted=bool)
        Quant.from_dict({"scale": self.scale, "zero_point": self.zero_point})
        if self.inputs < 1 or self.outputs < 1:
            raise ValueError(f"layer of {self.inputs} inputs and {self.outputs} outputs")

    @classmethod
    def of(cls, layer: Layer, emitted: bool) -> "LayerInfo":
        return cls(
            name=layer.name,
            inputs=layer.inputs,
            outputs=layer.outputs,
            macs=layer.macs,
            emitted=emitted,
            **layer.result.to_dict(),
        )

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

    Raises
    ------
    ValueError : a value of the wrong type or range, quoting it.
    """

    name: str
    scale: float
    zero_point: int
    layers: tuple[LayerInfo, ...]
    host: HostSteps | None = None

    def __post_init__(self) -> None:
        _check(self, name=str, zero_point=int, layers=tuple)
        Quant.from_dict({"scale": self.scale, "zero_point": self.zero_point})
        if not self.layers or not self.layers[-1].emitted:
            raise ValueError("the last layer is missing or not emitted")
        for before, after in zip(self.layers, self.layers[1:], strict=False):
            if before.outputs != after.inputs:
                raise ValueError(f"layer {after.name!r} does not take what {before.name!r} gives")
        if self.host is not None:
            shapes = self.host.input_shape, self.host.output_shape
            if tuple(map(math.prod, shapes)) != (self.inputs, self.outputs):
                raise ValueError(f"input and output shape {shapes} do not fit the layers")

    @classmethod
    def from_dict(cls, values: dict) -> "ModelInfo":
        """The inverse of `to_dict`; unknown and missing names raise TypeError."""
        layers = tuple(LayerInfo(**layer) for layer in values["layers"])
        host = values["host"]
        host = None if host is None else HostSteps.from_dict(host)
        return cls(**values | {"layers": layers, "host": host})

    def to_dict(self) -> dict:
        """Numbers, strings, lists and dicts only."""
        return {
            "name": self.name,
            "scale": self.scale,
            "zero_point": self.zero_point,
            "layers": [asdict(layer) for layer in self.layers],
            "host": None if self.host is None else self.host.to_dict(),
        }

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
