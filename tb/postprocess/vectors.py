"""Sums and parameters that are hard to requantize."""

import numpy as np

from celosia.spec import ACC, MULTIPLIER
from celosia.spec.formats import SHIFT_MAX, SHIFT_MIN

__all__ = ["as_beat", "vectors"]


def vectors(rng: np.random.Generator) -> np.ndarray:
    """int64 [4, n]: acc, bias, multiplier, shift; ties and edges for every legal shift."""
    edges = [ACC.min, ACC.min + 1, -1, 0, 1, ACC.max - 1, ACC.max]
    rows = []
    for shift in range(SHIFT_MIN, SHIFT_MAX + 1):
        # a * m = odd * 2**(30 - shift), half a unit of the last place, as far as 32 bits reach.
        left, right = max(shift, 0), max(-shift, 0)
        for odd in rng.choice(np.arange(-299, 300, 2), 6):
            rows.append((odd << right, 0, 1 << (30 - left), shift))
            # DOUBLE: exact after the first rounding, a tie in the second.
            rows.append((odd << right, 0, 1 << 30, shift))
            rows.append((odd << right, int(rng.integers(-1, 2)), 1 << (30 - left), shift))
        for _ in range(4):
            # A result of some hundreds, so that its last bit shows.
            m = int(rng.integers(1 << 30, MULTIPLIER.max + 1))
            a = int(rng.integers(-400, 400)) * 2.0**-shift
            rows.append((int(np.clip(a, ACC.min, ACC.max)), int(rng.integers(-9, 9)), m, shift))
        for _ in range(4):
            wide = rng.integers(ACC.min, ACC.max + 1, 2)
            rows.append((*wide, int(rng.integers(MULTIPLIER.max + 1)), shift))
        rows.append(
            (rng.choice(edges), rng.choice(edges), rng.choice([0, 1, (1 << 31) - 1]), shift)
        )
    return ACC.wrap(np.array(rows, np.int64).T)


def as_beat(acc, bias, multiplier, shift) -> dict:
    """Some of them as fields of `celosia_hw.layouts.requantized`."""
    parameters = [
        {"bias": int(b), "multiplier": int(m), "shift": int(s)}
        for b, m, s in zip(bias, multiplier, shift, strict=True)
    ]
    return {"acc": dict(enumerate(map(int, acc))), "parameters": dict(enumerate(parameters))}
