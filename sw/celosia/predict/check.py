"""Does a model run on an engine, and how fast: answered from its structure."""

from dataclasses import dataclass, fields, replace
from functools import cached_property

from celosia.compiler import lacking, needs, smallest
from celosia.compiler.image import Image
from celosia.compiler.maps.mapped import map_graph
from celosia.network.graph import Graph
from celosia.network.outline import Outline
from celosia.spec import Config, Memory, memories, record
from celosia.support.progress import Progress, silent

from .estimate import Estimate, estimate
from .layers import LayerNeeds, dense_layers, map_layers
from .map_work import MapWork
from .maps import estimate_maps

__all__ = ["FITS", "TOO_LARGE", "UNSUPPORTED", "Check", "LayerNeeds", "MemoryUse"]

#: Exit statuses of `celosia check`.
FITS, TOO_LARGE, UNSUPPORTED = 0, 3, 4
#: Words that a run may scan for the cycle model to go through every cycle: of networks on maps,
#: which takes seconds, and of others, for which the sum is close.
_MAP_WORDS, _DENSE_WORDS = 200_000, 10_000


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


@dataclass(frozen=True, eq=False)
class Check:
    """The answer for ``outline`` on ``config`` with a clock of ``mhz`` megahertz, an assumption.

    A model that does not fit is judged on the smallest configuration that it fits.

    Parameters
    ----------
    image : the program of an engine with convolution whose outline it is, with ``config``; None for
        a model.
    progress : told of long predictions.
    """

    outline: Outline
    config: Config
    mhz: float
    image: Image | None = None
    progress: Progress = silent

    @property
    def status(self) -> int:
        """`FITS`, `TOO_LARGE` or `UNSUPPORTED`."""
        if self.outline.unsupported:
            return UNSUPPORTED
        return FITS if self.fits else TOO_LARGE

    @property
    def fits(self) -> bool:
        """Whether no operation and no memory is short."""
        return not self.lacking and all(use.fits for use in self.memories)

    @cached_property
    def lacking(self) -> dict[str, int]:
        """Operations that the engine has to get, as changes of the configuration."""
        if self.outline.unsupported or not self.outline.layers or self.image:
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
            for name, needed in self._needs(config).items()
        ]

    def _needs(self, config: Config) -> dict[str, int]:
        if self.image is None:
            return needs(self.outline, config)
        sections = (Memory.WEIGHTS, Memory.PARAMS, Memory.PROGRAM, Memory.TABLES)
        sizes = {record(config, m): len(self.image.sections[m]) for m in sections}
        depth = {"act_depth": MapWork.of_image(self.image).depth}
        return {each.parameter: size // each.unit_bytes for each, size in sizes.items()} | depth

    @cached_property
    def changes(self) -> dict[str, int] | None:
        """What to change in the configuration, ``{}`` for nothing; None: no engine holds it."""
        return {} if self.fits else smallest(self.outline, self.config)

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
        if self._work is not None:
            return estimate_maps(self._work, _words(self.outline), self.progress)
        return estimate(self.outline, self.judged)

    @cached_property
    def folded(self) -> Graph | None:
        """The graph without constant channels; None if it is not known, or of dense layers only."""
        if self.image or not self.memories or not self.judged.convolution:
            return None
        return self.outline.folded

    @cached_property
    def _work(self) -> MapWork | None:
        """The program of an engine with convolution."""
        if self.image:
            return MapWork.of_image(self.image)
        if self.folded is None:
            return None
        mapped = map_graph(self.folded, self.judged, "throughput")
        return MapWork.of(self.folded, mapped, self.judged)

    @property
    def utilization(self) -> float | None:
        """Multiplications per cycle and multiplier, full batches back to back; those of folded
        channels do not count. None of a program image, which does not say what was folded."""
        if self.estimate is None or self.image:
            return None
        macs = (self.folded or self.outline).macs
        return macs / (self.estimate.per_image * self.judged.multipliers)

    @property
    def images_per_second(self) -> float | None:
        return self.mhz * 1e6 / self.estimate.per_image if self.estimate else None

    @property
    def latency_seconds(self) -> float | None:
        """Of one image alone."""
        return self.estimate.latency / (self.mhz * 1e6) if self.estimate else None

    @cached_property
    def layers(self) -> list[LayerNeeds]:
        """What each layer needs; none of maps where there is no `estimate`."""
        if self.estimate and self._work:
            return map_layers(self.outline, self._work, self.estimate, self.folded)
        if any(layer.kind != "Dense" for layer in self.outline.layers):
            return []
        return dense_layers(self.outline, self.judged, self.estimate)

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
            "macs_folded": self.folded and self.folded.macs,
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
                    "shape": need.shape,
                    "inputs": need.layer.inputs,
                    "outputs": need.layer.outputs,
                    "macs": need.layer.macs,
                    "weight_words": need.weights,
                    "param_words": need.params,
                    "activation_words": need.activations,
                    "tables": need.tables,
                    "cycles": need.cycles,
                    "share": need.share,
                    "busy": need.busy,
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


def _words(outline: Outline) -> int:
    dense = all(layer.kind == "Dense" for layer in outline.layers)
    return _DENSE_WORDS if dense else _MAP_WORDS
