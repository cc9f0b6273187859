"""Writes to the activation memory, and what they leave there."""

from collections.abc import Iterator

import numpy as np

from celosia.spec import Config
from tb.pack import bits

__all__ = ["RowMemories", "row_writes"]


def row_writes(
    rng: np.random.Generator, config: Config, words: range, all_rows: bool
) -> Iterator[dict]:
    """Random words of random ``words``, each for all rows in turn or only for those with an image.

    Rows without an image are not active. Most bytes are 0.
    """
    while True:
        dst, images = int(rng.choice(words)), int(rng.integers(1, config.rows + 1))
        rows = config.rows if all_rows else images
        for row in range(rows):
            data = rng.integers(1, 256, config.lanes) * (rng.random(config.lanes) < 0.3)
            yield {
                "row": row,
                "active": int(row < images),
                "dst": dst,
                "word_end": int(row == rows - 1),
                "data": data.tolist(),
            }


class RowMemories:
    """Contents of the rows, and masks; None where nothing was written: it is undefined."""

    def __init__(self, rows: int, depth: int):
        self.data: list[list[int | None]] = [[None] * depth for _ in range(rows)]
        self.masks: list[int | None] = [None] * depth
        self._so_far = {}

    def write(self, source: str, write: dict) -> None:
        """Store ``write``; each ``source`` builds the masks of its own words."""
        so_far = self._so_far.get(source, 0) if write["row"] else 0
        if write["active"]:
            self.data[write["row"]][write["dst"]] = bits(write["data"], 8)
            so_far |= bits(map(bool, write["data"]), 1)
        self._so_far[source] = so_far
        if write["word_end"]:
            self.masks[write["dst"]] = so_far
