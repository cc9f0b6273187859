"""What an INFER stores in the rows of an engine with convolution."""

import numpy as np

from celosia.spec.maps import ADDRESS_BITS

__all__ = ["store_input"]

_NUMBERS = (1 << ADDRESS_BITS) - 1


def store_input(
    act: np.ndarray, words: np.ndarray, layout: dict[str, int] | None, base: int
) -> None:
    """Store the words of one image where they belong.

    Parameters
    ----------
    act : uint8 [engines, rows, act_depth, lanes], changed.
    words : uint8 [engines, count, lanes], word by word, perhaps not all of an image.
    layout : unpacked `INPUT_LAYOUT`: each row keeps what lies in its range. None: all of it goes to
        row 0.
    base : first word of the input bank.
    """
    count = words.shape[1]
    if layout is None:
        act[:, 0, base : base + count] = words
        return
    rows, low = act.shape[1], -layout["halo"]
    for row in range(rows):
        local = (np.arange(count) - low) & _NUMBERS
        (here,) = np.nonzero(local < layout["length"])
        act[:, row, base + local[here]] = words[:, here]
        low += layout["row_words"]
