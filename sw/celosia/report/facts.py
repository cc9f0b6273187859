"""Contents of a report, gathered from a program image and a run of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from celosia.compiler.image import Image
from celosia.driver.inputs import classes
from celosia.driver.metrics import Metrics
from celosia.network.folding import Folded
from celosia.predict.cycles import Prediction, RunLoad, predict
from celosia.predict.workload import dense_load, run_loads
from celosia.support.errors import CelosiaError

from .map_precision import Measured, images, measure
from .precision import LayerPrecision, input_precision, precision

__all__ = ["Facts", "LayerCycles", "Mistake", "gather"]

#: Limits of the cycle model's work, which takes seconds: words of input over all tiles and layers,
#: and runs.
_WORDS, _RUNS = 200_000, 128
#: Number of images from which precision is measured.
_IMAGES = 1000
#: Number of mistakes that are shown.
_MISTAKES = 12


@dataclass(frozen=True)
class LayerCycles:
    """Cycles of one layer per image.

    Parameters
    ----------
    compute : issuing multiplications.
    drain : stalled by the drain.
    wait : stalled by anything else: inputs, the layer before, filling of the pipeline.
    skipped : saved by skipping zeros; not spent.
    """

    compute: float
    drain: float
    wait: float
    skipped: float


@dataclass(frozen=True)
class Mistake:
    """A misclassified input.

    Parameters
    ----------
    index : of the input.
    label, found : the right class, and that of the largest output.
    margin : output of ``found`` less that of ``label``.
    """

    index: int
    label: int
    found: int
    margin: int


@dataclass(frozen=True, eq=False)
class Facts:
    """Contents of a report.

    Parameters
    ----------
    image : the program.
    x, outputs : int8 [n, K] inputs and int8 [n, N] results.
    metrics : of the run.
    mismatches : number of bytes that differ from the golden model.
    batch : inputs per run.
    skip : whether zeros were skipped.
    prediction : of the cycle model for the first ``predicted`` inputs.
    cycles : the same by layer.
    predicted : number of inputs of ``prediction`` and ``cycles``.
    precision : by layer; None where the program does not tell, and ``graph`` is not known.
    entry : precision of the input; None where the inputs were given in int8.
    measured : number of inputs of ``precision`` and ``layers``.
    float_model : whether ``precision`` is against the float model; else against the program's
        own weights in float.
    labels : int [n] right classes, or None.
    folded : the graph, and what was folded of it; None where it is not known, and of engines with
        dense layers only.
    layers : what was measured of each layer of that graph.
    """

    image: Image
    x: np.ndarray
    outputs: np.ndarray
    metrics: Metrics
    mismatches: int
    batch: int
    skip: bool
    prediction: Prediction
    cycles: tuple[LayerCycles, ...]
    predicted: int
    precision: tuple[LayerPrecision, ...] | None
    entry: LayerPrecision | None
    measured: int
    float_model: bool
    labels: np.ndarray | None
    folded: Folded | None = None
    layers: tuple[Measured, ...] = ()

    @property
    def load(self) -> float:
        """Cycles per image in which no layer runs: loading the first input, sending results."""
        p = self.prediction
        return max(0, p.cycles - sum(p.layer_cycles)) / self.predicted

    @property
    def classes(self) -> np.ndarray:
        """int [n], index of the largest output of each input."""
        return classes(self.image, self.outputs)

    @property
    def confusion(self) -> np.ndarray:
        """Number of inputs, int [right class, found class]."""
        assert self.labels is not None
        count = self.outputs.shape[1]
        table = np.zeros((count, count), int)
        np.add.at(table, (self.labels, self.classes), 1)
        return table

    @property
    def mistakes(self) -> list[Mistake]:
        """Mistakes with the largest margins, largest first."""
        assert self.labels is not None
        rows, y = np.arange(len(self.outputs)), self.outputs.astype(int)
        margin = y[rows, self.classes] - y[rows, self.labels]
        wrong = np.flatnonzero(self.classes != self.labels)
        worst = wrong[np.argsort(-margin[wrong], kind="stable")][:_MISTAKES]
        return [
            Mistake(int(i), int(self.labels[i]), int(self.classes[i]), int(margin[i]))
            for i in worst
        ]


def gather(
    image: Image,
    x: np.ndarray,
    outputs: np.ndarray,
    metrics: Metrics,
    mismatches: int,
    *,
    batch: int | None = None,
    skip: bool = True,
    labels: np.ndarray | None = None,
    real: np.ndarray | None = None,
    reference: Sequence[np.ndarray] | None = None,
    folded: Folded | None = None,
) -> Facts:
    """Contents of a report about a complete run.

    Parameters
    ----------
    image : the program.
    x, outputs : int8 [n, K] inputs and int8 [n, N] results.
    metrics : of the run.
    mismatches : number of bytes that differ from the golden model.
    batch : inputs per run; None for as many as are computed together.
    skip : whether zeros were skipped.
    labels : int [n] right classes, or None.
    real : float [n, K] inputs before quantization, or None.
    reference : float [m, N] results of the float model for each layer, m at least min(n, 1000), or
        None.
    folded : the graph that ``image`` was compiled from, on an engine with convolution, and what was
        folded of it; None if it is not known.

    Raises
    ------
    CelosiaError : a label is not a class of the model.
    """
    batch = batch or image.batch
    classes = outputs.shape[1]
    if labels is not None and not ((labels >= 0) & (labels < classes)).all():
        raise CelosiaError(f"labels reach beyond the model's {classes} classes", where="--labels")
    words = sum(each.words for each in dense_load(image, batch).layers)
    part = x[: batch * max(1, min(_WORDS // words, _RUNS))]
    runs = run_loads(image, part, batch, skip)
    prediction = predict(image.config, runs)
    count = images(folded.original, len(x)) if folded else min(len(x), _IMAGES)
    few = slice(0, count)
    real = None if real is None else real[few]
    reference_few = None if reference is None else [each[few] for each in reference]
    layers: tuple[Measured, ...] = ()
    found: list[LayerPrecision] | None
    if folded:
        layers = tuple(measure(folded.original, x[few], real, reference_few))
        found = [each.precision for each in layers]
    else:
        found = precision(image, x[few], real, reference_few)
    return Facts(
        *(image, x, outputs, metrics, mismatches, batch, skip, prediction),
        cycles=_layer_cycles(image, runs, prediction, len(part)),
        predicted=len(part),
        precision=None if found is None else tuple(found),
        entry=None if real is None else input_precision(image.model.input, x[few], real),
        measured=count,
        float_model=reference is not None,
        labels=labels,
        folded=folded,
        layers=layers,
    )


def _layer_cycles(
    image: Image, runs: list[RunLoad], prediction: Prediction, images: int
) -> tuple[LayerCycles, ...]:
    """Per image, those of a layer's descriptors summed."""
    count = len(image.model.layers)
    owners = [kernel[0] for kernel in image.model.kernels] or list(range(count))
    totals = np.zeros((count, 4))
    for index, owner in enumerate(owners):
        saved = sum(run.layers[index].dropped for run in runs)
        spent = prediction.layer_cycles[index]
        compute, drain = prediction.layer_issued[index], prediction.layer_stall_drain[index]
        totals[owner] += compute, drain, max(0, spent - compute - drain), saved
    return tuple(LayerCycles(*each) for each in (totals / images).tolist())
