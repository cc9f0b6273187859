"""Random dense layers for the blocks of the feeder, and how they are walked."""

import random

from celosia.spec import DESCRIPTOR, Config, Op, pack_descriptor
from celosia_hw.layouts import active_layer

__all__ = ["SMALL", "layer", "packed", "segments", "steps"]

#: Memories of no more words than the layers need.
SMALL = Config.default(2, 6, lanes=3, act_depth=60, weight_depth=500, convolution=0)


def layer(rng: random.Random, config: Config = SMALL, **fields: int) -> dict[str, int]:
    """Fields of a descriptor and of `celosia_hw.layouts.active_layer`."""
    words = rng.randrange(1, 7)
    return {
        "op": Op.DENSE,
        "from_input": rng.randrange(2),
        "src_words": words,
        "tail": rng.randrange(1, config.lanes + 1),
        "tiles": rng.randrange(1, 4),
        "src": rng.randrange(config.act_depth // 2 - words),
        "weights": rng.randrange(config.weight_depth // 2),
        "weight_stride": rng.randrange(1, 40),
        "base": rng.randrange(config.act_depth // 2),
        "skip": rng.randrange(2),
        "waits": rng.randrange(2),
    } | fields


def packed(values: dict[str, int], config: Config = SMALL) -> int:
    """`celosia_hw.layouts.active_layer` of a `layer`."""
    run = {"base": values["base"], "skip": values["skip"]}
    descriptor = {name: value for name, value in values.items() if name not in run}
    bits = int.from_bytes(pack_descriptor(**descriptor), "little") & (1 << DESCRIPTOR.width) - 1
    layout = active_layer(config)
    return layout.const(run).as_bits() | bits << layout["descriptor"].offset


def steps(values: dict[str, int], config: Config = SMALL) -> list[dict[str, int]]:
    """Fields of every `celosia_hw.layouts.step` of a `layer`."""
    first = values["src"] + (values["base"] if values["from_input"] else 0)
    walk = []
    for tile in range(values["tiles"]):
        for word in range(values["src_words"]):
            last = word == values["src_words"] - 1
            weights = values["weights"] + tile * values["weight_stride"] + word * config.lanes
            walk.append(
                {
                    "src": first + word,
                    "weights": weights,
                    "last": int(last),
                    "bytes": (1 << (values["tail"] if last else config.lanes)) - 1,
                    "skip": values["skip"],
                    "need": word + 1 if values["waits"] else 0,
                }
            )
    return walk


def segments(walk: list[dict[str, int]], masks: list[int], parity: int = 0) -> list[dict[str, int]]:
    """Fields of the `celosia_hw.layouts.segment` of each step; those without bytes included."""
    found = []
    for step in walk:
        mask = step["bytes"] & (masks[step["src"]] if step["skip"] else ~0)
        names = ("last", "src", "weights")
        fields = {"mask": mask, "empty": int(not mask), "parity": parity}
        found.append(fields | {name: step[name] for name in names})
    return found
