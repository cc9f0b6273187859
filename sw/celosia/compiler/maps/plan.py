"""Where each row keeps its range of every map: words ``r * D - H <= w < r * D - H + L`` of it.

All rows have the same D, H and L. A kernel's result word is sent to all rows, and each stores it
where it falls inside its range. With images in the rows the same holds of a map ``rows`` times as
high: D and L are the words of a map.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from celosia.spec import Config
from celosia.spec.maps import ADDRESS_BITS

from .kernel import Program
from .windows import NONE, row_steps, words_read

__all__ = ["Plan", "Range", "plan"]

#: Word numbers are 16 bits.
_WORDS = 1 << ADDRESS_BITS
_RESTARTS = 300


@dataclass(frozen=True)
class Range:
    """Words of a map in each row's memory: from ``base`` on, in the order of their numbers."""

    base: int
    row_words: int
    halo: int
    length: int


@dataclass(frozen=True)
class Plan:
    """A memory map of all rows.

    Parameters
    ----------
    images : each row computes an image of its own; else the rows share one image.
    ranges : of each map; None of one that nobody reads. That of map 0, the input, counts from the
        run's bank; there are two, at the bottom.
    depth : activation words needed.
    """

    images: bool
    ranges: tuple[Range | None, ...]
    depth: int

    @property
    def input(self) -> Range:
        found = self.ranges[0]
        assert found is not None  # the first kernel reads it
        return found


def plan(program: Program, config: Config, images: bool) -> Plan | None:
    """Ranges and places; None where word numbers of 16 bits cannot tell the rows apart."""
    maps = program.maps
    read = {source for kernel in program.kernels for source in kernel.sources} | {0}
    shapes: dict[int, tuple[int, int, int]] = {}
    for group in _groups(program):
        members = [m for m in group if m in read]
        if members:
            shapes |= (
                _images(program, config, members)
                if images
                else (_stripes(program, config, members))
            )
    for number, (d, h, length) in shapes.items():
        if not _distinct(config.rows, d, h, length, maps[number].size(config), images):
            return None
    bottom = 2 * shapes[0][2]
    lives = _lives(program, shapes)
    places, depth = _allocate(lives, {m: shapes[m][2] for m in lives})
    base = {0: 0} | {m: bottom + place for m, place in places.items()}
    ranges = [Range(base[m], *shapes[m]) if m in shapes else None for m in range(len(maps))]
    return Plan(images, tuple(ranges), bottom + depth)


def _groups(program: Program) -> list[list[int]]:
    """Maps that share D: the sources of additions, joined."""
    groups = [{number} for number in range(len(program.maps))]
    for pair in program.alike:
        joined = [group for group in groups if group & pair]
        groups = [group for group in groups if not group & pair]
        groups.append(set().union(*joined))
    return [sorted(group) for group in groups]


def _images(
    program: Program, config: Config, members: list[int]
) -> dict[int, tuple[int, int, int]]:
    sizes = {m: program.maps[m].size(config) for m in members}
    return {m: (size, 0, size) for m, size in sizes.items()}


def _stripes(
    program: Program, config: Config, members: list[int]
) -> dict[int, tuple[int, int, int]]:
    """The smallest ranges of maps that share D.

    D is that of a map's own stripes if that is as good, or if a kernel of the same map size reads
    it: then all rows read the same address.
    """
    demands, keep = [], False
    for m in members:
        source, parts = program.maps[m], []
        for kernel in program.kernels:
            reads = [(kernel.source, kernel.first)] + ([kernel.other] if kernel.other else [])
            for number, first in reads:
                if number == m:
                    parts.append(words_read(kernel, source, first, config, images=False))
                    keep |= kernel.source_size == kernel.size and not source.packed
        whole = np.stack(parts) if parts else np.tile([NONE, -NONE], (1, config.rows, 1))
        demands.append(np.stack([whole[..., 0].min(axis=0), whole[..., 1].max(axis=0)], axis=1))
    usual = row_steps(source.pixels, config, images=False) * source.words
    most = max(usual, *(int(x[:, 1].max()) for x in demands)) + 1
    d = np.arange(most)[:, None]
    low, h, to = d * np.arange(config.rows), [], []
    for each in demands:
        used = each[:, 0] <= each[:, 1]
        if not used.any():  # all of it is outside; one word does
            each, used = np.zeros_like(each), np.ones_like(used)
        h.append(np.where(used, low - each[:, 0], -NONE).max(axis=1))
        to.append(np.where(used, each[:, 1] - low, -NONE).max(axis=1))
    total = sum(h) + sum(to)
    best = usual if keep or total[usual] == total.min() else int(total.argmin())
    return {
        m: (best, int(a[best]), max(int(a[best] + b[best]) + 1, 1))
        for m, a, b in zip(members, h, to, strict=True)
    }


def _distinct(rows: int, d: int, h: int, length: int, words: int, images: bool) -> bool:
    """Whether ``(w - r * D + H) mod 2**16 < L`` is true of the words of row r's range only."""
    if images:
        words *= rows
    if rows * max(words, d, abs(h), length) < _WORDS:
        return True
    low = d * np.arange(rows) - h
    number = np.arange(words)
    return all(
        (((number - first) % _WORDS < length) == ((number >= first) & (number < first + length)))
        .all()
        for first in low.tolist()
    )  # fmt: skip


def _lives(program: Program, shapes: Mapping[int, object]) -> dict[int, tuple[int, int]]:
    """First and last kernel in which each stored map but the input is in use."""
    lives: dict[int, tuple[int, int]] = {}
    for index, kernel in enumerate(program.kernels):
        for number in (kernel.result, *kernel.sources):
            if number in shapes and number != 0:
                lives[number] = (lives.get(number, (index, 0))[0], index)
    return lives


def _allocate(
    lives: dict[int, tuple[int, int]], size: dict[int, int]
) -> tuple[dict[int, int], int]:
    """First word of each map, and the depth: first fit, the best of many orders.

    Maps in use at the same time do not overlap. The largest first, then other orders until the
    depth is the sum of what is in use at once, below which nothing can go.
    """
    if not lives:
        return {}, 0
    order, rng = sorted(lives, key=lambda m: -size[m]), np.random.default_rng(0)
    times = range(1 + max(last for _, last in lives.values()))
    least = max(sum(size[m] for m, (a, b) in lives.items() if a <= n <= b) for n in times)
    best: tuple[dict[int, int], int] = {}, NONE
    for _ in range(_RESTARTS):
        found = _first_fit(order, lives, size)
        best = min(best, found, key=lambda each: each[1])
        if best[1] == least:
            break
        order = [order[n] for n in rng.permutation(len(order))]
    return best


def _first_fit(
    order: list[int], lives: dict[int, tuple[int, int]], size: dict[int, int]
) -> tuple[dict[int, int], int]:
    at: dict[int, int] = {}
    for m in order:
        place, (a, b) = 0, lives[m]
        others = [o for o in at if lives[o][0] <= b and a <= lives[o][1]]
        for o in sorted(others, key=at.__getitem__):
            if at[o] < place + size[m]:
                place = max(place, at[o] + size[o])
        at[m] = place
    return at, max(at[m] + size[m] for m in at)
