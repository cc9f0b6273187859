"""Payload layouts shared between components, derived from `celosia.spec`."""

from amaranth import *
from amaranth.lib import data

from celosia.spec import (
    ACC,
    ACTIVATION,
    COUNTERS,
    DESCRIPTOR,
    IDENTITY,
    PARAMETER,
    PARTS,
    REQUEST,
    TRAILER,
    WEIGHT,
    Config,
    Layout,
    Memory,
    Op,
    Status,
    ceil_div,
    descriptor,
    memories,
    record,
)
from celosia.spec.maps import ADDRESS_BITS

__all__ = [
    "active_layer",
    "beat",
    "destination",
    "drained",
    "events",
    "fields_of",
    "finished",
    "frame_part",
    "hazard",
    "issue",
    "link_word",
    "memory_write",
    "operands",
    "origin",
    "origins",
    "parameter_word",
    "part_of",
    "placement",
    "read_records",
    "reply",
    "requantized",
    "result",
    "row_write",
    "run",
    "segment",
    "settings",
    "step",
    "struct",
    "sums",
    "tag",
    "word",
    "writable",
    "written_record",
]

#: Of coordinates on a map, and of addresses in a row.
_SIDE_BITS = 9
_ADDRESS_BITS = 16


def struct(layout: Layout) -> data.StructLayout:
    """The Amaranth layout of a `celosia.spec` table, without its padding."""
    return data.StructLayout(
        {
            field.name: signed(field.width) if field.signed else unsigned(field.width)
            for field in layout.fields
        }
    )


def part_of(descriptor: data.View, op: Op) -> data.View:
    """The fields of operation ``op`` in a descriptor's `part`."""
    layout = struct(PARTS[op])
    return data.View(layout, descriptor.part[: layout.size])


def fields_of(descriptor: data.View, op: Op) -> dict[str, Value]:
    """All fields of a descriptor of operation ``op`` by name: what `celosia.spec` rules take."""
    views = (descriptor, part_of(descriptor, op))
    return {name: view[name] for view in views for name, _ in view.shape()}


def link_word(config: Config) -> data.StructLayout:
    """One word of the host link: ``data``, and ``last``, 1 on the final word of a frame.

    Within the link ``last`` also ends a record; see `celosia_hw.link.records.Records`.
    """
    return data.StructLayout({"data": 8 * config.link_bytes, "last": 1})


def word(config: Config) -> data.ArrayLayout:
    """One activation word: ``lanes`` offset-binary bytes of neighbouring channels."""
    return data.ArrayLayout(ACTIVATION.width, config.lanes)


def parameter_word(config: Config) -> data.ArrayLayout:
    """Requantization parameters of ``requantizers`` neighbouring channels."""
    return data.ArrayLayout(struct(PARAMETER), config.requantizers)


def beat(config: Config) -> data.ArrayLayout:
    """What one beat makes of an activation word: ``requantizers`` bytes of it, lowest first."""
    return data.ArrayLayout(ACTIVATION.width, config.requantizers)


def sums(config: Config) -> data.ArrayLayout:
    """The sums of one beat."""
    return data.ArrayLayout(signed(ACC.width), config.requantizers)


def active_layer(config: Config) -> data.StructLayout:
    """A layer about to run: its descriptor, and what the run adds to it.

    ``base`` is the first word of the run's input bank, ``images`` the number of images less one,
    ``skip`` 1 when zero bytes are skipped.
    """
    return data.StructLayout(
        {
            "descriptor": struct(descriptor(config)),
            "base": range(config.act_depth),
            "images": range(config.rows),
            "skip": 1,
        }
    )


def step(config: Config) -> data.StructLayout:
    """One step of a walk: activation word ``src``, of which the ``bytes`` count, times the weight
    words from ``weights`` on. ``last`` ends a tile; ``skip`` 1 when zero bytes are skipped. While
    two layers are in flight it waits until the older one has stored ``need`` words.

    With convolution the word is ``offset`` behind each row's origin, at ``dy``, ``dx`` from it;
    ``src`` is row 0's word. ``step_end``: the pixel's last tile ends here. ``drop``: all bytes are
    0, and skipped.
    """
    fields = {
        "src": range(config.act_depth),
        "weights": range(config.weight_depth),
        "last": 1,
        "bytes": config.lanes,
        "skip": 1,
        "need": _result_words(config),
    }
    return data.StructLayout(fields | (_tap() | {"drop": 1} if config.convolution else {}))


