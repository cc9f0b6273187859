"""Does a model run on an engine, and how fast: answered from its structure."""

from dataclasses import dataclass, fields, replace
from functools import cached_property

from celosia.compiler import lacking, needs, smallest
from celosia.network.graph import Layer
from celosia.network.outline import AnyLayer, LayerOutline, Outline
from celosia.ops import OPERATIONS
from celosia.spec import Config, memories, record

from .estimate import Estimate, estimate
from .maps import MapEstimate, estimate_maps

__all__ = ["FITS", "TOO_LARGE", "UNSUPPORTED", "Check", "LayerNeeds", "MemoryUse"]

#: Exit statuses of `celosia check`.
FITS, TOO_LARGE, UNSUPPORTED = 0, 3, 4


@dataclass(frozen=True)
class MemoryUse:
    """What a model takes of one memory (in every row, for activations).

    Parameters
    ----------
    name, title : its depth in `Config`; what people call it.
    needed, available : units of that depth. record_bytes : of one of them.
    """

    name: str
    title: str
    needed: int
    available: int
    record_bytes: int

    @property
    def fits(self) -> bool:
        return self.needed <= self.available

    @property
    def share(self) -> float:
        """Of what is there; infinite when there is none but some is needed."""
        if self.available:
            return self.needed / self.available
        return float("inf") if self.needed else 0.0


@dataclass(frozen=True)
class LayerNeeds:
    """What one layer takes: words of each memory, and cycles of a full batch.

    ``shape`` is its size for people.
    """

    layer: LayerOutline | Layer
    shape: str
    weights: int
    params: int
    activations: int
    tables: int
    cycles: float
    share: float


