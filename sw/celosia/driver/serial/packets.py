"""Packets of the serial line to bytes and back; `celosia.spec.serial` defines the format."""

import zlib
from dataclasses import dataclass

from celosia.spec.serial import CRC_BYTES, ESCAPE, ESCAPE_XOR, FLAG, MAX_DATA, PACKET, WELCOME, Kind

__all__ = ["Packet", "Unpacker", "pack"]

#: The length of the longest packet, unescaped: more bytes without a flag are noise.
_LONGEST = PACKET.size + MAX_DATA + CRC_BYTES
_ESCAPED = {
    bytes([byte]): bytes([ESCAPE, byte ^ ESCAPE_XOR]) for byte in (ESCAPE, FLAG)
}  # fmt: skip


@dataclass(frozen=True)
class Packet:
    """A packet with a correct CRC: its header's fields by name, and the bytes after it."""

    header: dict[str, int]
    data: bytes


def pack(kind: Kind, data: bytes = b"", **fields: int) -> bytes:
    """All bytes of a packet on the wire, with its flags; ``fields`` are those of `PACKET`."""
    inside = PACKET.pack(kind=kind, **fields) + data
    inside += zlib.crc32(inside).to_bytes(CRC_BYTES, "little")
    # ESCAPE is first in the table, so that the escapes of others are not escaped again.
    for byte, escaped in _ESCAPED.items():
        inside = inside.replace(byte, escaped)
    return bytes([FLAG]) + inside + bytes([FLAG])


class Unpacker:
    """Finds packets in received bytes.

    Attributes
    ----------
    damaged : how often the bytes between two flags were not a packet.
    noise : how many bytes those were.
    """

    def __init__(self) -> None:
        self.damaged = self.noise = 0
        self._pending = b""

    def feed(self, data: bytes) -> list[Packet]:
        """The packets that end in ``data``."""
        *pieces, self._pending = (self._pending + data).split(bytes([FLAG]))
        if len(self._pending) > 2 * _LONGEST:
            # Too long for a packet whatever follows: the beginning is enough to refuse it.
            self._pending = self._pending[: 2 * _LONGEST]
        packets = []
        for piece in filter(None, pieces):
            packet = _unpack(piece)
            if packet:
                packets.append(packet)
            else:
                self.damaged += 1
                self.noise += len(piece)
        return packets


def _unpack(piece: bytes) -> Packet | None:
    """The packet between two flags; None when it is damaged."""
    first, *escaped = piece.split(bytes([ESCAPE]))
    if not all(escaped):
        return None
    inside = first + b"".join(bytes([part[0] ^ ESCAPE_XOR]) + part[1:] for part in escaped)
    body = inside[:-CRC_BYTES]
    if len(body) < PACKET.size or inside[len(body) :] != zlib.crc32(body).to_bytes(4, "little"):
        return None
    layout = WELCOME if body[0] & 15 == Kind.WELCOME else PACKET
    return Packet(layout.unpack(body), body[PACKET.size :])
