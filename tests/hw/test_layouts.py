"""The layouts of the hardware hold the same bits as the driver's packing."""

import random

import pytest

from celosia.spec import COUNTERS, DESCRIPTOR, IDENTITY, PARAMETER, REQUEST, TRAILER, Layout
from celosia_hw.layouts import struct

LAYOUTS = (COUNTERS, DESCRIPTOR, IDENTITY, PARAMETER, REQUEST, TRAILER)


def values_of(layout: Layout, rng: random.Random) -> list[dict[str, int]]:
    """All smallest, all largest, each field alone at either end, and some random ones."""
    values = [{f.name: f.min for f in layout.fields}, {f.name: f.max for f in layout.fields}]
    for field in layout.fields:
        values += [{field.name: field.min}, {field.name: field.max}]
    for _ in range(20):
        values.append({f.name: rng.randint(f.min, f.max) for f in layout.fields})
    return values


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_struct_holds_what_pack_makes(layout):
    shape = struct(layout)
    assert shape.size == layout.width
    for values in values_of(layout, random.Random(layout.name)):
        constant = shape.const(values)
        assert constant.as_bits().to_bytes(layout.size, "little") == layout.pack(**values)
        for field in layout.fields:
            assert shape[field.name].offset == layout.offset(field.name)
            assert constant[field.name] == values.get(field.name, 0)
