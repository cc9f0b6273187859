"""The host link over a serial line: packets with numbers and a CRC (docs/serial.md).

Bytes go as 8N1, least significant bit first. A *packet* stands between two `FLAG` bytes; inside it
a byte that is `FLAG` or `ESCAPE` goes as `ESCAPE` followed by the byte XOR `ESCAPE_XOR`. It is a
4-byte header, link words of one frame, and the CRC-32 of both (that of zlib, little endian). The
device never speaks first and has no timers: each packet of the host is answered by one packet, and
what is lost is the host's to repeat.
"""

from enum import IntEnum

from .fields import Field, Layout

__all__ = [
    "BAUD",
    "CRC_BYTES",
    "ESCAPE",
    "ESCAPE_XOR",
    "FLAG",
    "MAX_DATA",
    "NO_SESSION",
    "NUMBERS",
    "PACKET",
    "RECEIVE_DEPTH",
    "SERIAL_VERSION",
    "WELCOME",
    "WINDOW",
    "Kind",
    "max_words",
]

#: Version of this protocol. HELLO, and the first three bytes of WELCOME, are the same in all.
SERIAL_VERSION = 1
#: Baud rate unless another is asked for; whole fractions of common clocks and USB bridges.
BAUD = 1_000_000
#: Stands before and after every packet.
FLAG = 0x7E
#: Comes before a byte that would otherwise be FLAG or ESCAPE.
ESCAPE = 0x7D
#: What an escaped byte is XORed with.
ESCAPE_XOR = 0x20
#: The CRC at a packet's end, in bytes.
CRC_BYTES = 4
#: Most bytes of link words in one packet; `max_words` says how many words that is.
MAX_DATA = 224
#: Packet numbers count modulo this.
NUMBERS = 16
#: Packets with data that the host may have sent and not yet seen acknowledged.
WINDOW = 8
#: The device's buffer for received packets, in bytes: two of the longest.
RECEIVE_DEPTH = 512
#: Session of a device that nobody has greeted since it was reset.
NO_SESSION = 0


class Kind(IntEnum):
    """What a packet is."""

    #: Host: begin a session, and with it the numbers of both sides at 0; resets the engine, whose
    #: memories keep their contents. Its other fields are 0, but for the session.
    HELLO = 1
    #: Host: the next words of a request frame. Without words it asks for a reply and has no number.
    DATA = 2
    #: Device, to HELLO: `WELCOME`.
    WELCOME = 3
    #: Device, to anything else: the next words of a response frame, if there are any.
    REPLY = 4


#: Header of every packet except WELCOME.
PACKET = Layout(
    "packet",
    4,
    (
        Field("kind", 4, "a `Kind`"),
        Field("full", 1, "device: no room for another packet, ask until there is"),
        Field("resend", 1, "device: since its last packet one came damaged or found no room"),
        Field("reserved", 2, "0"),
        Field("session", 8, "1..255, chosen by the host in HELLO; 0 is none"),
        Field("number", 4, "number of this packet; the next one's if it has no words"),
        Field("ack", 4, "number of the packet expected next from the other side"),
        Field("words", 7, "link words in this packet"),
        Field("last", 1, "1: the last of them ends its frame"),
    ),
)

#: All of a WELCOME but its CRC.
WELCOME = Layout(
    "welcome",
    4,
    (
        Field("kind", 4, "`Kind.WELCOME`"),
        Field("flags", 4, "0"),
        Field("session", 8, "that of the HELLO"),
        Field("version", 8, "`SERIAL_VERSION`"),
        Field("link_bytes", 8, "`Config.link_bytes`"),
    ),
)


def max_words(link_bytes: int) -> int:
    """Most link words of ``link_bytes`` in one packet."""
    return min((1 << 7) - 1, MAX_DATA // link_bytes)
