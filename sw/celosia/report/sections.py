"""Sections of the page about a run."""

from collections.abc import Iterator
from itertools import pairwise

from celosia.compiler.image import Image
from celosia.compiler.metadata import Shape
from celosia.ops import OPERATIONS
from celosia.spec import OFFSET, Memory, Rounding, record

from .facts import Facts
from .html import Raw, bar, bars, cell, legend, section, table
from .used import used

__all__ = ["cycles", "memory", "metrics", "network", "precision"]

#: Signal to noise below this, in decibels, is highlighted.
_LITTLE = 20


def metrics(facts: Facts) -> Iterator[tuple[str, object, str]]:
    """The cards at the top of the page: name, value, remark."""
    f, p = facts.metrics, facts.prediction
    per_image = p.cycles / facts.predicted
    yield "cycles per input", f"{per_image:,.0f}", f"cycle model, {facts.predicted:,} inputs"
    if f.cycles:
        yield "measured", f"{f.cycles_per_image:,.0f}", "cycles per input in the simulated RTL"
    yield "array busy", f"{p.issued / p.cycles:.0%}", "of the cycles; skipped zeros take none"
    total = p.issued + p.skipped
    yield "skipped", f"{p.skipped / total:.0%}" if total else "0%", "of all input positions"
    if facts.labels is not None:
        right = (facts.classes == facts.labels).mean()
        yield "accuracy", f"{right:.2%}", f"of {len(facts.labels):,} labelled inputs"
    verdict = Raw('<span class="good">none</span>')
    if facts.mismatches:
        verdict = Raw(f'<span class="bad">{facts.mismatches:,}</span>')
    yield "bytes that differ", verdict, "between engine and golden model"


def network(facts: Facts) -> Raw:
    """Section on the layers of the network."""
    model = facts.image.model
    rows = [
        (
            layer.name,
            _shape(before),
            _shape(layer.shape),
            f"{layer.macs:,}",
            f"{layer.macs / max(model.macs, 1):.1%}",
            f"{layer.scale:.4g}",
            layer.zero_point,
            f"{d['clamp_min'] - OFFSET}..{d['clamp_max'] - OFFSET}" if d else "",
            ("yes" if d["use_table"] else "no") if d else "",
            Rounding(d["rounding"]).name.lower() if d else "",
        )
        for layer, before, d in zip(
            model.layers, _input_shapes(facts.image), _last_descriptors(facts.image), strict=True
        )
    ]
    header = ("layer", "input", "result", "MACs", "share", "scale", "zero point", "clamp",
              "table", "rounding")  # fmt: skip
    return section(
        "network",
        "Network",
        f"{len(rows)} layers, {model.macs:,} multiply-accumulates per input. Inputs are int8 with "
        f"scale {model.scale:.4g} and zero point {model.zero_point}; each layer's results have the "
        "scale and zero point of its row.",
        table(header, rows, "Layers"),
    )


def _input_shapes(image: Image) -> list[Shape]:
    """Of the first tensor that each layer reads."""
    shapes = [image.model.shape, *(layer.shape for layer in image.model.layers)]
    return [shapes[reads[0]] for reads in image.model.reads]


def _shape(shape: Shape) -> str:
    """Such as "25x5x64"; of a vector the number of its values."""
    return "x".join(map(str, shape)) if shape[:2] != (1, 1) else f"{shape[2]:,}"


def _last_descriptors(image: Image) -> list[dict[str, int]]:
    """Of each layer; {} if it has none, as it moves no data."""
    descriptors, kernels = image.descriptors(), image.model.kernels
    if not kernels:
        return descriptors
    found: list[dict[str, int]] = [{} for _ in image.model.layers]
    for (layer, *_), d in zip(kernels, descriptors, strict=True):
        found[layer] = d
    return found


def cycles(facts: Facts) -> Raw:
    """Section on the cycles of each layer."""
    layers = facts.image.model.layers
    spent = [c.compute + c.drain + c.wait for c in facts.cycles]
    total = facts.prediction.cycles / facts.predicted
    most = max([facts.load, *(s + c.skipped for s, c in zip(spent, facts.cycles, strict=True))])
    rows = []
    for layer, c, sum_ in zip(layers, facts.cycles, spent, strict=True):
        parts, at = [], 0.0
        for kind, value, what in (
            ("f0", c.compute, "multiplying"),
            ("f1", c.drain, "waiting for the drain"),
            ("f2", c.wait, "waiting for data"),
            ("saved", c.skipped, "saved by skipping zeros"),
        ):
            parts.append((kind, at / most, value / most, f"{what}: {value:,.1f} cycles"))
            at += value
        label = f"{layer.name}: {sum_:,.1f} cycles per input"
        rows.append((layer.name, bar(parts, label), f"{sum_:,.1f} ({sum_ / total:.0%})"))
    loading = [("f4", 0, facts.load / most, f"{facts.load:,.1f} cycles")]
    text = f"{facts.load:,.1f} ({facts.load / total:.0%})"
    rows.append(("load and unload", bar(loading, "cycles outside of any layer"), text))
    worst = max(range(len(spent)), key=spent.__getitem__)
    return section(
        "cycles",
        "Where the cycles go",
        f"Cycles per input, {total:,.1f} in total; {layers[worst].name} takes the most "
        f"({spent[worst] / total:.0%}).",
        legend(
            [
                ("f0", "multiplying"),
                ("f1", "waiting for the drain"),
                ("f2", "waiting for data or for the pipeline to fill"),
                ("f4", "no layer running: first input, last results"),
                ("saved", "saved by skipping zeros (not spent)"),
            ]
        ),
        bars(rows),
        Raw(
            '<p class="note">From the cycle model, which tests hold equal to the hardware, for the '
            f"first {facts.predicted:,} inputs back to back. Inputs are loaded and results sent "
            "while layers run, so only the first load and the last results take time of their "
            "own.</p>"
        ),
    )


