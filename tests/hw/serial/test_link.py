"""The device's packet layer, packet by packet: words passed on, and replies."""

import pytest
from amaranth import *
from amaranth.sim import Simulator

from celosia.driver.serial.packets import Unpacker, pack
from celosia.spec import Config
from celosia.spec.serial import (
    ESCAPE,
    FLAG,
    MAX_DATA,
    RECEIVE_DEPTH,
    SERIAL_VERSION,
    Kind,
    max_words,
)
from celosia_hw.serial.link import SerialLink
from celosia_hw.serial.transmitter import PacketTransmitter

DIVISOR = 4
#: Of the simulated clock, and of the line.
CYCLE = 1e-6
BIT = DIVISOR * CYCLE
#: Time in which the engine accepts all words of a full buffer.
EMPTIED = 4 * RECEIVE_DEPTH * CYCLE
SESSION = 9
CONFIG = Config.default(1, 4, link_bytes=4, convolution=0)
HELLO = pack(Kind.HELLO, session=SESSION)


class Bench:
    """Sends packets to a link one after the other and collects the words and replies of each.

    ``responses`` are words that the engine offers, each with its `last` and the number of packets
    that must have been answered before. The engine accepts no words before the packet of index
    ``stalled``.
    """

    def __init__(self, config=CONFIG, responses=(), stalled=0):
        self.dut = SerialLink(config, DIVISOR)
        self.config, self.responses, self.stalled = config, list(responses), stalled
        self.words, self.sent, self.answered = [], bytearray(), 0
        self.line = []

    def run(self, *packets):
        """The packets that answer each of ``packets``, as a list for each."""
        answers, unpacker = [], Unpacker()

        async def drive(ctx):
            for index, packet in enumerate(packets):
                ctx.set(self.dut.o.ready, index >= self.stalled)
                if index == self.stalled:
                    await ctx.delay(EMPTIED)
                for byte in packet:
                    for level in [0, *(byte >> index & 1 for index in range(8)), 1]:
                        ctx.set(self.dut.rx, level)
                        await ctx.delay(BIT)
                count = -1
                while count != len(self.sent):
                    count = len(self.sent)
                    await ctx.delay(20 * BIT)
                answers.append(unpacker.feed(bytes(self.sent)))
                self.sent.clear()
                self.answered += 1
            await ctx.delay(EMPTIED)

        simulator = Simulator(self.dut)
        simulator.add_clock(CYCLE)
        simulator.add_testbench(drive)
        for background in (self._host, self._requests, self._engine):
            simulator.add_testbench(background, background=True)
        simulator.run()
        assert unpacker.damaged == 0
        return answers

    async def _host(self, ctx):
        while True:
            await ctx.negedge(self.dut.tx)
            await ctx.delay(BIT / 2)
            byte = 0
            for index in range(8):
                await ctx.delay(BIT)
                byte |= ctx.get(self.dut.tx) << index
            await ctx.delay(BIT)
            assert ctx.get(self.dut.tx) == 1
            self.sent.append(byte)

    async def _requests(self, ctx):
        dut = self.dut
        sample = ctx.tick().sample(dut.o.valid, dut.o.ready, dut.o.payload, dut.restart, dut.tx)
        async for _, _, valid, ready, word, restart, tx in sample:
            self.line.append(tx)
            assert not (restart and valid)
            if valid and ready:
                size = self.config.link_bytes
                self.words.append((word.data.to_bytes(size, "little"), word.last))

    async def _engine(self, ctx):
        for data, last, after in self.responses:
            while self.answered < after:
                ctx.set(self.dut.i.valid, 0)
                await ctx.tick()
            ctx.set(self.dut.i.payload.data, int.from_bytes(data, "little"))
            ctx.set(self.dut.i.payload.last, last)
            ctx.set(self.dut.i.valid, 1)
            await ctx.tick().until(self.dut.i.ready)
        ctx.set(self.dut.i.valid, 0)


def data(number, content=b"", last=0, ack=0, session=SESSION, link_bytes=4, words=None):
    words = len(content) // link_bytes if words is None else words
    header = {"session": session, "number": number, "ack": ack, "words": words, "last": last}
    return pack(Kind.DATA, content, **header)


def heads(answers):
    """(ack, resend) of the one answer to each packet."""
    assert [len(each) for each in answers] == [1] * len(answers)
    return [(each[0].header["ack"], each[0].header["resend"]) for each in answers]


def test_hello():
    bench = Bench()
    ((welcome,),) = bench.run(HELLO)
    assert welcome.header["kind"] == Kind.WELCOME and welcome.header["session"] == SESSION
    assert welcome.header["version"] == SERIAL_VERSION and welcome.header["link_bytes"] == 4


