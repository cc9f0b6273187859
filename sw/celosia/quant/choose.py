"""Which factors per channel a network gets: those that raise the measured ratio."""

from collections.abc import Callable

import numpy as np

from celosia.support.errors import CelosiaError

from .equalize import equalized_input, equalized_layers, equalized_results
from .graph import Outputs, int8_graph
from .ratio import mean_ratio
from .scales import Settled

__all__ = ["GAIN", "chosen"]

#: By how much a change must raise the mean ratio of the results, in decibels. Less is noise of the
#: sample, and networks with even channels keep the weights that they came with.
GAIN = 1.0
#: Images of the sample that changes are tried on.
_TRIED = 256

#: In the order in which they are tried, each on top of those that were kept.
_CHANGES: tuple[tuple[str, Callable[[Settled, np.ndarray, Outputs], Settled | None]], ...] = (
    ("input", lambda settled, x, outputs: equalized_input(settled, x, centred=False)),
    ("centre", lambda settled, x, outputs: equalized_input(settled, x, centred=True)),
    ("results", lambda settled, x, outputs: equalized_results(settled, outputs)),
    ("biases", lambda settled, x, outputs: settled),
    ("layers", lambda settled, x, outputs: equalized_layers(settled, outputs)),
)


def chosen(
    settled: Settled, x: np.ndarray, method: str, classes: bool = False
) -> tuple[Settled, tuple[str, ...]]:
    """``settled`` with the changes of `celosia.quant.equalize` that raise the mean ratio of the
    results (`mean_ratio`) by `GAIN` or more on the first 256 images of the sample.

    Parameters
    ----------
    x : float [n, values], a sample of the model's own input, before ``settled.before``.
    method : one of `METHODS`.
    classes : whether the results are those of classes, which stay comparable with each other.

    Returns
    -------
    The network, and what was changed: "input", "centre", "results", "layers"; and "biases" where
    biases are to be corrected (`int8_graph`).

    Raises
    ------
    CelosiaError : as `int8_graph`, of the network as it is.
    """
    x = x[:_TRIED]
    real = settled.after(settled.graph.evaluate(settled.before(x))[-1][1])
    best, score = settled, _score(settled, x, method, real)
    kept: list[str] = []
    for name, change in _CHANGES:
        if classes and name == "results":
            continue
        entry = best.before(x)
        candidate = change(best, entry, best.graph.evaluate(entry))
        if candidate is None:
            continue
        try:
            found = _score(candidate, x, method, real, "biases" in (name, *kept))
        except CelosiaError:
            continue  # its numbers leave float32
        if found >= score + GAIN:
            best, score = candidate, found
            kept.append(name)
    return best, tuple(kept)


def _score(
    settled: Settled, x: np.ndarray, method: str, real: np.ndarray, correct: bool = False
) -> float:
    """Mean ratio of the results of ``settled`` in int8 to ``real``."""
    entry = settled.before(x)
    outputs = settled.graph.evaluate(entry)
    graph = int8_graph(settled.graph, entry, outputs, method, "trial", correct)
    result = graph.evaluate(graph.input.quantize(entry))[-1]
    return mean_ratio(real, settled.after(graph.output.dequantize(result)))
