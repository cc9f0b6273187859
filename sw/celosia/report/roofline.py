"""Sections on speed, of the page about a run: the roofline, and the layers over time."""

import math
from dataclasses import dataclass
from html import escape

from .facts import Facts
from .html import Raw, bar, bars, section, table

__all__ = ["over_time", "roofline"]

#: The drawing in units of its view box, and the margin around its axes.
_WIDTH, _HEIGHT, _MARGIN = 1000, 440, 80


@dataclass(frozen=True)
class _Point:
    """A layer: MACs a byte that is read, MACs a cycle, and the roof above it."""

    name: str
    intensity: float
    speed: float
    roof: float


def _points(facts: Facts) -> list[_Point]:
    """Of every layer that issues something.

    Each k reads a byte of weights for every column and a byte of activations for every row. MACs
    are those of the model less the share of its skipped zeros, so none is above the roof
    min(rows * cols, (rows + cols) * MACs a byte).
    """
    config, found = facts.image.config, []
    read = config.rows + config.cols
    for layer, c in zip(facts.image.model.layers, facts.cycles, strict=True):
        spent = c.compute + c.drain + c.wait
        if not c.compute or not layer.macs:
            continue
        macs = layer.macs * c.compute / (c.compute + c.skipped)
        intensity = macs / (c.compute * read)
        roof = min(config.multipliers, intensity * read)
        found.append(_Point(layer.name, intensity, macs / spent, roof))
    return found


def roofline(facts: Facts) -> Raw:
    """Section on MACs a cycle against MACs a byte read from the engine's memories."""
    config, points = facts.image.config, _points(facts)
    rows = [
        (f"{i}: {p.name}", f"{p.intensity:.3g}", f"{1 / p.intensity:.3g}", f"{p.speed:,.2f}",
         f"{p.roof:,.2f}", f"{p.speed / p.roof:.0%}")
        for i, p in enumerate(points, 1)
    ]  # fmt: skip
    header = ("layer", "MACs a byte", "bytes a MAC", "MACs a cycle", "roof", "reached")
    return section(
        "roofline",
        "Roofline",
        f"MACs a cycle against MACs a byte of weights and activations that is read, both axes "
        f"logarithmic. The roof rises at {config.rows + config.cols:,} bytes a cycle, {config.cols}"
        f" of weights and one in each of {config.rows} rows, up to {config.multipliers:,} MACs. "
        "A layer left of the ridge leaves rows or columns empty; one below its roof waits.",
        _drawn(facts, points) if points else "No layer multiplies.",
        table(header, rows, "Roofline by layer"),
        Raw('<p class="note">Skipped zeros are neither read nor counted as MACs.</p>'),
    )


def _drawn(facts: Facts, points: list[_Point]) -> Raw:
    config = facts.image.config
    read, peak = config.rows + config.cols, config.multipliers
    ridge = peak / read
    left = min(p.intensity for p in points) / 2
    right, low, high = ridge * 4, min(p.speed for p in points) / 2, peak * 2

    def place(intensity: float, speed: float) -> tuple[float, float]:
        x = math.log(intensity / left) / math.log(right / left)
        y = math.log(speed / low) / math.log(high / low)
        wide, tall = _WIDTH - 2 * _MARGIN, _HEIGHT - 2 * _MARGIN
        return _MARGIN + x * wide, _HEIGHT - _MARGIN - y * tall

    start = max(left, low / read)
    roof = [place(start, start * read), place(ridge, peak), place(right, peak)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in roof)
    parts = []
    for value in _ticks(low, high):
        y = place(left, value)[1]
        parts.append(f'<path class="grid" d="M{_MARGIN} {y:.1f} H{_WIDTH - _MARGIN}"/>')
        parts.append(_tick(_MARGIN - 8, y + 6, "end", value))
    for value in _ticks(left, right):
        x = place(value, low)[0]
        parts.append(f'<path class="grid" d="M{x:.1f} {_MARGIN} V{_HEIGHT - _MARGIN}"/>')
        parts.append(_tick(x, _HEIGHT - 40, "middle", value))
    parts.append(f'<polyline class="roof" points="{path}"/>')
    for index, p in enumerate(points, 1):
        x, y = place(p.intensity, p.speed)
        title = f"{p.name}: {p.speed:,.2f} of {p.roof:,.2f} MACs a cycle"
        parts.append(
            f'<circle class="f0" cx="{x:.1f}" cy="{y:.1f}" r="8"><title>{escape(title)}</title>'
            f'</circle><text class="ink" x="{x + 12:.1f}" y="{y + 6:.1f}">{index}</text>'
        )
    label = f"Roofline of {len(points)} layers under {peak:,} MACs a cycle"
    return Raw(
        f'<svg class="roofline" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )


def _tick(x: float, y: float, anchor: str, value: float) -> str:
    return f'<text class="tick" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{value:g}</text>'


def _ticks(low: float, high: float) -> list[float]:
    """At most five powers of two, evenly spaced, within ``low`` and ``high``."""
    first, last = math.ceil(math.log2(low)), math.floor(math.log2(high))
    step = (last - first) // 5 + 1
    return [2.0**at for at in range(first, last + 1, step)]


def over_time(facts: Facts) -> Raw:
    """Section with a bar along the cycles of an input for each layer, in the program's order."""
    total = facts.prediction.cycles / facts.predicted
    rows, at = [], 0.0
    for index, (layer, c) in enumerate(zip(facts.image.model.layers, facts.cycles, strict=True)):
        spent = c.compute + c.drain + c.wait
        text = f"cycles {at:,.1f} to {at + spent:,.1f}"
        part = (f"f{index % 4}", at / total, spent / total, text)
        rows.append((layer.name, bar([part], f"{layer.name}: {text}"), text))
        at += spent
    return section(
        "time",
        "Layers over time",
        f"From left to right {total:,.1f} cycles, those of one input on average. Layers are laid "
        "end to end in the model's order; what is left at the right is loading and unloading.",
        bars(rows),
    )