@pytest.mark.parametrize("link_bytes", [1, 4, 32])
def test_frames_go_both_ways(link_bytes):
    config = Config.default(1, 4, link_bytes=link_bytes, convolution=0)
    most = max_words(link_bytes) * link_bytes
    # Every byte value, so that both sides have to escape; and the longest packet.
    values = (bytes(range(256)) + bytes([FLAG, ESCAPE]) * 16)[-most:]
    words = [values[at : at + link_bytes] for at in range(0, most, link_bytes)]
    bench = Bench(config, [*((word, 0, 1) for word in words[:-1]), (words[-1], 1, 1)])
    answers = bench.run(
        HELLO,
        data(0, values, link_bytes=link_bytes),
        data(1, values[:link_bytes], last=1, link_bytes=link_bytes),
        data(2, ack=1),
    )
    assert bench.words == [*((word, 0) for word in words), (words[0], 1)]
    assert b"".join(each[0].data for each in answers[1:]).startswith(values)
    assert [each[0].header["ack"] for each in answers[1:]] == [1, 2, 2]


def test_what_is_repeated_is_delivered_once():
    bench = Bench()
    again = data(0, b"abcd", last=1)
    answers = bench.run(HELLO, again, again, data(1, b"efgh"), again, data(3, b"ijkl"))
    assert bench.words == [(b"abcd", 1), (b"efgh", 0)]
    assert heads(answers[1:]) == [(1, 0), (1, 0), (2, 0), (2, 0), (2, 0)]


