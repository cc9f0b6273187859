"""Section on folded channels, of the page about a run: what was left out, and why it could be."""

from html import escape

from celosia.network.folding import Folded
from celosia.network.layers import Convolution, Dense, Depthwise
from celosia.network.ranges import Range, channel_ranges, sum_ranges

from .html import Raw, section, table

__all__ = ["folding"]

#: Most channels of a layer that are listed one by one.
_MOST = 400


def folding(folded: Folded) -> Raw:
    """A row for each channel of each layer that the engine does not compute, with its proof."""
    before, after = folded.original, folded.graph
    gone = sum(len(each.channels) for each in folded.removed)
    if not gone:
        return section(
            "folding", "Folded channels", "None: every channel of every layer is computed."
        )
    ranges = channel_ranges(before)
    text = (
        f"{gone:,} channels have one value whatever the input, or are read by no layer; the engine "
        f"does not compute them. {after.macs:,} of {before.macs:,} multiply-accumulates are left. "
        "The results are the same in every byte: a constant is a part of the biases of the layers "
        "that read it, and the host fills it in where a tensor is shown."
    )
    parts: list[object] = [text]
    for index, layer in enumerate(before.layers):
        rows = _rows(folded, index, ranges)
        if not rows:
            continue
        channels = before.shapes[index + 1][2]
        summary = f"{layer.name}: {len(rows)} of {channels} channels"
        body = table(("channel", "value", "proof"), rows[:_MOST], summary, "proof")
        parts.append(Raw(f"<details><summary>{escape(summary)}</summary>{body}</details>"))
    return section("folding", "Folded channels", *parts)


def _rows(folded: Folded, index: int, ranges: list[Range]) -> list[tuple[object, ...]]:
    graph, gone = folded.original, folded.removed[index + 1]
    layer, source = graph.layers[index], ranges[graph.reads[index][0]]
    sums = None
    if isinstance(layer, Dense | Convolution | Depthwise):
        sums = sum_ranges(layer, source)
    rows: list[tuple[object, ...]] = []
    for channel, constant, value in zip(gone.channels, gone.constant, gone.values, strict=True):
        if not constant:
            rows.append((int(channel), "varies", "no layer that is kept reads it"))
        elif sums is None:
            rows.append((int(channel), int(value), "its inputs are constant"))
        else:
            low, high = int(sums.low[channel]), int(sums.high[channel])
            what = f"its sum is always {low:,}"
            if low != high:
                what = f"its sum lies in {low:,}..{high:,}, and all of these give {value}"
            rows.append((int(channel), int(value), what))
    return rows
