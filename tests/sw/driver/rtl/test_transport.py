"""The compiled simulation as a transport, on a design that only echoes."""

import os
import random
import signal
import threading
import time

import pytest
from tests.helpers import echo

from celosia.driver.rtl import transport as rtl
from celosia.driver.rtl.transport import RtlTransport
from celosia.support.errors import CelosiaError


def transport(link_bytes: int = 8, **options) -> RtlTransport:
    return RtlTransport(echo.config(link_bytes), echo.verilog(link_bytes), **options)


def frames_of(link_bytes: int, count: int = 50, seed: int = 1) -> list[bytes]:
    """Random frames of 1 to 30 words without the words that mean something to the design."""
    rng = random.Random(seed)
    return [
        bytes(rng.randrange(0xC0) for _ in range(link_bytes * rng.randint(1, 30)))
        for _ in range(count)
    ]


# 1, 4, 8 and 16 bytes: a 16-bit, a 64-bit and two array ports in Verilator's C++.
@pytest.mark.parametrize("link_bytes", [1, 4, 8, 16])
def test_stalls_do_not_change_the_bytes(link_bytes):
    frames = frames_of(link_bytes)
    cycles = {}
    for stalls in [(0, 0), (0.5, 0), (0, 0.5), (0.7, 0.7)]:
        with transport(link_bytes, stall_input=stalls[0], stall_output=stalls[1]) as link:
            assert link.exchange(frames) == [echo.complement(frame) for frame in frames], stalls
            cycles[stalls] = link.cycles
    words = sum(map(len, frames)) // link_bytes
    # A word a cycle, and the last one leaves a cycle after it came.
    assert cycles.pop((0, 0)) == words + 1
    assert all(stalled > 1.5 * words for stalled in cycles.values())


def test_a_seed_repeats_a_run():
    frames = frames_of(8)

    def cycles(seed):
        with transport(stall_input=0.3, stall_output=0.3, seed=seed) as link:
            link.exchange(frames)
            return link.cycles

    assert cycles(7) == cycles(7)
    assert len({cycles(seed) for seed in range(5)}) > 1


def test_cycles_of_one_exchange():
    with transport() as link:
        assert link.cycles == 0
        for words in (1, 5, 1):
            link.exchange([bytes(8 * words)])
            assert link.cycles == words + 1
        assert link.exchange([]) == []
        assert link.cycles == 0


def test_frames_longer_than_a_slice(monkeypatch):
    monkeypatch.setattr(rtl, "_SLICE_WORDS", 7)
    frames = frames_of(8) + [bytes(8 * 1000)]
    seen = []
    with transport(progress=lambda text, done, total: seen.append((done, total))) as link:
        seen.clear()
        assert link.exchange(frames) == [echo.complement(frame) for frame in frames]
    assert seen == sorted(seen)
    assert {total for _, total in seen} == {len(frames)}


def test_instances_are_independent():
    mark = bytes([echo.RESET_MARK]).ljust(8, b"\0")
    with transport() as one, transport() as other:
        one.exchange([bytes(8 * 9)])
        assert one.exchange([mark])[0][0] == 9
        assert other.exchange([mark])[0][0] == 0
        one.reset()
        assert one.exchange([mark])[0][0] == 0
        assert other.exchange([mark])[0][0] == 1


def test_a_hang_is_an_error_and_reset_ends_it():
    frames = [bytes(16), bytes([echo.HANG]).ljust(16, b"\0"), bytes(8)]
    with transport(max_idle=1000) as link:
        with pytest.raises(CelosiaError, match=r"hangs.* 1000 cycles.* 3 of 5 words.* 1 of 3 resp"):
            link.exchange(frames)
        link.reset()
        assert link.exchange([bytes(8)]) == [b"\xff" * 8]


def test_ctrl_c_interrupts_and_leaves_a_closeable_transport():
    # SIGINT comes while the simulation spins on a hang that is never given up.
    with transport(max_idle=1 << 62) as link:
        timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            link.exchange([bytes([echo.HANG]).ljust(8, b"\0"), bytes(8)])
        assert time.monotonic() - start < 5
        timer.join()
        link.reset()
        assert link.exchange([bytes(8)]) == [b"\xff" * 8]


def test_closing_in_the_middle_of_a_stream():
    link = transport()
    replies = link.stream([bytes(8)] * 100_000)
    assert next(replies)
    link.close()
    with pytest.raises(CelosiaError, match="closed"):
        next(replies)
    # Nor does an abandoned stream touch what is gone.
    link = transport()
    replies = link.stream([bytes(8)] * 100_000)
    next(replies)
    link.close()
    replies.close()


@pytest.mark.parametrize("other", [lambda link: link.exchange([bytes(8)]), RtlTransport.reset])
def test_a_stream_that_was_overtaken_is_an_error(other):
    with transport() as link:
        replies = link.stream([bytes(8)] * 100_000)
        next(replies)
        other(link)
        with pytest.raises(CelosiaError, match="another exchange or a reset began"):
            next(replies)


@pytest.mark.parametrize("frame", [b"", bytes(7), bytes(9)])
def test_a_frame_is_whole_words(frame):
    with transport() as link, pytest.raises(CelosiaError, match=f"frame 1: {len(frame)} bytes"):
        link.exchange([bytes(8), frame])


def test_closed():
    link = transport()
    link.close()
    link.close()
    for use in (link.reset, lambda: link.exchange([bytes(8)])):
        with pytest.raises(CelosiaError, match="closed"):
            use()


@pytest.mark.parametrize("stall", [-0.1, 1, float("nan")])
def test_a_stall_is_a_probability(stall):
    with pytest.raises(CelosiaError, match="stall_input"):
        transport(stall_input=stall)


def test_a_damaged_library_is_an_error(tmp_path):
    bad = tmp_path / "bad.so"
    bad.write_bytes(b"not a library")
    with pytest.raises(CelosiaError, match=r"bad\.so: cannot load .*delete it"):
        rtl._load(bad)