def segment(config: Config) -> data.StructLayout:
    """An activation word in which some bytes are to be multiplied.

    ``mask`` has a bit for each of them; 0, when ``empty``, only closes the tile. ``last``: the tile
    ends here. ``parity``: that of its layer, 0, 1, 0, ... after a reset. ``weights`` is the weight
    word of byte 0. ``src`` is the word's address; with convolution each row has its own, as in
    `step`.
    """
    where = _tap() if config.convolution else {"src": range(config.act_depth)}
    return data.StructLayout(
        {"mask": config.lanes, "empty": 1, "last": 1, "parity": 1}
        | where
        | {"weights": range(config.weight_depth)}
    )


def _tap() -> dict[str, int]:
    """Where a tap is from the origin of each row's window, and whether the pixel ends there."""
    return {
        "step_end": 1,
        "offset": _ADDRESS_BITS,
        "dy": _SIDE_BITS,
        "dx": _SIDE_BITS,
    }


def origin() -> data.StructLayout:
    """Where a row's window begins: coordinates modulo 512 and the address in the row."""
    return data.StructLayout({"y": _SIDE_BITS, "x": _SIDE_BITS, "address": _ADDRESS_BITS})


def origins(config: Config) -> data.StructLayout:
    """The `origin` of every row's window of the current pixel, and fields of its layer: the map's
    ``height`` and ``width``, what a tap ``outside`` reads, with `Config.depthwise` also 1 if it is
    ``depthwise``."""
    fields = {
        "rows": data.ArrayLayout(origin(), config.rows),
        "height": _SIDE_BITS,
        "width": _SIDE_BITS,
        "outside": ACTIVATION.width,
    }
    return data.StructLayout(fields | ({"depthwise": 1} if config.depthwise else {}))


def tag(config: Config) -> data.StructLayout:
    """Where the results of one beat belong; delayed with them through the postprocessing.

    ``row``, and ``dst`` the address of the word they are part of, which is whole with ``whole``,
    its last beat. ``parity`` of their layer: 0, 1, 0, ... after a reset. ``word_end`` is 1 on the
    last beat of a word in the last row with results, ``layer_end`` on the last one of a layer.

    In engines with convolution it is word ``number`` of its tensor, and ``dst`` where its mask is
    stored.
    """
    fields = {
        "whole": 1,
        "row": range(config.rows),
        "dst": range(config.act_depth),
        "parity": 1,
        "word_end": 1,
        "layer_end": 1,
    }
    return data.StructLayout(fields | ({"number": ADDRESS_BITS} if config.convolution else {}))


def events(config: Config) -> data.StructLayout:
    """What happens in a cycle, for the counters."""
    return data.StructLayout(
        {
            "busy": 1,
            "issued": 1,
            "skipped": range(config.lanes + 1),
            "stall_output": 1,
            "stall_drain": 1,
            "stall_data": 1,
            "images": range(config.rows + 1),
        }
    )


def settings() -> data.StructLayout:
    """How the sums of a layer become results: fields of its descriptor, held while any of them is
    on its way. Those of both layers in flight are, and a tag's ``parity`` tells which it needs."""
    fields = struct(DESCRIPTOR)
    return data.StructLayout(
        {
            name: fields[name].shape
            for name in (
                "rounding",
                "zero_point",
                "clamp_min",
                "clamp_max",
                "use_table",
                "table",
                "store",
                "emit",
                "last",
            )
        }
    )


def destination(config: Config) -> data.StructLayout:
    """Where the results of a layer go in engines with convolution: their `placement` in the rows;
    ``images`` 1 when each row has an image of its own."""
    return data.StructLayout({"placement": placement(config), "images": 1})


def operands(config: Config) -> data.StructLayout:
    """What the array multiplies in one cycle: ``u[row] * w[col]``, with `Config.depthwise`
    ``u[row][col] * w[col]``; ``last`` ends a tile."""
    of_row = data.ArrayLayout(ACTIVATION.width, config.cols) if config.depthwise else 8
    return data.StructLayout(
        {
            "u": data.ArrayLayout(of_row, config.rows),
            "w": data.ArrayLayout(signed(WEIGHT.width), config.cols),
            "last": 1,
        }
    )


def drained(config: Config) -> data.StructLayout:
    """One beat of a tile on its way to the requantizers: its ``tag``, its sums ``acc`` and their
    ``parameters``."""
    return data.StructLayout(
        {"tag": tag(config), "acc": sums(config), "parameters": parameter_word(config)}
    )


def requantized(config: Config) -> data.StructLayout:
    """One beat for the requantizers: sums ``acc``, their ``parameters``, the ``parity`` of their
    layer."""
    return data.StructLayout(
        {"acc": sums(config), "parameters": parameter_word(config), "parity": 1}
    )


def finished(config: Config) -> data.StructLayout:
    """One beat of results: its ``tag`` and its bytes."""
    return data.StructLayout({"tag": tag(config), "data": beat(config)})


