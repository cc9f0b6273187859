"""Contents of a report, gathered from a program image and a run of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from celosia.compiler.image import Image
from celosia.driver.metrics import Metrics
from celosia.predict.cycles import Prediction, predict
from celosia.predict.workload import dense_load, run_loads
from celosia.support.errors import CelosiaError

from .precision import LayerPrecision, precision

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
    precision : by layer.
    measured : number of inputs of ``precision``.
    float_model : whether ``precision`` is against the float model; else against the program's
        own weights in float.
    labels : int [n] right classes, or None.
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
    precision: tuple[LayerPrecision, ...]
    measured: int
    float_model: bool
    labels: np.ndarray | None

    @property
    def load(self) -> float:
        """Cycles per image in which no layer runs: loading the first input, sending results."""
        p = self.prediction
        return max(0, p.cycles - sum(p.layer_cycles)) / self.predicted

    @property
    def classes(self) -> np.ndarray:
        """int [n], index of the largest output of each input."""
        return self.outputs.argmax(axis=1)

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
    cycles = []
    for index in range(len(image.model.layers)):
        saved = sum(run.layers[index].dropped for run in runs)
        spent = prediction.layer_cycles[index]
        compute, drain = prediction.layer_issued[index], prediction.layer_stall_drain[index]
        values = compute, drain, max(0, spent - compute - drain), saved
        cycles.append(LayerCycles(*(value / len(part) for value in values)))
    few = slice(0, _IMAGES)
    return Facts(
        *(image, x, outputs, metrics, mismatches, batch, skip, prediction, tuple(cycles)),
        predicted=len(part),
        precision=tuple(
            precision(
                image,
                x[few],
                None if real is None else real[few],
                None if reference is None else [each[few] for each in reference],
            )
        ),
        measured=min(len(x), _IMAGES),
        float_model=reference is not None,
        labels=labels,
    )
