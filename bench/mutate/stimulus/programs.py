"""Programs that no compiler makes: any legal descriptors, and illegal ones."""

import numpy as np

from celosia.spec import (
    InferFlag,
    Memory,
    Op,
    Opcode,
)
from celosia.spec.descriptor import PARTS

from .host import Host
from .records import fields, fill, rows

__all__ = [
    "counts",
    "ended_counts",
    "illegal",
    "long_counts",
    "many_runs",
    "needs",
    "programs",
    "restarted_counts",
]


def _descriptor_of(host: Host, op: int) -> dict[str, int]:
    """A legal descriptor with small counts and anything else."""
    rng, config = host.rng, host.config

    def few(most: int) -> int:
        return int(rng.integers(1, most + 1))

    d = {field.name: int(rng.integers(1 << field.width)) for field in PARTS[op].fields}
    low, high = sorted(rng.integers(0, 256, 2).tolist())
    d |= {
        "op": op,
        "emit": 1,
        "store": int(rng.integers(2)),
        "use_table": int(config.tables > 0 and rng.random() < 0.3),
        "table": int(rng.integers(max(config.tables, 1))),
        "rounding": int(rng.integers(2)),
        "zero_point": int(rng.choice([0, 255, 128, rng.integers(256)])),
        "clamp_min": int(rng.choice([0, 0, low])),
        "clamp_max": int(rng.choice([255, 255, high])),
        "dst": int(rng.integers(1 << 16)),
        "params": int(rng.integers(config.param_depth)),
        "tiles": few(7),
        "kernel_y": few(3),
        "kernel_x": few(3),
        "kernel_rest": few(3),
        "tap_words": 1 if op == Op.DEPTHWISE else few(3),
        "tail": 1 if op == Op.DEPTHWISE else few(config.lanes),
        "steps": few(7),
        "rows_used": few(config.rows),
        "rows_full": int(rng.integers(8)),
        "weight_stride": few(100),
        "wait": int(rng.integers(4)),
        "wait_step": int(rng.integers(2)),
        "waits": 0,
    }
    if d["rows_used"] == 1:
        d["rows_full"] = d["steps"] + int(rng.integers(3))
    if rng.random() < 0.7:
        # Inside of its map more often than not.
        d |= {name: int(rng.integers(4)) for name in _NEAR}
        d |= {"height": few(9), "width": few(9), "x_last": few(9)}
    return d


_NEAR = ("pixel_x", "row_y", "row_x", "wrap_y", "wrap_x", "corner_y", "corner_x", "line_y", "tap_x")


def programs(host: Host) -> None:
    """Programs that no compiler makes: small counts, any addresses."""
    config, rng = host.config, host.rng
    fill(host)
    for _ in range(12):
        layers = int(rng.integers(1, 4))
        program = [_descriptor_of(host, int(rng.choice(config.ops))) for _ in range(layers)]
        for each in program[1:]:
            each["waits"] = int(rng.random() < 0.3)
            each["wait"] = int(rng.integers(2)) * each["waits"]
            each["wait_step"] = 0
        for index, each in enumerate(program):
            each["last"] = int(index == layers - 1)
        entry = int(rng.integers(config.program_depth - layers + 1))
        host.stall()
        flags = InferFlag.NO_SKIP if rng.random() < 0.2 else InferFlag(0)
        frames = [host.infer(1, 16, flags | InferFlag.STRIPES, entry)]
        if rng.random() < 0.5:
            frames = [host.infer(int(rng.integers(1, config.rows + 1)), 8, flags, entry)]
        host.send(host.write(Memory.PROGRAM, entry, rows(program)), *frames * 2, most=2500)
    host.send(host.frame(Opcode.COUNTERS), *host.read_all())


#: What a layer counts, and how high.
_COUNTS = ("steps", "tiles", "rows_full", "tap_words", "kernel_y", "kernel_x", "kernel_rest")


def _simple(host: Host, op: int) -> dict[str, int]:
    """A descriptor of ``op`` of which every count is 1."""
    d = _descriptor_of(host, op)
    return d | dict.fromkeys(_COUNTS, 1) | {"last": 1, "rows_used": 1, "skip": 0}


def counts(host: Host) -> None:
    """A power of two above a small count, which ends too early if that bit is lost."""
    config, rng = host.config, host.rng
    fill(host)
    layouts = {field.name: field for field in fields(config)}
    for name in _COUNTS:
        for bit in range(layouts[name].width):
            d = _simple(host, config.ops[0])
            d[name] = (1 << bit) + int(rng.integers(3))
            if name == "rows_full":
                d |= {"steps": 5, "rows_used": config.rows}
            if name == "kernel_rest":
                d["kernel_y"] = 2
            if name == "steps":
                d["rows_full"] = d["steps"]
            host.send(host.write(Memory.PROGRAM, 0, rows([d])), host.infer(1, 8), most=400)


