"""Samples, inputs and labels that cannot be right: warnings with the share of values concerned."""

from collections.abc import Sequence

import numpy as np

from celosia.network.host_steps import HostSteps
from celosia.network.steps import Quantize, QuantizeLinear, Scale

from .quantize import Quantized

__all__ = ["about_inputs", "about_labels", "about_sample"]

#: A sample of fewer inputs does not show the ranges of activations.
_FEW = 10
#: Inputs beyond this are no reals that a network was trained on.
_HUGE = 1e6
#: First sums of a network whose inputs are scaled as in training have an RMS of about 1.
_LARGE_SUMS = 20.0
#: Values an input from which on whole numbers of 0..255 are pixels.
_PIXELS = 64
#: Shares of values outside of the calibrated range, and of the range that is used, to warn of.
_OUTSIDE, _USED = 0.02, 0.02


def about_sample(found: Quantized, entry: np.ndarray) -> list[str]:
    """What is doubtful about a calibration sample.

    Parameters
    ----------
    found : what was calibrated with it. entry : finite float [n, values] (`FloatNetwork.prepare`).
    """
    n, values = entry.shape
    said = []
    if n == 1:
        said.append("the sample is one input; its ranges are those of nothing else")
    elif (entry == entry.flat[0]).all():
        said.append(f"all {entry.size:,} values of the sample are {entry.flat[0]:g}")
    elif (entry == entry[0]).all():
        said.append(f"all {n:,} inputs of the sample are the same")
    elif n < _FEW:
        said.append(f"the sample has {n} inputs only")
    x = found.settled.before(entry)
    if share := float((np.abs(x) > _HUGE).mean()):
        said.append(f"{share:.1%} of the sample's values are beyond {_HUGE:g}")
    if values >= _PIXELS and _like_bytes(entry) and _first_sums(found, x) > _LARGE_SUMS:
        share = float((entry > 1).mean())
        said.append(
            f"the sample holds whole numbers of 0..{entry.max():g}, {share:.0%} of them above 1, "
            "and the first layer's sums are large: a model trained on 0..1 needs them divided by "
            "255"
        )
    if said:
        said[-1] += "; calibrate with some hundred inputs as they will be"
    return said


def _like_bytes(x: np.ndarray) -> bool:
    return bool(x.min() >= 0 and 16 < x.max() <= 255 and (x == np.rint(x)).all())


def _first_sums(found: Quantized, x: np.ndarray) -> float:
    """RMS of the first layer's sums."""
    graph = found.graph
    sums = graph.layers[0].sums(*(x[:_PIXELS] for _ in graph.reads[0]))
    return float(np.sqrt(np.square(sums, dtype=np.float64).mean()))


def about_inputs(host: HostSteps, x: np.ndarray) -> list[str]:
    """What is doubtful about inputs [n, ...] for a model whose host steps quantize them."""
    values = host.reals(x)
    step = next((each for each in host.pre if isinstance(each, Quantize | QuantizeLinear)), None)
    if values is None or step is None or not values.size:
        return []
    steps = np.iinfo(step.dtype)
    low, high = step.output.scale * (np.array([steps.min, steps.max]) - step.output.zero_point)
    unit = step.output.scale
    outside = float(((values < low - unit) | (values > high + unit)).mean())
    scaled = ", after the host's own scaling" if any(isinstance(s, Scale) for s in host.pre) else ""
    scaled += "; scale them as the model was trained"
    if outside > _OUTSIDE:
        text = (
            f"{outside:.1%} of the input values are outside of {low:.3g}..{high:.3g}, for which "
            f"the model was calibrated; they are {values.min():.3g}..{values.max():.3g}"
        )
        return [text + scaled]
    used = float(np.abs(values).max() / max(-low, high))
    if 0 < used < _USED:
        text = (
            f"all input values are within {used:.1%} of {low:.3g}..{high:.3g}, for which the model "
            "was calibrated"
        )
        return [text + scaled]
    return []


def about_labels(labels: Sequence[int] | np.ndarray, classes: int) -> list[str]:
    """What is doubtful about integer labels for results of ``classes`` classes."""
    labels = np.asarray(labels)
    if not labels.size:
        return []
    beyond = float(((labels < 0) | (labels >= classes)).mean())
    if labels.min() == 1 and labels.max() == classes:
        text = (
            f"the labels are 1..{classes}, {beyond:.1%} of them beyond the {classes} classes, "
            "which are counted from 0; subtract 1"
        )
        return [text]
    if beyond:
        text = (
            f"{beyond:.1%} of the labels are beyond the {classes} classes 0..{classes - 1}; they "
            f"are {labels.min()}..{labels.max()}"
        )
        return [text]
    return []
