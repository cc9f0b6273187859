"""Faults of a serial line."""

import random
from collections import Counter
from dataclasses import dataclass

__all__ = ["KINDS", "Faults"]

#: What can befall a byte.
KINDS = ("dropped", "doubled", "flipped", "inserted")


@dataclass
class Faults:
    """Faults that befall bytes: each byte one with probability ``rate``, by a seeded generator.

    Calling it with the bytes sent gives the bytes received. ``made`` counts the faults by kind.

    Parameters
    ----------
    rate : probability 0..1.
    seed : of the generator.
    kinds : those of `KINDS` that occur, all equally often. "flipped" changes one to eight bits, and
        "inserted" adds a random byte after the right one.
    """

    rate: float
    seed: int
    kinds: tuple[str, ...] = KINDS

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.made: Counter[str] = Counter()

    def __call__(self, data: bytes) -> bytes:
        out = bytearray()
        for byte in data:
            if self.random.random() >= self.rate:
                out.append(byte)
                continue
            kind = self.random.choice(self.kinds)
            self.made[kind] += 1
            if kind == "doubled":
                out += bytes([byte, byte])
            elif kind == "flipped":
                out.append(byte ^ self.random.randrange(1, 256))
            elif kind == "inserted":
                out += bytes([byte, self.random.randrange(256)])
        return bytes(out)
