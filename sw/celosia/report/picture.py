"""Maps as grey pictures."""

import base64
import struct
import zlib
from html import escape

import numpy as np

from .html import Raw

__all__ = ["mosaic", "picture"]


def mosaic(maps: np.ndarray, across: int = 4) -> np.ndarray:
    """uint8 [H, W, C] as one picture, uint8 [rows of maps, ...], ``across`` of them side by side
    with a black line between."""
    height, width, count = maps.shape
    across = min(across, count)
    down = -(-count // across)
    sheet = np.zeros((down * (height + 1) - 1, across * (width + 1) - 1), np.uint8)
    for index in range(count):
        y, x = index // across * (height + 1), index % across * (width + 1)
        sheet[y : y + height, x : x + width] = maps[..., index]
    return sheet


def picture(pixels: np.ndarray, label: str) -> Raw:
    """An image of uint8 [height, width] ``pixels``, 0 black, inside of the page."""
    data = base64.b64encode(_png(pixels)).decode()
    return Raw(
        f'<img class="map" alt="{escape(label)}" title="{escape(label)}" '
        f'src="data:image/png;base64,{data}">'
    )


def _png(pixels: np.ndarray) -> bytes:
    """A PNG of 8 bits of grey; the format is RFC 2083."""
    height, width = pixels.shape
    lines = np.zeros((height, width + 1), np.uint8)  # each begins with its filter, none
    lines[:, 1:] = pixels
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b""))
    parts = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)
