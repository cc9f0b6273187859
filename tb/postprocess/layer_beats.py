"""The beats of a layer, in the order in which they are drained."""

from collections.abc import Iterator
from itertools import product

from celosia.spec import Config

__all__ = ["layer_beats"]


def layer_beats(config: Config, tiles: int, dst: int, images: int, last: int) -> Iterator[dict]:
    """The tag of each beat of a layer of ``tiles`` tiles, on ``images`` + 1 images.

    ``dst`` and ``last`` are those of its descriptor.
    """
    words = range(config.words_per_tile)
    order = product(range(tiles), words, range(config.rows), range(config.beats))
    for tile, word, row, beat in order:
        whole = beat == config.beats - 1
        last_word = tile == tiles - 1 and word == words[-1]
        last_row = row == config.rows - 1
        yield {
            "whole": int(whole),
            "row": row,
            "active": int(row <= images),
            "dst": dst + tile * len(words) + word,
            "word_end": int(whole and last_row),
            "frame_end": int(last and last_word and whole and row == images),
            "layer_end": int(last_word and whole and last_row),
        }
