"""Functional coverage: what benches of whole engines must have met, counted as it is met.

With the variable `VARIABLE` each point that is hit is a line appended to the file that it names;
without it nothing is counted.
"""

import os
from collections import Counter

from celosia.spec import (
    REQUEST,
    Config,
    InferFlag,
    Memory,
    Op,
    Opcode,
    Rounding,
    Status,
    record,
    round_up,
    unpack_descriptor,
)

__all__ = ["POINTS", "VARIABLE", "hit", "hit_request"]

VARIABLE = "CELOSIA_TB_POINTS"
#: A point that is met all the time is written that often by a process.
_ENOUGH = 1000

#: All that must be hit.
POINTS = (
    *(f"opcode {each.name}" for each in Opcode),
    *(f"status {each.name}" for each in Status),
    *(f"write {each.name}" for each in Memory if each is not Memory.ACTIVATIONS),
    *(f"read {each.name}" for each in Memory),
    *(f"operation {each.name}" for each in Op),
    *(f"{each.name} with a table" for each in Op),
    *(f"{each.name} emitted" for each in Op),
    *(f"{each.name} stored" for each in Op),
    *(f"{each.name} of several tiles" for each in Op),
    *(f"{each.name} with a short last word" for each in Op),
    *(f"rounding {each.name}" for each in Rounding),
    "run of one image",
    "run of all rows",
    "run in stripes",
    "run without skipping",
    "counters cleared",
    "run dropped by a RESET",
    "run aborted by a RESET",
    "host takes nothing for long",
)

_written: Counter[str] = Counter()


def hit(point: str) -> None:
    """Count ``point``, one of `POINTS`."""
    path = os.environ.get(VARIABLE)
    if path is None or _written[point] >= _ENOUGH:
        return
    if point not in POINTS:
        raise ValueError(f"{point!r} is not in tb.points.POINTS")
    _written[point] += 1
    with open(path, "a") as file:
        file.write(f"{point}\n")


def hit_request(config: Config, frame: bytes, status: Status) -> None:
    """Count what the request ``frame``, answered with ``status``, meets."""
    hit(f"status {status.name}")
    if status is not Status.OK:
        return
    header = REQUEST.unpack(frame)
    opcode, arg = Opcode(header["opcode"]), header["arg"]
    hit(f"opcode {opcode.name}")
    if opcode in (Opcode.WRITE, Opcode.READ):
        hit(f"{opcode.name.lower()} {Memory(arg).name}")
    if opcode is Opcode.WRITE and arg == Memory.PROGRAM:
        _program(config, frame)
    elif opcode is Opcode.COUNTERS and arg & 1:
        hit("counters cleared")
    elif opcode is Opcode.INFER:
        _run(config, arg)


def _run(config: Config, arg: int) -> None:
    images = (arg & InferFlag.IMAGES_MASK) + 1
    if arg & InferFlag.STRIPES:
        hit("run in stripes")
    elif images == config.rows:
        hit("run of all rows")
    if images == 1:
        hit("run of one image")
    if arg & InferFlag.NO_SKIP:
        hit("run without skipping")


def _program(config: Config, frame: bytes) -> None:
    """The descriptors that a WRITE brings."""
    shape = record(config, Memory.PROGRAM)
    step = shape.words * config.link_bytes
    payload = frame[round_up(REQUEST.size, config.link_bytes) :]
    for start in range(0, len(payload), step):
        d = unpack_descriptor(payload[start : start + shape.size])
        if d["op"] not in config.ops or "tail" not in d:
            continue
        name = Op(d["op"]).name
        hit(f"operation {name}")
        hit(f"rounding {Rounding(d['rounding']).name}")
        for point, true in (
            ("emitted", d["emit"]),
            ("stored", d["store"]),
            ("with a table", d["use_table"]),
            ("of several tiles", d["tiles"] > 1),
            ("with a short last word", d["tail"] < config.lanes),
        ):
            if true:
                hit(f"{name} {point}")
