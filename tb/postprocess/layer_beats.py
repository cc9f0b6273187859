"""The beats of a layer, in the order in which they are drained."""

from collections.abc import Iterator, Mapping
from itertools import product

from celosia.spec import Config

__all__ = ["layer_beats"]


def layer_beats(config: Config, layer: Mapping[str, int], parity: int) -> Iterator[dict]:
    """For each beat of a layer its tag, its parameter word, and 1 if it is a tile's first.

    ``layer`` has the fields of `celosia_hw.postprocess.layer_queue.drained_layer`. Without
    convolution it has one step; parameters count from 0 when it has none.
    """
    words = 1 if layer.get("depthwise") else config.words_per_tile
    steps, params = layer.get("steps", 1), layer.get("params", 0)
    beats = range(config.beats)
    for step, tile, word in product(range(steps), range(layer["tiles"]), range(words)):
        first = step * layer.get("result_pixel", 0) + tile * words + word
        last_row = layer["last_row"] - (step >= layer.get("rows_full", steps))
        last_word = step == steps - 1 and tile == layer["tiles"] - 1 and word == words - 1
        for row, beat in product(range(last_row + 1), beats):
            ends = beat == beats[-1] and row == last_row
            tag = {
                "whole": int(beat == beats[-1]),
                "row": row,
                "dst": (layer["dst"] + first) % (1 << (config.act_depth - 1).bit_length()),
                "parity": parity,
                "word_end": int(ends),
                "layer_end": int(ends and last_word),
            }
            if config.convolution:
                tag["number"] = (first + row * layer["result_row"]) % (1 << 16)
            opens = word == row == beat == 0
            yield {
                "tag": tag,
                "params": params + (tile * words + word) * config.beats + beat,
                "opens": opens,
            }
