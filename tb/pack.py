"""Values of the layouts of `celosia_hw` to and from integers at a pin."""

import numpy as np
from amaranth.hdl import Shape
from amaranth.lib import data

from celosia.spec import ceil_div

__all__ = ["bits", "noise", "pack", "unpack"]


def pack(layout: data.Layout, values: dict | list) -> int:
    """The bits of ``values``; fields that are not named are 0."""
    return layout.const(values).as_bits()


def unpack(layout: data.Layout, bits: int) -> dict:
    """The fields of ``bits`` by name or index, signed where their shape is; nested for layouts."""
    values = {}
    for name, part in layout:
        value = bits >> part.offset & ((1 << part.width) - 1)
        if isinstance(part.shape, data.Layout):
            value = unpack(part.shape, value)
        elif Shape.cast(part.shape).signed and value >> (part.width - 1):
            value -= 1 << part.width
        values[name] = value
    return values


def bits(values, width: int) -> int:
    """Integers side by side, the first one lowest, ``width`` bits each."""
    mask = (1 << width) - 1
    return sum((int(value) & mask) << (index * width) for index, value in enumerate(values))


def noise(rng: np.random.Generator, width: int) -> int:
    """Random bits, for what must not matter."""
    return int.from_bytes(rng.bytes(ceil_div(width, 8)), "little") & ((1 << width) - 1)