def issue(config: Config) -> data.StructLayout:
    """One k: byte ``byte`` of activation word ``src`` times weight word ``weights``.

    With convolution it is the byte ``offset`` behind each row's origin, as in `step`, or of a
    depthwise layer the word there. ``last`` marks the end of a tile.
    """
    where = {"src": range(config.act_depth), "byte": range(config.lanes)}
    if config.convolution:
        where = _tap()
    return data.StructLayout({"last": 1} | where | {"weights": range(config.weight_depth)})


def hazard(config: Config) -> data.StructLayout:
    """``active`` when two layers are in flight; ``stored``: words of the older one's results that
    are complete in every row."""
    return data.StructLayout({"active": 1, "stored": _result_words(config)})


def _result_words(config: Config) -> int | range:
    """The shape of a number of result words of a layer, of each row."""
    return 17 if config.convolution else range(config.act_depth + 1)


def placement(config: Config) -> data.StructLayout:
    """Where each row keeps its words of a tensor: row r the words ``w`` with
    ``local = w - r * row_words + halo < length`` (modulo 2**16), at ``base + local``."""
    fields = struct(PARTS[Op.CONVOLUTION])
    return data.StructLayout(
        {
            "base": range(config.act_depth),
            **{name: fields[name].shape for name in ("row_words", "halo", "length")},
        }
    )


def row_write(config: Config) -> data.StructLayout:
    """One word of one row, for address ``dst``. ``active`` 0: nothing is stored. Rows come in order
    for each word, and ``word_end`` marks the last one.

    In engines with convolution it is word ``number`` of its tensor, which every row stores in whose
    `placement` it lies. There ``dst`` is the word's address where all rows have the same.
    """
    fields = {
        "row": range(config.rows),
        "active": 1,
        "dst": range(config.act_depth),
        "word_end": 1,
        "data": word(config),
    }
    if config.convolution:
        fields |= {"number": ADDRESS_BITS, "placement": placement(config)}
    return data.StructLayout(fields)


def run(config: Config) -> data.StructLayout:
    """A run asked for by the host: program at ``entry`` on ``images`` + 1 images whose input
    starts at word ``base``; ``skip`` 1 to skip zero bytes."""
    return data.StructLayout(
        {
            "entry": range(config.program_depth),
            "images": range(config.rows),
            "skip": 1,
            "base": range(config.act_depth),
        }
    )


def writable(config: Config) -> list:
    """`Record`s of the memories that WRITE reaches in an engine of shape ``config``."""
    records = [record(config, memory) for memory in memories(config)]
    return [one for one in records if one.writable and one.depth]


def memory_write(config: Config) -> data.StructLayout:
    """A record to be stored: bit `Memory` of ``en`` is 1 for one cycle, at record ``addr``.

    ``data`` holds the link words of the record at its upper end: see `written_record`.
    """
    words = max(one.words for one in writable(config))
    return data.StructLayout(
        {
            "en": len(Memory),
            "addr": REQUEST.width_of("address"),
            "data": 8 * config.link_bytes * words,
        }
    )


def written_record(config: Config, write: data.View, memory: Memory) -> Value:
    """The record of ``memory`` in a `memory_write`, without the padding of its link words."""
    one = record(config, memory)
    start = len(write.data) - 8 * config.link_bytes * one.words
    return write.data[start : start + 8 * one.size]


def reply(config: Config) -> data.StructLayout:
    """A response to be sent: the request, how it ended, and the records that a WRITE stored."""
    return data.StructLayout(
        {
            "status": Status,
            "request": struct(REQUEST),
            "stored": TRAILER.width_of("count"),
        }
    )


def frame_part(config: Config) -> data.StructLayout:
    """A part of a response: words 0 to ``last_word`` of what is 1, or nothing.

    ``results``: every result in turn. ``record``: what the request asks for, which is `IDENTITY`,
    `COUNTERS`, a record of a memory, or `CHECKSUM`. ``trailer``: the end of the frame. With
    `Config.checksum`, ``summed``: the words of the ``record`` are summed up rather than sent.
    """
    words = [record(config, memory).words for memory in memories(config)]
    words += [ceil_div(each.size, config.link_bytes) for each in (IDENTITY, COUNTERS, TRAILER)]
    fields = {"results": 1, "record": 1, "trailer": 1, "last_word": range(max(words))}
    return data.StructLayout(fields | ({"summed": 1} if config.checksum else {}))


def read_records(config: Config) -> data.StructLayout:
    """The record at the address that is read, of every memory by its name in lower case."""
    return data.StructLayout(
        {memory.name.lower(): 8 * record(config, memory).size for memory in memories(config)}
    )


def result(config: Config) -> data.StructLayout:
    """One word of results for the host; ``frame_end`` on the last one of a run."""
    return data.StructLayout({"data": word(config), "frame_end": 1})
