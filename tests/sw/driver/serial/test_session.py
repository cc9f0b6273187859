"""The host's side of the serial protocol against a model of the device's."""

import random

import pytest
from tests.helpers.serial_device import DevicePort
from tests.helpers.serial_sim import Faults

from celosia.driver.serial.packets import pack
from celosia.driver.serial.session import Session
from celosia.spec import REQUEST, Config, Memory, Opcode
from celosia.spec.serial import Kind
from celosia.support.errors import CelosiaError

CONFIG = Config.default(1, 4, link_bytes=4, convolution=0)


def request(opcode, payload=b"", **fields):
    return REQUEST.pack(opcode=opcode, **fields) + payload


def requests(rng, count):
    """Writes, reads and others, some of them refused, of one packet and of many."""
    frames = []
    for _ in range(count):
        words = rng.choice([1, 2, 50, 56, 57, 200])
        place = {"arg": Memory.WEIGHTS, "address": rng.randrange(1000), "count": words}
        frames.append(
            rng.choice(
                [
                    request(Opcode.WRITE, rng.randbytes(4 * words), **place),
                    request(Opcode.READ, **place),
                    request(Opcode.IDENTIFY),
                    request(99),
                    bytes(4),
                ]
            )
        )
    return frames


def opened(port, **options):
    session = Session(port, 77, timeout=0.002, **options)
    session.greet()
    return session


def exchange(session, frames):
    return [reply for replies in session.stream(frames) for reply in replies]


def expected(frames):
    model = DevicePort(CONFIG).model
    return [model.respond(frame) for frame in frames]


def test_without_faults():
    frames = requests(random.Random(1), 60)
    port = DevicePort(CONFIG, room=100)
    session = opened(port)
    assert session.link_bytes == 4
    assert exchange(session, frames[:50]) + exchange(session, frames[50:]) == expected(frames)
    assert exchange(session, []) == []
    assert not session.faults and port.executed == 60


@pytest.mark.parametrize("room", [1, 2, 5])
def test_little_room(room):
    frames = requests(random.Random(room), 100)
    port = DevicePort(CONFIG, room=room)
    assert exchange(opened(port), frames) == expected(frames)
    assert port.executed == 100


@pytest.mark.parametrize("kinds", [("dropped",), ("doubled",), ("flipped",), ("inserted",), None])
@pytest.mark.parametrize("seed", range(3))
def test_faults(kinds, seed):
    options = {"kinds": kinds} if kinds else {}
    faults = [Faults(0.002, 10 * seed, **options), Faults(0.004, 10 * seed + 1, **options)]
    frames = requests(random.Random(seed), 120)
    port = DevicePort(CONFIG, *faults)
    session = Session(port, 77, timeout=0.002)
    session.greet(attempts=20)
    note = f"seed={seed} {faults}"
    assert exchange(session, frames) == expected(frames), note
    # Nothing was executed twice, nor left out.
    assert port.executed == 120, note
    assert all(faults[way].made for way in (0, 1)) and session.faults


def test_bursts():
    """Whole stretches vanish, with all packets and answers in them."""

    def lossy(data, rng=random.Random(5)):  # noqa: B008
        return b"" if rng.random() < 0.2 else data

    frames = requests(random.Random(8), 60)
    port = DevicePort(CONFIG, lossy, lossy)
    session = Session(port, 77, timeout=0.002)
    session.greet(attempts=20)
    assert exchange(session, frames) == expected(frames)
    assert port.executed == 60 and session.faults["silences"] > 5


class Speaks:
    """A port at which ``say(what was written)`` answers."""

    name = "mock"

    def __init__(self, say):
        self.say, self.answer = say, b""

    def write(self, data):
        self.answer += self.say(data)

    def read(self, timeout):
        answer, self.answer = self.answer, b""
        return answer


@pytest.mark.parametrize(
    ("say", "message"),
    [
        (lambda data: b"", "mock: the device is silent; check that"),
        (lambda data: b"login: ", "mock: answers 14 bytes that are not a Celosia engine's"),
        (lambda data: data, "mock: sends back what it gets, it is a loop"),
        (
            lambda data: pack(Kind.WELCOME, session=78, number=1, words=4),
            "not a Celosia engine's",
        ),
        (
            lambda data: pack(Kind.WELCOME, session=77, number=2, words=4),
            "mock: the device speaks serial version 2, this driver 1; build bitstream and driver",
        ),
        (lambda data: pack(Kind.WELCOME, session=77, number=1), "link words of 0 bytes"),
    ],
)
def test_strange_devices(say, message):
    with pytest.raises(CelosiaError, match=message):
        Session(Speaks(say), 77, timeout=0.001).greet(attempts=2)


IDENTIFY = request(Opcode.IDENTIFY)


def broken(port, frames, match, **options):
    """Check the error of an exchange, and that no further one is possible."""
    session = opened(port, **options) if not isinstance(port, Session) else port
    with pytest.raises(CelosiaError, match=match):
        exchange(session, frames)
    with pytest.raises(CelosiaError, match="aborted; open the port again"):
        exchange(session, [IDENTIFY])


def test_the_device_goes_away():
    port = DevicePort(CONFIG)
    session = opened(port)
    port.to_host = lambda data: b""
    broken(session, [IDENTIFY], r"no answer 8 times in a row \(8 silences\); check cable")


def test_the_line_gets_too_bad():
    port = DevicePort(CONFIG)
    session = opened(port)
    port.to_host = lambda data: data.replace(b"~", b"x~~x")
    broken(session, [IDENTIFY], r"the line is too bad \(200 damaged packets\)")


def test_the_device_was_reset():
    port = DevicePort(CONFIG)
    session = opened(port)
    exchange(session, [IDENTIFY])
    port.reset()
    broken(session, [IDENTIFY], "lost the session: it was reset")


def test_the_engine_hangs():
    port = DevicePort(CONFIG)
    port._work = lambda: None
    broken(port, [IDENTIFY], "the engine made no progress in 0.05 seconds", patience=0.05)


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ({"ack": 5}, "acknowledges packet 5, which was not sent"),
        ({"number": 3, "words": 1}, "packet 3 arrived, not 0"),
        ({"words": 2}, "length contradicts its header"),
    ],
)
def test_a_device_that_breaks_the_rules(reply, message):
    def say(data):
        if data == pack(Kind.HELLO, session=77):
            return pack(Kind.WELCOME, session=77, number=1, words=4)
        return pack(Kind.REPLY, b"abcd", session=77, **reply)

    broken(Speaks(say), [IDENTIFY], message)


def test_an_exchange_that_nobody_ends():
    session = opened(DevicePort(CONFIG))
    replies = session.stream([IDENTIFY] * 9)
    next(replies)
    with pytest.raises(CelosiaError, match="an exchange was aborted"):
        exchange(session, [IDENTIFY])


@pytest.mark.parametrize("frame", [b"", bytes(3), bytes(9)])
def test_a_frame_is_whole_words(frame):
    session = opened(DevicePort(CONFIG))
    with pytest.raises(CelosiaError, match=f"frame 1: {len(frame)} bytes"):
        exchange(session, [IDENTIFY, frame])
    assert len(exchange(session, [IDENTIFY])) == 1
