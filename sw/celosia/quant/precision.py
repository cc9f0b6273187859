"""What int8 costs: signal to noise of the results and of every layer, and who is to blame."""

from dataclasses import dataclass
from math import prod

import numpy as np

from celosia.network.float_graph import FloatGraph
from celosia.network.float_network import FloatNetwork

from .quantize import Quantized
from .ratio import each_ratio, ratio

__all__ = ["LITTLE", "Precision", "TensorPrecision", "measure"]

#: Signal to noise below this, in decibels, gets a warning: noise of a tenth of the amplitude.
LITTLE = 20.0
#: Images that are measured, and of them those on which each layer's share is found.
_IMAGES, _BLAMED = 256, 64
#: Results whose ratios are told one by one; those of larger results are told by channel.
_RESULTS = 64
#: A layer that clips more of its values than this is the range's fault.
_CLIPPED = 0.01


@dataclass(frozen=True)
class TensorPrecision:
    """Signal to noise of the input or of one layer's results, in decibels; None without signal or
    noise.

    Parameters
    ----------
    name : "input", or the layer's.
    so_far : against the float network, with the noise of all layers before.
    alone : against this layer in float on its int8 input: its own weights, rounding and range.
    at_result : of the network's results when this is the only noise.
    clipped : share of values outside of the int8 range by more than half a step, 0..1.
    """

    name: str
    so_far: float | None
    alone: float | None
    at_result: float | None
    clipped: float


@dataclass(frozen=True)
class Precision:
    """An int8 network against its float network on a sample.

    Parameters
    ----------
    images : of the sample that were measured.
    tensors : of the input, then of each layer.
    results : ratio of each result, before a softmax; of each channel where there are more than 64.
    total : of all results together.
    agreement : share of images with the same largest result; None of one result, or of maps.
    changes : what equalization changed (`celosia.quant.choose.chosen`).
    """

    images: int
    tensors: tuple[TensorPrecision, ...]
    results: tuple[float | None, ...]
    total: float | None
    agreement: float | None
    changes: tuple[str, ...] = ()

    @property
    def worst(self) -> TensorPrecision | None:
        """The input or layer whose noise costs the results most; None when none costs anything."""
        known = [each for each in self.tensors if each.at_result is not None]
        return min(known, key=lambda each: each.at_result or 0.0, default=None)

    @property
    def least(self) -> float | None:
        """The ratio of the worst result; None when all are exact."""
        return min((each for each in self.results if each is not None), default=None)

    @property
    def warnings(self) -> list[str]:
        """What the user must know, with what to do; empty from 20 dB."""
        found = []
        noisy = [k for k, each in enumerate(self.results) if each is not None and each <= 0]
        if self.total is not None and self.total < LITTLE:
            found.append(f"the int8 results have {self.total:.1f} dB, less than {LITTLE:g} dB")
        if noisy:
            shown = ", ".join(map(str, noisy[:8])) + (", ..." if len(noisy) > 8 else "")
            found.append(
                f"the noise of {len(noisy)} of {len(self.results)} results is no less than their "
                f"signal (number {shown})"
            )
        if found and (worst := self.worst) is not None:
            found[-1] += f"; {worst.name} loses most: {self._todo(worst)}"
        return found

    @staticmethod
    def _todo(worst: TensorPrecision) -> str:
        if worst.clipped > _CLIPPED:
            return (
                f"{worst.clipped:.1%} of its values are clipped; calibrate with more inputs, or "
                "with --method minmax"
            )
        if worst.name == "input":
            return (
                "give its features like ranges, or normalize them before the model; check that the "
                "sample is scaled as in training"
            )
        return "calibrate with more inputs, try --method minmax, or train with quantization in mind"

    def to_dict(self) -> dict:
        """All of it for JSON."""
        worst = self.worst
        return {
            "images": self.images,
            "total_db": self.total,
            "results_db": list(self.results),
            "agreement": self.agreement,
            "loses_most": None if worst is None else worst.name,
            "changes": list(self.changes),
            "warnings": self.warnings,
            "tensors": [
                {
                    "name": each.name,
                    "so_far_db": each.so_far,
                    "alone_db": each.alone,
                    "at_result_db": each.at_result,
                    "clipped": each.clipped,
                }
                for each in self.tensors
            ],
        }


def measure(found: Quantized, model: FloatNetwork, sample: np.ndarray) -> Precision:
    """``found``, which was made of ``model``, on the first 256 images of ``sample``.

    Parameters
    ----------
    sample : float [n, *input_shape], n > 0.
    """
    entry = model.prepare(np.asarray(sample)[:_IMAGES])
    settled, graph = found.settled, found.network.graph
    x = settled.before(entry)
    real = [x, *(y for _, y in settled.graph.evaluate(x))]
    q = graph.input.quantize(x)
    ours = [
        quant.dequantize(y) for quant, y in zip(graph.quants, [q, *graph.evaluate(q)], strict=True)
    ]
    alone = _alone(settled.graph, x, ours)
    names = ("input", *settled.graph.names)
    few = [each[:_BLAMED] for each in real]
    tensors = []
    for index, name in enumerate(names):
        noise = ours[index] - alone[index]
        changed = few[index] + noise[:_BLAMED]
        result = _from(settled.graph, few, index, changed)[-1]
        low, high = graph.quants[index].dequantize(np.array([-128, 127]))
        step = graph.quants[index].scale / 2
        outside = (alone[index] < low - step) | (alone[index] > high + step)
        tensors.append(
            TensorPrecision(
                name,
                ratio(real[index], ours[index]),
                ratio(alone[index], ours[index]),
                ratio(settled.after(few[-1]), settled.after(result)),
                float(outside.mean()),
            )
        )
    shape = settled.graph.shapes[-1]
    wanted = model.graph.evaluate(entry)[-1][1]
    given = settled.after(ours[-1])
    agreement = None
    if shape[:2] == (1, 1) and shape[2] > 1:
        agreement = float((wanted.argmax(axis=1) == given.argmax(axis=1)).mean())
    columns = prod(shape) if prod(shape) <= _RESULTS else shape[2]
    results = each_ratio(wanted.reshape(-1, columns), given.reshape(-1, columns))
    total = ratio(wanted, given)
    return Precision(len(x), tuple(tensors), tuple(results), total, agreement, found.changes)


def _alone(graph: FloatGraph, x: np.ndarray, ours: list[np.ndarray]) -> list[np.ndarray]:
    """Every tensor as float layers make it of the int8 network's own tensors before it."""
    found = [x]
    for layer, reads in zip(graph.layers, graph.reads, strict=True):
        found.append(layer.apply(layer.sums(*(ours[each] for each in reads))))
    return found


def _from(
    graph: FloatGraph, tensors: list[np.ndarray], index: int, changed: np.ndarray
) -> list[np.ndarray]:
    """``tensors`` of the float graph after tensor ``index`` was ``changed``."""
    found, new = list(tensors), {index}
    found[index] = changed
    for k, (layer, reads) in enumerate(zip(graph.layers, graph.reads, strict=True)):
        if k + 1 > index and new & set(reads):
            found[k + 1] = layer.apply(layer.sums(*(found[each] for each in reads)))
            new.add(k + 1)
    return found
