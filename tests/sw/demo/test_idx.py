"""IDX files: what is read, and what every kind of bad file is told."""

import gzip

import numpy as np
import pytest

from celosia.demo.idx import parse_idx, unpack
from celosia.support.errors import CelosiaError

IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


def idx(array, kind=8):
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, kind, array.ndim]) + sizes + array.tobytes()


def test_parses_sizes_and_order():
    result = parse_idx(idx(IMAGES), 3, where="f")
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, IMAGES)


def test_parses_an_empty_array():
    assert parse_idx(idx(IMAGES[:0]), 3, where="f").shape == (0, 3, 4)


def test_gzip_is_told_by_content():
    data = idx(IMAGES)
    assert unpack(data, where="f") == data
    assert unpack(gzip.compress(data), where="f") == data


@pytest.mark.parametrize(
    "data, words",
    [
        (b"", "starts with nothing"),
        (b"\0\0\x08", "starts with 00 00 08"),
        (b"<html>", "starts with 3c 68 74 6d"),
        (idx(IMAGES, kind=0x0D), "element type 0x0d"),
        (idx(IMAGES[0]), "2 axes, not 3"),
        (idx(IMAGES)[:10], "header cut short: 10 bytes, not 16"),
        (idx(IMAGES)[:-1], "39 bytes, but sizes [2, 3, 4] in its header need 40"),
        (idx(IMAGES) + b"!", "41 bytes"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "need 79228162458924105385300197391"),
    ],
)
def test_bad_content(data, words):
    with pytest.raises(CelosiaError) as caught:
        parse_idx(data, 3, where="some/file")
    line = str(caught.value)
    assert words in line and line.startswith("some/file: ") and "\n" not in line
    assert caught.value.todo


def test_every_cut_of_a_gzip_file_is_noticed():
    raw = gzip.compress(idx(IMAGES))
    for length in range(2, len(raw)):
        with pytest.raises(CelosiaError, match="f: the gzip file is cut short"):
            unpack(raw[:length], where="f")


def test_every_damaged_byte_is_noticed_or_harmless():
    data = idx(IMAGES)
    raw = gzip.compress(data, mtime=0)
    for at in range(2, len(raw)):
        damaged = bytearray(raw)
        damaged[at] ^= 0xFF
        try:
            assert unpack(bytes(damaged), where="f") == data  # time stamp and the like
        except CelosiaError as error:
            assert "\n" not in str(error)


def test_a_gzip_bomb_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr("celosia.demo.idx._LIMIT", 1000)
    with pytest.raises(CelosiaError, match="more than 1 GiB"):
        unpack(gzip.compress(bytes(1001)), where="f")
