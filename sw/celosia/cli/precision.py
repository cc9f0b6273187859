"""Precision of a quantized model, for people."""

from typing import TYPE_CHECKING

from .console import Console

if TYPE_CHECKING:
    from celosia.quant import Precision

__all__ = ["say_precision"]

#: Results that are shown one by one.
_SHOWN = 8


def say_precision(console: Console, precision: "Precision") -> None:
    """A line on the results, a row for the input and each layer, who loses most, and warnings."""
    said = f"precision on {precision.images:,} inputs of the sample: {_db(precision.total)}"
    if precision.agreement is not None:
        said += f", same class {precision.agreement:.1%}"
    console.say(said)
    each = precision.results
    if len(each) > 1:
        shown = ", ".join(map(_db, each[:_SHOWN])) + (", ..." if len(each) > _SHOWN else "")
        console.say(f"each result: {shown}; least {_db(precision.least)}")
    for change in precision.changes:
        console.say(f"note: {_CHANGES[change]}")
    rows = [
        (row.name, _db(row.so_far), _db(row.alone), _db(row.at_result), f"{row.clipped:.2%}")
        for row in precision.tensors
    ]
    console.table(rows, ("", "so far", "alone", "alone, at results", "clipped"))
    if precision.worst is not None:
        console.say(f"{precision.worst.name} loses most")
    for text in precision.warnings:
        console.warn(text)


#: What equalization changed, for people (`celosia.quant.choose.chosen`).
_CHANGES = {
    "input": "the host scales each input feature, in float: their ranges are unlike",
    "centre": "the host centres each input feature, in float",
    "results": "the host scales each result, in float: their ranges are unlike",
    "layers": "channels of unlike range were equalized between layers",
    "biases": "biases were corrected by the mean error of the sample",
}


def _db(value: float | None) -> str:
    return "exact" if value is None else f"{value:.1f} dB"
