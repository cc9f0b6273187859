"""The layouts of the hardware hold the same bits as the driver's packing."""

import random

import pytest
from amaranth import Const
from amaranth.lib import data

from celosia.spec import (
    CHECKSUM,
    COUNTERS,
    DESCRIPTOR,
    IDENTITY,
    INPUT_LAYOUT,
    MAP_DESCRIPTOR,
    PARAMETER,
    PARTS,
    REQUEST,
    TRAILER,
    Layout,
    Op,
    pack_descriptor,
    unpack_descriptor,
)
from celosia_hw.layouts import fields_of, struct

LAYOUTS = (
    CHECKSUM,
    COUNTERS,
    DESCRIPTOR,
    MAP_DESCRIPTOR,
    INPUT_LAYOUT,
    IDENTITY,
    PARAMETER,
    REQUEST,
    TRAILER,
    *PARTS.values(),
)


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
            assert shape[field.name].width == layout.width_of(field.name)
            assert constant[field.name] == values.get(field.name, 0)


@pytest.mark.parametrize("op", PARTS, ids=lambda op: op.name)
def test_fields_of_is_what_unpack_descriptor_gives(op):
    rng = random.Random(op.name)
    fields = (*DESCRIPTOR.fields[1:-1], *PARTS[op].fields)
    assert len({field.name for field in fields}) == len(fields)
    for _ in range(20):
        values = {"op": op} | {field.name: rng.randint(field.min, field.max) for field in fields}
        packed = pack_descriptor(**values)
        assert unpack_descriptor(packed) == values
        whole = DESCRIPTOR if op is Op.DENSE else MAP_DESCRIPTOR
        bits = Const(int.from_bytes(packed, "little"), whole.width)
        view = fields_of(data.View(struct(whole), bits), op)
        got = {name: Const.cast(view[name]).value for name in values}
        assert got == values
