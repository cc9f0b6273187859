"""Sections on maps, of the page about a run on an engine with convolution."""

from collections.abc import Iterator
from html import escape

import numpy as np

from celosia.numerics.offset_binary import to_offset
from celosia.predict.map_work import Life, MapWork
from celosia.spec import Memory, record

from .facts import Facts
from .html import Raw, bars, legend, section
from .picture import mosaic, picture
from .used import used

__all__ = ["maps", "memory"]

#: Channels of a layer that are shown, and pixels of a sheet of them.
_CHANNELS, _PIXELS = 16, 200 * 200


def memory(facts: Facts) -> Raw:
    """Section on the memories: how full they are, and activations over time."""
    image, work = facts.image, MapWork.of_image(facts.image)
    config, rows = image.config, []
    for kind in (Memory.WEIGHTS, Memory.PARAMS, Memory.PROGRAM, Memory.TABLES):
        shape, count = record(config, kind), len(image.records(kind))
        share = [("f0", 0.0, count / shape.depth, f"{count:,}")] if shape.depth else []
        rows.append(used(shape.title, share, count, shape.depth, shape.size))
    share = [("f0", 0.0, work.depth / config.act_depth, f"{work.depth:,} words")]
    rows.append(used("activations, each row", share, work.depth, config.act_depth, config.lanes))
    fullest = max(range(len(work.descriptors)), key=work.live_words)
    name = image.model.layers[work.kernels[fullest][0]].name
    return section(
        "memory",
        "Memory",
        f"The program's use of each memory of this {config} engine.",
        bars(rows),
        Raw("<h3>Activation memory over time</h3>"),
        f"From left to right the {len(work.descriptors)} steps of the program, in each of which a "
        f"window walks over a map; from the bottom to the top the {work.depth:,} words of each "
        "row's memory that are used. A box is a map, from the step that writes it to the last that "
        f"reads it. Most are in use in {name}: {work.live_words(fullest):,} words.",
        legend([("f4", "input banks: this run's and the next one's"), ("f0", "maps, in turn")]),
        _timeline(facts, work),
    )


def _timeline(facts: Facts, work: MapWork) -> Raw:
    """A picture: steps from left to right, words upwards."""
    steps, depth = len(work.descriptors), work.depth
    reads = [index for index, kernel in enumerate(work.kernels) if 0 in kernel[2:]]
    bank = work.bank
    boxes = [
        _box("f4", Life(range(0, bank), 0, reads[-1]), steps, depth, "the input of this run"),
        _box("f4", Life(range(bank, 2 * bank), 0, steps - 1), steps, depth, "the next input"),
    ]
    for index, life in enumerate(work.lives.values()):
        boxes.append(_box(f"f{index % 4}", life, steps, depth, _title(facts, work, life)))
    label = f"Activation memory over {steps} steps: {len(work.lives)} maps in {depth:,} words"
    return Raw(
        f'<svg class="timeline" viewBox="0 0 1000 1000" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(label)}">{"".join(boxes)}</svg>'
    )


def _title(facts: Facts, work: MapWork, life: Life) -> str:
    first, last = (
        facts.image.model.layers[work.kernels[index][0]].name for index in (life.first, life.last)
    )
    words = f"words {life.words.start:,} to {life.words.stop - 1:,}"
    return f"result of {first}, {words}, until {last}"


def _box(kind: str, life: Life, steps: int, depth: int, title: str) -> str:
    x, width = 1000 * life.first / steps, 1000 * (life.last - life.first + 1) / steps
    height = 1000 * len(life.words) / depth
    y = 1000 - 1000 * life.words.stop / depth
    return (
        f'<rect class="{kind} gap" x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" '
        f'height="{height:.2f}"><title>{escape(title)}</title></rect>'
    )


def maps(facts: Facts) -> Raw | None:
    """Section with the results of the first input as pictures; None without maps."""
    figures = list(_figures(facts))
    if not figures:
        return None
    return section(
        "maps",
        "Maps",
        "What each layer makes of the first input, black for -128 and white for 127. Of up to "
        f"{_CHANNELS} channels, side by side, that rounding and saturation of their layer change "
        "the most.",
        Raw(f'<ul class="maps">{"".join(figures)}</ul>'),
    )


def _figures(facts: Facts) -> Iterator[str]:
    assert facts.folded
    graph = facts.folded.original
    height, width, channels = graph.shapes[0]
    if height * width > 1:
        entry = facts.x[0].reshape(height, width, channels)
        yield _figure("input", entry, np.arange(channels), "")
    for layer, measured in zip(graph.layers, facts.layers, strict=True):
        height, width, channels = layer.output_shape
        if height * width > 1:
            order = np.argsort(-measured.errors, kind="stable")
            largest = f", off by up to {measured.errors.max():.2f} steps"
            yield _figure(layer.name, measured.result, order, largest)


def _figure(name: str, result: np.ndarray, order: np.ndarray, remark: str) -> str:
    """``order`` : the channels, those first that are to be shown."""
    height, width, channels = result.shape
    size = f"{height}x{width}x{channels}"
    if min(height, width) == 1:  # one-dimensional: all channels are one picture
        sheet = to_offset(result.reshape(-1, channels).T)
        shown = f"{channels} channels from top to bottom"
    else:
        count = max(1, min(_CHANNELS, channels, _PIXELS // (height * width)))
        sheet = mosaic(to_offset(result[..., order[:count]]))
        shown = f"channel{'s' * (count > 1)} {', '.join(map(str, order[:count].tolist()))}"
    caption = f"<strong>{escape(name)}</strong><br>{size}, {shown}{remark}"
    drawn = picture(sheet, f"{name}: {shown}")
    return f"<li><figure>{drawn}<figcaption>{caption}</figcaption></figure></li>"
