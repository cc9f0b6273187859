"""Two products from one multiplier: exact for every triple of operands there is."""

import numpy as np
import pytest

from celosia.model import packed


def test_all_operands():
    u1, w = np.arange(256)[:, None], np.arange(-128, 128)[None]
    for u0 in range(256):
        first, second = packed.packed_products(np.int64(u0), u1, w)
        assert np.array_equal(first, np.broadcast_to(u0 * w, first.shape)), u0
        assert np.array_equal(second, u1 * w), u0


@pytest.mark.parametrize("overlap", [5, 7])
def test_six_bits_are_needed(monkeypatch, overlap):
    """The proof can fail: with another width of the correction products are wrong or cut."""
    monkeypatch.setattr(packed, "OVERLAP", overlap)
    u0, u1, w = np.int64(255), np.arange(256)[:, None], np.arange(-128, 128)[None]
    first, second = packed.packed_products(u0, u1, w)
    right = np.array_equal(first, np.broadcast_to(u0 * w, first.shape)) and np.array_equal(
        second, u1 * w
    )
    assert right == (overlap > 6)
