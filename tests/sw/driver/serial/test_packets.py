"""Packets to bytes and back, and what becomes of damaged ones."""

import random

import pytest

from celosia.driver.serial.packets import Packet, Unpacker, pack
from celosia.spec.serial import ESCAPE, FLAG, MAX_DATA, Kind, max_words

FIELDS = {"session": FLAG, "number": 13, "ack": 7, "words": 64, "last": 1}
DATA = bytes([FLAG, ESCAPE, ESCAPE ^ 0x20, FLAG ^ 0x20, 0, 255]) + bytes(range(122))
HEADER = {"kind": Kind.DATA, "full": 0, "resend": 0, "reserved": 0} | FIELDS


def test_round_trip():
    packet = Packet(HEADER, DATA)
    assert Unpacker().feed(pack(Kind.DATA, DATA, **FIELDS)) == [packet]
    # However the bytes are cut, and with one flag or many between two packets.
    wire = pack(Kind.DATA, DATA, **FIELDS)
    unpacker, got = Unpacker(), []
    for byte in wire + b"~~" + wire[1:]:
        got += unpacker.feed(bytes([byte]))
    assert got == [packet, packet] and unpacker.damaged == 0


def test_flags_stand_only_around_a_packet():
    wire = pack(Kind.DATA, bytes(range(256))[:MAX_DATA], **FIELDS)
    assert wire[0] == wire[-1] == FLAG and FLAG not in wire[1:-1]


@pytest.mark.parametrize("link_bytes", [1, 2, 4, 8, 16, 32])
def test_the_longest_packet_can_say_how_long_it_is(link_bytes):
    assert 1 <= max_words(link_bytes) < 128
    assert max_words(link_bytes) * link_bytes <= MAX_DATA


WIRE = pack(Kind.DATA, DATA, **FIELDS)


@pytest.mark.parametrize("value", [*(1 << bit for bit in range(8)), 0xFF])
def test_every_flipped_byte_is_noticed(value):
    for at in range(1, len(WIRE) - 1):
        unpacker = Unpacker()
        damaged = WIRE[:at] + bytes([WIRE[at] ^ value]) + WIRE[at + 1 :]
        assert unpacker.feed(damaged) == [] and unpacker.damaged, at


def test_every_dropped_doubled_or_inserted_byte_is_noticed():
    rng = random.Random(1)
    for at in range(1, len(WIRE) - 1):
        inserted = rng.choice([value for value in range(256) if value not in (FLAG, WIRE[at])])
        for between in (b"", WIRE[at : at + 1] * 2, bytes([inserted, WIRE[at]])):
            unpacker = Unpacker()
            got = unpacker.feed(WIRE[:at] + between + WIRE[at + 1 :])
            assert got == [] and unpacker.damaged == 1, (at, between)


def test_noise():
    unpacker = Unpacker()
    noise = random.Random(2).randbytes(100_000)
    assert unpacker.feed(noise + b"~") == [] and unpacker.damaged > 100
    assert unpacker.noise == len(noise) - noise.count(b"~")
    unpacker.feed(b"a" * 1_000_000)
    assert len(unpacker._pending) < 1000
    assert unpacker.feed(WIRE) == [Packet(HEADER, DATA)]