def ended_counts(host: Host) -> None:
    """A power of two up to 4,096 above a small count, of each operation, to its end."""
    config, rng = host.config, host.rng
    fill(host)
    layouts = {field.name: field for field in fields(config)}
    for op in config.ops:
        names = [name for name in _COUNTS if op != Op.DEPTHWISE or name != "tap_words"]
        for name in names:
            for bit in range(min(layouts[name].width, 13)):
                d = _simple(host, op)
                if name == "kernel_rest":
                    d["kernel_y"] = 2
                d[name] = (1 << bit) + int(rng.integers(3))
                if name in ("steps", "rows_full"):
                    d["rows_used"] = int(rng.integers(1, config.rows + 1))
                    d["rows_full"] = d["steps"] = d[name]
                host.send(host.write(Memory.PROGRAM, 0, rows([d])), host.infer(1, 8))
    host.send(host.frame(Opcode.COUNTERS))


#: A loop that is started over, and how often the one around it goes on.
_AROUND = (
    ("tap_words", {"kernel_x": 2}),
    ("kernel_x", {"kernel_y": 2}),
    ("kernel_rest", {"kernel_y": 3}),
    ("kernel_y", {"tiles": 2}),
    ("tiles", {"steps": 2, "rows_full": 2}),
)


def restarted_counts(host: Host) -> None:
    """A power of two up to 4,096 above a small count, of loops that start over."""
    config, rng = host.config, host.rng
    fill(host)
    layouts = {field.name: field for field in fields(config)}
    for name, around in _AROUND:
        for bit in range(min(layouts[name].width, 13)):
            op = int(rng.choice([op for op in config.ops if op != Op.DEPTHWISE]))
            d = _simple(host, op) | around
            d[name] = (1 << bit) + int(rng.integers(3))
            host.send(host.write(Memory.PROGRAM, 0, rows([d])), host.infer(1, 8))
    host.send(host.frame(Opcode.COUNTERS))


def many_runs(host: Host) -> None:
    """More images and runs than the narrow counters count; several at once."""
    config = host.config
    fill(host)
    d = _simple(host, config.ops[0])
    host.send(host.write(Memory.PROGRAM, 0, rows([d])))
    for _ in range(12):
        host.send(*(host.infer(config.rows, 1) for _ in range(48)))
    host.send(host.frame(Opcode.COUNTERS))


def long_counts(host: Host) -> None:
    """The largest counts of steps, of tiles and of words, to their ends."""
    fill(host)
    most = (1 << 16) - 1
    for changes in (
        {"steps": most, "rows_full": most},
        {"tiles": most},
        {"tap_words": most, "skip": 1},
    ):
        d = _simple(host, host.config.ops[0]) | changes | {"emit": 1}
        host.send(host.write(Memory.PROGRAM, 0, rows([d])), host.infer(1, 8), most=400_000)
    host.send(host.frame(Opcode.COUNTERS))


def needs(host: Host) -> None:
    """A layer that waits for a power of two of words, or for as many at each step."""
    rng = host.rng
    fill(host)
    for bit in range(_NEEDED_BITS):
        for steps in (1, 3):
            need, more = (1 << bit) + int(rng.integers(2)), int(rng.integers(3))
            if steps > 1:
                need, more = int(rng.integers(3)), 1 << bit
            words = need + more * steps + 8
            first = _simple(host, host.config.ops[0]) | {
                "steps": words,
                "rows_full": words,
                "last": 0,
                "waits": 0,
            }
            second = _descriptor_of(host, int(rng.choice(host.config.ops)))
            second |= {"waits": 1, "wait": need, "wait_step": more, "last": 1}
            second |= {"steps": steps, "rows_full": steps, "rows_used": 1}
            host.stall()
            host.send(host.write(Memory.PROGRAM, 0, rows([first, second])), host.infer(1, 8))
    host.send(host.frame(Opcode.COUNTERS))


#: Of the words that a layer is made to wait for.
_NEEDED_BITS = 12


def illegal(host: Host) -> None:
    """Descriptors that break each rule, alone or after a legal layer; then a good run."""
    config, rng = host.config, host.rng
    fill(host)
    layouts = {field.name: field for field in fields(config)}
    names = ("op", "tiles", "table", "clamp_min", "weight_stride", "kernel_y", "kernel_x")
    names += ("kernel_rest", "tap_words", "tail", "steps", "rows_used", "rows_full", "last")
    for op in config.ops:
        for name in names:
            width = layouts[name].width
            values = {0, *(1 << bit for bit in range(width)), (1 << width) - 1}
            values |= {config.lanes, config.lanes + 1, config.rows, config.rows + 1, config.tables}
            values |= {2, 3, 4, 5}
            for value in sorted(v for v in values if v < 1 << width):
                d = _descriptor_of(host, op) | {"last": 1, "images": 0}
                if name == "table":
                    d["use_table"] = 1
                if name == "clamp_min":
                    d["clamp_max"] = (value - int(rng.integers(2))) % 256
                if name == "rows_full":
                    d |= {"steps": value + int(rng.integers(2)), "rows_used": 1}
                    d["steps"] %= 1 << 16
                if name == "last":
                    d["emit"] = 0
                if name != "op":
                    d[name] = value
                program = rows([d])
                if name == "op":
                    program[0, 0] = program[0, 0] & 0xF0 | value
                first = [_descriptor_of(host, op) | {"last": 0}] if rng.random() < 0.2 else []
                both = np.concatenate([*([rows(first)] if first else []), program])
                host.send(host.write(Memory.PROGRAM, 0, both), host.infer(1, 4), most=150)
    host.send(host.frame(Opcode.COUNTERS))
