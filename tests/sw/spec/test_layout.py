"""Bit layouts and configurations: what they refuse names the value."""

import pytest

from celosia.spec import Config
from celosia.spec.fields import Field, Layout

LAYOUT = Layout("record", 3, (Field("count", 12, ""), Field("delta", 5, "", signed=True)))


def test_what_is_packed_comes_back():
    data = LAYOUT.pack(count=4095, delta=-16)
    assert data == (4095 | 16 << 12).to_bytes(3, "little")
    assert LAYOUT.unpack(data + b"more") == {"count": 4095, "delta": -16}
    assert (LAYOUT.offset("delta"), LAYOUT.width_of("delta"), LAYOUT.width) == (12, 5, 17)


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda: Layout("r", 1, (Field("a", 9, ""),)), ValueError, "r: 9 bits do not fit 1 bytes"),
        (lambda: Layout("r", 1, (Field("a", 1, ""),) * 2), ValueError, "r: two fields share"),
        (lambda: LAYOUT.offset("colour"), KeyError, "record has no field 'colour'"),
        (lambda: LAYOUT.width_of("colour"), KeyError, "record has no field 'colour'"),
        (lambda: LAYOUT.pack(colour=1), ValueError, "record has no field 'colour'"),
        (lambda: LAYOUT.pack(delta=16), ValueError, r"record.delta = 16 is outside -16..15"),
        (lambda: LAYOUT.pack(count=-1), ValueError, r"record.count = -1 is outside 0..4095"),
        (lambda: LAYOUT.unpack(b"ab"), ValueError, "record needs 3 bytes, got 2"),
    ],
)
def test_of_layouts(act, error, message):
    with pytest.raises(error, match=message):
        act()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rows": 0}, "rows = 0 is not an integer in"),
        ({"rows": True}, "rows = True is not an integer in"),
        ({"lanes": 3}, "lanes = 3 does not divide cols = 8"),
        ({"lanes": 4, "requantizers": 3}, "requantizers = 3 does not divide lanes = 4"),
        ({"requantizer_cycles": 2}, "requantizer_cycles = 2 is neither 1 nor"),
        ({"link_bytes": 3}, "link_bytes = 3 is not a power of two"),
        ({"convolution": 0, "depthwise": 1}, "depthwise = 1 needs convolution = 1"),
        ({"act_depth": 1 << 16}, "act_depth = 65536 exceeds .* with lanes = 8"),
    ],
)
def test_of_configurations(values, message):
    with pytest.raises(ValueError, match=message):
        Config.default(**{"rows": 4, "cols": 8} | values)