GOOD = data(0, b"abcd", last=1)
INSIDE = range(1, len(GOOD) - 1)
DAMAGED = {
    "dropped": lambda at: GOOD[:at] + GOOD[at + 1 :],
    "doubled": lambda at: GOOD[: at + 1] + GOOD[at:],
    "flipped": lambda at: GOOD[:at] + bytes([GOOD[at] ^ 1 << at % 8]) + GOOD[at + 1 :],
    "to flag": lambda at: GOOD[:at] + bytes([FLAG]) + GOOD[at + 1 :],
    "to escape": lambda at: GOOD[:at] + bytes([ESCAPE]) + GOOD[at + 1 :],
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_packet_is_refused_as_a_whole(kind):
    bench = Bench()
    bad = [DAMAGED[kind](at) for at in INSIDE]
    answers = bench.run(HELLO, *bad, GOOD)
    # A packet cut in two by a flag is refused once or twice.
    for each in answers[1:-1]:
        assert {(one.header["ack"], one.header["resend"]) for one in each} == {(0, 1)}
    assert heads(answers[-1:]) == [(1, 0)]
    assert bench.words == [(b"abcd", 1)]


@pytest.mark.parametrize("words", [1, 3, 127])
def test_a_length_that_is_wrong_is_refused(words):
    bench = Bench()
    answers = bench.run(HELLO, data(0, b"abcdefgh", words=words), GOOD)
    assert heads(answers[1:]) == [(0, 1), (1, 0)]
    assert bench.words == [(b"abcd", 1)]


def test_lost_flags():
    bench = Bench()
    # One between two packets is enough; without any the two are one damaged packet.
    answers = bench.run(HELLO, GOOD[:-1] + data(1, b"ijkl")[1:], GOOD, data(1, b"ijkl"))
    assert [one.header["resend"] for one in answers[1]] == [1]
    answers = Bench().run(HELLO + GOOD + b"\x7e\x7e\x7e", GOOD)
    assert len(answers[1]) == 1


def test_another_session_is_answered_but_not_obeyed():
    bench = Bench()
    answers = bench.run(data(0, b"abcd", session=5), HELLO, data(0, b"efgh", session=5), GOOD)
    assert [each[0].header["session"] for each in answers] == [0, SESSION, SESSION, SESSION]
    assert bench.words == [(b"abcd", 1)]


def test_its_own_echo_is_not_answered():
    answers = Bench().run(HELLO, pack(Kind.REPLY, session=SESSION), GOOD)
    assert [len(each) for each in answers] == [1, 0, 1]


def test_a_response_is_repeated_until_it_is_acknowledged():
    words = [(b"abcd", 0, 0), (b"efgh", 1, 0), (b"ijkl", 1, 0)]
    bench = Bench(responses=words)
    answers = bench.run(data(0, session=0), data(0, session=0), data(0, session=0, ack=1),
                        data(0, session=0, ack=1), data(0, session=0, ack=2))  # fmt: skip
    seen = [(a.header["number"], a.data, a.header["last"]) for (a,) in answers]
    assert seen == [
        (0, b"abcdefgh", 1), (0, b"abcdefgh", 1), (1, b"ijkl", 1), (1, b"ijkl", 1), (2, b"", 0),
    ]  # fmt: skip


def test_what_comes_after_the_seal_is_for_the_next_packet():
    bench = Bench(responses=[(b"abcd", 0, 0), (b"efgh", 1, 1)])
    answers = bench.run(data(0, session=0), data(0, session=0), data(0, session=0, ack=1))
    seen = [(a.header["number"], a.data, a.header["last"]) for (a,) in answers]
    assert seen == [(0, b"abcd", 0), (0, b"abcd", 0), (1, b"efgh", 1)]


#: The words of a longest packet, and what else there is to say.
LONG = [(bytes([n]) * 4, n == 55, 0) for n in range(56)]
MORE = (b"ijkl", 1, 0)


def test_an_acknowledgement_while_a_packet_is_sent_leaves_it_whole():
    bench = Bench(responses=[*LONG, MORE])
    ask, acknowledge = data(0, session=0), data(0, session=0, ack=1)
    _, answers = bench.run(ask, ask + acknowledge)
    long = b"".join(word for word, _, _ in LONG)
    seen = [(a.header["number"], a.data, a.header["last"]) for a in answers]
    assert seen == [(0, long, 1), (1, b"ijkl", 1)]


def test_hello_while_a_packet_is_sent_leaves_it_whole():
    bench = Bench(responses=[*LONG, (*MORE[:2], 1)])
    reply, welcome, *rest = bench.run(data(0, session=0) + HELLO, data(0))[0]
    assert not rest and reply.data == b"".join(word for word, _, _ in LONG)
    assert reply.header["kind"] == Kind.REPLY and welcome.header["kind"] == Kind.WELCOME


@pytest.mark.parametrize("link_bytes", [1, 4])
def test_no_word_is_accepted_between_hello_and_welcome(link_bytes):
    before = 0
    # Wherever in a word the engine is reset.
    for phase in range(3, 3 + link_bytes + 1):
        dut = PacketTransmitter(Config.default(1, 4, link_bytes=link_bytes, convolution=0))

        async def drive(ctx, dut=dut, phase=phase):
            nonlocal before
            ctx.set(dut.i.valid, 1)
            for _ in range(phase):
                before += ctx.get(dut.i.ready)
                await ctx.tick()
            ctx.set(dut.hello, 1)
            ctx.set(dut.reply, 1)
            await ctx.tick()
            ctx.set(dut.hello, 0)
            ctx.set(dut.reply, 0)
            for _ in range(20):
                assert not ctx.get(dut.i.ready)
                await ctx.tick()

        simulator = Simulator(dut)
        simulator.add_clock(CYCLE)
        simulator.add_testbench(drive)
        simulator.run()
    assert before


def test_replies_keep_line_rate():
    bench = Bench(responses=[(bytes([FLAG, ESCAPE, 0, 255]), n == 55, 0) for n in range(56)])
    bench.run(data(0, session=0))
    # A byte in 10 bits and the cycle that `UartTransmitter` needs, escaped ones too.
    start, byte = bench.line.index(0), 10 * DIVISOR + 1
    sent = bench.line[start:]
    bits = [sent[byte * n + DIVISOR // 2 :][:byte:DIVISOR] for n in range(len(sent) // byte)]
    line = bytes(sum(bit << n for n, bit in enumerate(each[1:9])) for each in bits if not each[0])
    (packet,) = Unpacker().feed(line)
    assert len(packet.data) == MAX_DATA and len(line) > MAX_DATA * 3 // 2
    assert not any(each[0] for each in bits[: len(line)])


def test_a_buffer_that_is_full_says_so_and_loses_nothing():
    bench = Bench(stalled=4)
    contents = [bytes([number]) * MAX_DATA for number in range(3)]
    packets = [data(number, content) for number, content in enumerate(contents)]
    answers = bench.run(HELLO, *packets, data(3), packets[2])
    header = [each[0].header for each in answers[1:]]
    assert [(h["ack"], h["full"], h["resend"]) for h in header] == [
        (1, 0, 0), (2, 1, 0), (2, 1, 1), (2, 0, 0), (3, 0, 0),
    ]  # fmt: skip
    assert b"".join(word for word, _ in bench.words) == b"".join(contents)


def test_hello_empties_the_buffers():
    bench = Bench(stalled=5)
    answers = bench.run(
        HELLO, data(0, b"abcdefgh"), data(1, b"ijkl"), HELLO, data(0, b"mnop", last=1), data(1)
    )
    assert [each[0].header["kind"] == Kind.WELCOME for each in answers] == [1, 0, 0, 1, 0, 0]
    assert bench.words == [(b"mnop", 1)]