@dataclass(frozen=True, eq=False)
class Check:
    """The answer for ``outline`` on ``config`` with a clock of ``mhz`` megahertz, an assumption.

    A model that does not fit is judged on the smallest configuration that it fits.
    """

    outline: Outline
    config: Config
    mhz: float

    @property
    def status(self) -> int:
        """`FITS`, `TOO_LARGE` or `UNSUPPORTED`."""
        if self.outline.unsupported:
            return UNSUPPORTED
        fits = not self.lacking and all(use.fits for use in self.memories)
        return FITS if fits else TOO_LARGE

    @cached_property
    def lacking(self) -> dict[str, int]:
        """Operations that the engine has to get, as changes of the configuration."""
        if self.outline.unsupported or not self.outline.layers:
            return {}
        return lacking(self.outline.graph, self.config)

    @cached_property
    def memories(self) -> list[MemoryUse]:
        """By the name of their depth in `Config`; none when something cannot run at all."""
        if self.outline.unsupported or not self.outline.layers:
            return []
        config = replace(self.config, **self.lacking)
        of = {each.parameter: each for each in (record(config, each) for each in memories(config))}
        return [
            MemoryUse(name, of[name].title, needed, getattr(config, name), of[name].unit_bytes)
            for name, needed in needs(self.outline, config).items()
        ]

    @cached_property
    def changes(self) -> dict[str, int] | None:
        """What to change in the configuration, ``{}`` for nothing; None: no engine holds it."""
        return smallest(self.outline, self.config) if self.memories else {}

    @property
    def flags(self) -> str:
        """The shape and `changes` as options of the command line."""
        shape = {"rows": self.config.rows, "cols": self.config.cols}
        values = shape | (self.changes or {})
        order = [field.name for field in fields(Config) if field.name in values]
        return " ".join(f"--{name.replace('_', '-')} {values[name]}" for name in order)

    @cached_property
    def judged(self) -> Config:
        """The configuration whose speed is predicted."""
        return replace(self.config, **self.changes or {})

    @cached_property
    def estimate(self) -> Estimate | None:
        """None when something cannot run at all."""
        if self.outline.unsupported or self.changes is None:
            return None
        if (found := self._maps) is not None:
            cycles = tuple(layer.cycles for layer in found.layers)
            return Estimate(found.latency, found.cycles, cycles, found.images, exact=False)
        return estimate(self.outline, self.judged)

    @cached_property
    def _maps(self) -> MapEstimate | None:
        """Of an engine with convolution."""
        return estimate_maps(self.outline.graph, self.judged) if self.judged.convolution else None

    @property
    def utilization(self) -> float | None:
        """Multiplications per cycle and multiplier, full batches back to back."""
        if self.estimate is None:
            return None
        return self.outline.macs / (self.estimate.per_image * self.judged.multipliers)

    @property
    def images_per_second(self) -> float | None:
        return self.mhz * 1e6 / self.estimate.per_image if self.estimate else None

    @property
    def latency_seconds(self) -> float | None:
        """Of one image alone."""
        return self.estimate.latency / (self.mhz * 1e6) if self.estimate else None

    @cached_property
    def layers(self) -> list[LayerNeeds]:
        """What each layer needs; cycles are 0 when there is no `estimate`."""
        layers, config = self.outline.layers, self.judged
        cycles = self.estimate.layers if self.estimate else (0.0,) * len(layers)
        total = sum(cycles) or 1.0
        if (found := self._maps if self.estimate else None) is not None:
            return [
                LayerNeeds(
                    layer,
                    _shapes(layer),
                    weights=each.weights,
                    params=each.params,
                    activations=each.activations,
                    tables=int(layer.table is not None),
                    cycles=each.cycles,
                    share=each.cycles / total,
                )
                for layer, each in zip(layers, found.layers, strict=True)
            ]
        if not all(layer.kind == "Dense" for layer in layers):
            return []  # of maps whose graph is not complete
        needs = []
        for layer, spent in zip(layers, cycles, strict=True):
            operation = OPERATIONS[layer.op]
            words = operation.input_words(layer, config) + operation.result_words(layer, config)
            needs.append(
                LayerNeeds(
                    layer,
                    operation.shape(layer),
                    weights=operation.weight_words(layer, config),
                    params=operation.param_words(layer, config),
                    activations=words,
                    tables=int(layer.table is not None),
                    cycles=spent,
                    share=spent / total,
                )
            )
        return needs

    def to_dict(self) -> dict:
        """Everything, ready for JSON."""
        found = self.estimate
        return {
            "model": self.outline.name,
            "kind": self.outline.kind,
            "verdict": {FITS: "fits", TOO_LARGE: "does not fit", UNSUPPORTED: "unsupported"}[
                self.status
            ],
            "status": self.status,
            "engine": self.config.to_dict(),
            "macs": self.outline.macs,
            "operations": [
                {"name": op.name, "kind": op.kind, "place": op.place.value, "why": op.why}
                for op in self.outline.operations
            ],
            "memories": [
                {
                    "name": use.name,
                    "needed": use.needed,
                    "available": use.available,
                    "record_bytes": use.record_bytes,
                    "fits": use.fits,
                }
                for use in self.memories
            ],
            "changes": self.changes,
            "flags": self.flags,
            "layers": [
                {
                    "name": need.layer.name,
                    "inputs": need.layer.inputs,
                    "outputs": need.layer.outputs,
                    "macs": need.layer.macs,
                    "weight_words": need.weights,
                    "param_words": need.params,
                    "activation_words": need.activations,
                    "tables": need.tables,
                    "cycles": need.cycles,
                    "share": need.share,
                }
                for need in self.layers
            ],
            "clock_mhz": self.mhz,
            "prediction": found
            and {
                "engine": self.judged.to_dict(),
                "exact": found.exact,
                "latency_cycles": found.latency,
                "latency_seconds": self.latency_seconds,
                "batch": found.images,
                "cycles_per_batch": found.per_run,
                "cycles_per_image": found.per_image,
                "images_per_second": self.images_per_second,
                "utilization": self.utilization,
            },
        }


def _shapes(layer: AnyLayer) -> str:
    """Sizes of a layer's input and result, such as "25x5x64 -> 25x5x64"; of a vector its values."""
    return " -> ".join(
        "x".join(map(str, shape if shape[:2] != (1, 1) else shape[2:]))
        for shape in (layer.input_shape, layer.output_shape)
    )
