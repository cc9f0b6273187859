"""Section on the classes of a classifier, of the page about a run."""

import numpy as np

from celosia.numerics.offset_binary import to_offset

from .facts import Facts
from .html import Raw, cell, digit, section, table

__all__ = ["classes"]

#: Most classes for which the confusion matrix is shown.
_MOST_CLASSES = 32


def classes(facts: Facts) -> Raw:
    """Section on a classifier's accuracy, confusion matrix and worst mistakes."""
    right = facts.classes == facts.labels
    count = (
        f"{right.sum():,} of {len(right):,} inputs are classified correctly ({right.mean():.2%})"
    )
    parts = [f"{count}; {(~right).sum():,} are not."]
    matrix = facts.confusion
    if len(matrix) <= _MOST_CLASSES:
        parts += [Raw("<h3>Confusion</h3>"), _confusion(matrix)]
    mistakes = facts.mistakes
    if mistakes:
        parts.append(Raw("<h3>Worst mistakes</h3>"))
        parts.append(_gallery(facts) if facts.x.shape[1] == 784 else _list(facts))
    return section("classes", "Classes", *parts)


def _confusion(matrix: np.ndarray) -> Raw:
    wrong = max((int(v) for i, row in enumerate(matrix) for j, v in enumerate(row) if i != j),
                default=0)  # fmt: skip
    rows = []
    for label, row in enumerate(matrix):
        cells = []
        for found, count in enumerate(row):
            share = count / max(row.sum(), 1) if label == found else count / max(wrong, 1)
            kind = "heat right" if label == found else "heat wrong"
            cells.append(cell(int(count) or "", kind, f"--v:{share:.2f}"))
        rows.append((f"is {label}", *cells, f"{row[label] / max(row.sum(), 1):.1%}"))
    header = ("", *range(len(matrix)), "found")
    return table(header, rows, "Confusion matrix: rows are labels, columns found classes", "matrix")


def _gallery(facts: Facts) -> Raw:
    items = []
    for m in facts.mistakes:
        pixels = to_offset(facts.x[m.index]).reshape(28, 28)
        what = f"input {m.index}: a {m.label} classified as {m.found}"
        items.append(
            f"<li><figure>{digit(pixels, what)}<figcaption>{m.label} found as <strong>{m.found}"
            f"</strong><br>input {m.index:,}, by {m.margin}</figcaption></figure></li>"
        )
    return Raw(f'<ul class="gallery">{"".join(items)}</ul>')


def _list(facts: Facts) -> Raw:
    rows = [(f"input {m.index:,}", m.label, m.found, m.margin) for m in facts.mistakes]
    return table(("", "label", "found", "steps above the label"), rows, "Worst mistakes")
