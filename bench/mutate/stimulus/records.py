"""Records of memories that a host draws: parameters, descriptors."""

from collections.abc import Iterator

import numpy as np

from celosia.spec import (
    INPUT_LAYOUT,
    PARAMETER,
    Config,
    Memory,
    descriptor,
    pack_descriptor,
    record,
)
from celosia.spec.descriptor import PARTS
from celosia.spec.fields import Field

from .host import Host

__all__ = ["fields", "fill", "parameters", "rows"]


def parameters(host: Host, words: int) -> np.ndarray:
    """Parameters whose results are not all clamped."""
    rng, rows = host.rng, []
    for _ in range(words):
        row = b""
        for _ in range(host.config.requantizers):
            bits = int(rng.integers(0, 32))
            bias = int(rng.integers(-(1 << bits), 1 << bits)) if bits < 31 else -(1 << 31)
            multiplier = int(rng.choice([0, 1, (1 << 31) - 1, 1 << 30, rng.integers(1 << 31)]))
            if rng.random() < 0.6:
                multiplier = int(rng.integers(1 << 30, 1 << 31))
            # Such that the result has about 8 bits, or any.
            fitting = int(np.clip(7 - max(bits, 6) + rng.integers(-2, 3), -31, 30))
            shift = fitting if rng.random() < 0.8 else int(rng.integers(-31, 31))
            row += PARAMETER.pack(bias=bias, multiplier=multiplier, shift=shift)
        rows.append(list(row))
    return np.array(rows, np.uint8)


def fields(config: Config) -> Iterator[Field]:
    yield from descriptor(config).fields
    for op in config.ops:
        yield from PARTS[op].fields


def rows(program: list[dict[str, int]]) -> np.ndarray:
    return np.array([list(pack_descriptor(**each)) for each in program], np.uint8)


def fill(host: Host) -> None:
    """Any weights, tables and layout, and parameters that do not clamp every result."""
    host.recorder.stalls = (0.0, 0.0)
    for memory in (Memory.WEIGHTS, Memory.TABLES):
        depth = record(host.config, memory).depth
        if depth:
            host.send(host.write(memory, 0, host.records(memory, depth)))
    depth = record(host.config, Memory.PARAMS).depth
    host.send(host.write(Memory.PARAMS, 0, parameters(host, depth)))
    layout = np.frombuffer(INPUT_LAYOUT.pack(row_words=9, halo=3, length=16), np.uint8)
    host.send(host.write(Memory.LAYOUT, 0, layout[None]))