def memory(facts: Facts) -> Raw:
    """Section on the use of each memory, by layer."""
    image, rows = facts.image, []
    config, names = image.config, [layer.name for layer in image.model.layers]
    ds = image.descriptors()
    starts = {
        Memory.WEIGHTS: [OPERATIONS[d["op"]].weights_read(d, config).start for d in ds],
        Memory.PARAMS: [d["params"] for d in ds],
        Memory.PROGRAM: list(range(len(ds))),
    }
    for kind, firsts in starts.items():
        shape = record(config, kind)
        edges = [*firsts, len(image.records(kind))]
        parts = [
            (f"f{i % 2 * 3} gap", a / shape.depth, (b - a) / shape.depth, f"{names[i]}: {b - a:,}")
            for i, (a, b) in enumerate(pairwise(edges))
        ]
        rows.append(used(shape.title, parts, edges[-1], shape.depth, shape.size))
    shape, count = record(config, Memory.TABLES), len(image.records(Memory.TABLES))
    tables = [("f0", 0, count / shape.depth, f"{count // 256} tables")] if shape.depth else []
    rows.append(used(shape.title, tables, count, shape.depth, shape.size))
    depth = max(
        (OPERATIONS[d["op"]].writes(d, config).stop for d in ds if d["store"]),
        default=2 * image.input_words,
    )
    rows.append(
        used(
            "activations, each row",
            [("f0", 0, depth / config.act_depth, f"{depth:,} words")],
            *(depth, config.act_depth, config.lanes),
        )
    )
    lanes = [_activations(facts, index, d, depth) for index, d in enumerate(ds)]
    return section(
        "memory",
        "Memory",
        f"The program's use of each memory of this {config} engine; colours alternate from layer "
        "to layer.",
        bars(rows),
        Raw("<h3>Activation memory, layer by layer</h3>"),
        legend([("f0", "read"), ("f1", "written"), ("f4", "input of the next run")]),
        bars(lanes),
    )


def _activations(facts: Facts, index: int, d: dict[str, int], depth: int) -> tuple[str, Raw, str]:
    """A bar of the words that a layer reads and writes, and of the other input bank."""
    config, words = facts.image.config, facts.image.input_words
    parts = [("f4", words / depth, words / depth, "the next inputs arrive")]
    operation = OPERATIONS[d["op"]]
    reads, writes = operation.reads(d, config, base=0), operation.writes(d, config)
    for each in reads:
        share = each.start / depth, len(each) / depth
        parts.append(("f0", *share, f"{len(each):,} words read"))
    if writes:
        share = writes.start / depth, len(writes) / depth
        parts.append(("f1", *share, f"{len(writes):,} words written"))
    name = facts.image.model.layers[index].name
    counts = f"{sum(map(len, reads)):,} read"
    if writes:
        counts += f", {len(writes):,} written"
    return name, bar(parts, f"{name}: {counts}"), counts


def precision(facts: Facts) -> Raw:
    """Section on the precision of each layer."""
    assert facts.precision is not None
    rows, values = [], []
    names = [layer.name for layer in facts.image.model.layers]
    measured = list(facts.precision)
    if facts.entry is not None:
        names, measured = ["input", *names], [facts.entry, *measured]
    for name, p in zip(names, measured, strict=True):
        rows.append(
            (
                name,
                _decibels(p.so_far),
                _decibels(p.alone),
                f"{p.saturated:.2%}",
            )
        )
        values.append(p.alone)
    known = [(value, index) for index, value in enumerate(values) if value is not None]
    worst = "No layer adds noise."
    if known:
        value, index = min(known)
        worst = f"{names[index]} adds the most noise ({value:.1f} dB alone)."
    against = "the same network in float, with the engine's weights"
    if facts.float_model:
        against = "the float model"
    drawn = [
        (
            name,
            bar(
                [("f0", 0, max(p.so_far or 0, 0) / 60, f"so far: {_plain(p.so_far)}")],
                f"{name}: {_plain(p.so_far)} so far",
            ),
            _plain(p.so_far),
        )
        for name, p in zip(names, measured, strict=True)
    ]
    return section(
        "precision",
        "Precision",
        f"Signal to quantization noise of each layer's int8 results, against {against}. 6 dB are "
        f"one bit; below {_LITTLE} dB the noise has more than a tenth of the signal's amplitude. "
        f"{worst}",
        legend([("f0", "so far; the full width is 60 dB")]),
        bars(drawn),
        table(
            ("layer", "so far, dB", "this layer alone, dB", "saturated"), rows, "Precision by layer"
        ),
        Raw(
            f'<p class="note">So far: including the noise of all layers before it. Alone: against '
            "this layer in float on its int8 input, so that the noise is that of its own rounding "
            f"and saturation. On the first {facts.measured:,} inputs.</p>"
        ),
    )


def _decibels(value: float | None) -> Raw:
    return cell(
        "-" if value is None else f"{value:.1f}",
        "bad" if value is not None and value < _LITTLE else "",
    )


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} dB"
