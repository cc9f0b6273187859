"""The compiled simulation of the engine's Verilog behind the interface of a real engine."""

import ctypes
import time
from collections.abc import Iterator, Sequence
from enum import IntEnum
from pathlib import Path

import numpy as np

from celosia.spec import Config
from celosia.support.errors import CelosiaError
from celosia.support.progress import Progress, silent

from . import verilator
from .source import engine_verilog

__all__ = ["TECHNOLOGIES", "RtlTransport", "prepare"]

#: Name of a form of the engine -> technology. Both behave the same, cycle by cycle. "fast" has
#: cells made for simulation; "placed" is the Verilog that `celosia verilog` writes, which boards
#: place with their family's cells.
TECHNOLOGIES = {"fast": "simulation", "placed": "portable"}
#: A slice of simulation runs about this long; Ctrl-C and progress wait for its end.
_SLICE_SECONDS = 0.1
#: Output words a slice can return.
_SLICE_WORDS = 1 << 15


class _Outcome(IntEnum):
    """Of a slice: `Outcome` in harness.cpp."""

    DONE = 0
    MORE = 1
    HUNG = 2
    FAILED = 3


class _Report(ctypes.Structure):
    """`Report` in harness.cpp."""

    _fields_ = [
        (name, ctypes.c_uint64) for name in ("out_words", "in_words", "frames", "cycles", "clocked")
    ]


def prepare(config: Config, progress: Progress = silent, rtl: str = "fast") -> None:
    """Build the simulation of ``config`` now, where its steps can be watched, for later use.

    Parameters
    ----------
    rtl : which form of the engine, one of `TECHNOLOGIES`.

    Raises
    ------
    CelosiaError : there is no such form, a tool is missing or the design does not compile.
    """
    verilator.build(_verilog(config, progress, rtl), config.link_bytes, progress)


def _verilog(config: Config, progress: Progress, rtl: str) -> str:
    if rtl not in TECHNOLOGIES:
        raise CelosiaError(f"no RTL {rtl!r}", todo=f"choose {' or '.join(TECHNOLOGIES)}")
    return engine_verilog(config, progress, technology=TECHNOLOGIES[rtl])


class RtlTransport:
    """`celosia.driver.transport.Transport` to the engine's RTL, simulated in this process, cycle by
    cycle.

    The first use of a configuration compiles it, which takes some seconds (`verilator.build`).
    Instances are independent of each other. Between slices of an exchange Ctrl-C is noticed;
    an exchange that was interrupted or failed leaves the link in the middle of a frame.

    Parameters
    ----------
    config : the engine.
    verilog : text of a module ``celosia`` with the engine's ports; the engine itself when None.
    rtl : which form of the engine itself, one of `TECHNOLOGIES`.
    progress : told about a build's steps, and about responses received during an exchange.
    stall_input, stall_output : probability 0..1 that in a cycle no new word is offered, or that
        none is accepted; for tests.
    seed : of the stalls; the same seed repeats a run cycle by cycle.
    max_idle : cycles without a word on either stream after which the engine counts as hung.

    Attributes
    ----------
    link_bytes : bytes of a link word.
    cycles : clock cycles from the first input word to the last output word of the last exchange,
        both included; 0 before it and when nothing came back.

    Raises
    ------
    CelosiaError : a tool is missing or the design does not compile.
    """

    def __init__(
        self,
        config: Config,
        verilog: str | None = None,
        *,
        rtl: str = "fast",
        progress: Progress = silent,
        stall_input: float = 0.0,
        stall_output: float = 0.0,
        seed: int = 0,
        max_idle: int = 5_000_000,
    ):
        # Set first: `close` must work whatever fails below.
        self._engine = None
        self._current: np.ndarray | None = None
        for name, value in (("stall_input", stall_input), ("stall_output", stall_output)):
            if not 0 <= value < 1:
                raise CelosiaError(f"{name} = {value!r} is not a probability in 0 <= p < 1")
        self.link_bytes = config.link_bytes
        self.cycles: int | None = 0
        self._progress = progress
        self._max_idle = max_idle
        self._slice_cycles = 10_000
        if verilog is None:
            verilog = _verilog(config, progress, rtl)
        self._lib = _load(verilator.build(verilog, config.link_bytes, progress))
        self._engine = self._lib.celosia_create(
            round(stall_input * 65536), round(stall_output * 65536), seed % (1 << 64)
        )
        if not self._engine:
            raise self._failed()
        self._out = np.empty((_SLICE_WORDS, self.link_bytes), np.uint8)
        self._out_last = np.empty(_SLICE_WORDS, np.uint8)

    def __enter__(self) -> "RtlTransport":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Free the simulation; calling it again does nothing."""
        if self._engine:
            self._lib.celosia_destroy(self._engine)
        self._engine = None

    def reset(self) -> None:
        """Pull the engine's reset pin. Memories keep their contents."""
        self._current = None
        if self._lib.celosia_reset(self._running()) != _Outcome.DONE:
            raise self._failed()

    def exchange(self, frames: Sequence[bytes]) -> list[bytes]:
        """Send all request frames back to back; return as many response frames, in order.

        Raises
        ------
        CelosiaError : a frame is empty or not whole link words, the engine hangs, or the
            transport is closed.
        """
        return [reply for replies in self.stream(frames) for reply in replies]

    def stream(self, frames: Sequence[bytes]) -> Iterator[list[bytes]]:
        """The same exchange; the responses of each slice as soon as it is over."""
        engine = self._running()
        words, last = self._pack(frames)
        self.cycles = 0
        # Identifies this exchange: whoever takes its responses may do anything in between.
        self._current = words
        self._lib.celosia_begin(engine, words.ctypes.data, last.ctypes.data, len(last), len(frames))
        try:
            yield from self._receive(engine, words, len(frames), len(last))
        finally:
            # `words` is about to be freed: the simulation must not look at it again.
            if self._engine and self._current is words:
                self._lib.celosia_begin(engine, None, None, 0, 0)

    def _receive(
        self, engine: int, words: np.ndarray, frames: int, in_words: int
    ) -> Iterator[list[bytes]]:
        """Run the exchange that was begun, in slices, to its end."""
        pending = b""
        report = _Report()
        while True:
            self._running()
            if self._current is not words:
                raise CelosiaError(
                    "another exchange or a reset began before this one had ended",
                    where="RTL simulation",
                )
            start = time.perf_counter()
            outcome = self._lib.celosia_run(
                engine,
                self._out.ctypes.data,
                self._out_last.ctypes.data,
                _SLICE_WORDS,
                self._slice_cycles,
                self._max_idle,
                report,
            )
            if outcome == _Outcome.FAILED:
                raise self._failed()
            self.cycles = report.cycles
            # Frames end in the middle of slices: what has no end yet waits for the next one.
            data = pending + self._out[: report.out_words].tobytes()
            ends = np.flatnonzero(self._out_last[: report.out_words]) + 1
            ends = ends * self.link_bytes + len(pending)
            begin, received = 0, []
            for end in ends.tolist():
                received.append(data[begin:end])
                begin = end
            pending = data[begin:]
            if received:
                yield received
            if outcome == _Outcome.DONE:
                return
            if outcome == _Outcome.HUNG:
                raise CelosiaError(
                    f"the engine hangs: no word in or out for {self._max_idle} cycles, with "
                    f"{report.in_words} of {in_words} words sent and "
                    f"{report.frames} of {frames} responses received",
                    where="RTL simulation",
                    todo="reset the link",
                )
            self._progress("simulating", report.frames, frames)
            if report.out_words < _SLICE_WORDS:
                self._adapt(time.perf_counter() - start)

    def _adapt(self, seconds: float) -> None:
        """Choose the next slice's length from how long this one took."""
        if seconds < _SLICE_SECONDS / 2:
            self._slice_cycles *= 2
        elif seconds > _SLICE_SECONDS * 2:
            self._slice_cycles = max(self._slice_cycles // 2, 1)

    def _pack(self, frames: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
        """All frames as one run of words, and for each word whether it is its frame's last."""
        for index, frame in enumerate(frames):
            if not frame or len(frame) % self.link_bytes:
                raise CelosiaError(
                    f"{len(frame)} bytes are not whole link words of {self.link_bytes}",
                    where=f"request frame {index}",
                )
        words = np.frombuffer(b"".join(frames), np.uint8)
        last = np.zeros(len(words) // self.link_bytes, np.uint8)
        ends = np.cumsum([len(frame) for frame in frames], dtype=np.int64) // self.link_bytes
        last[ends - 1] = 1
        return words, last

    def _running(self) -> int:
        if not self._engine:
            raise CelosiaError("the transport is closed", where="RTL simulation")
        return self._engine

    def _failed(self) -> CelosiaError:
        said = self._lib.celosia_error(self._engine).decode(errors="replace")
        return CelosiaError(f"the simulation failed: {said}", where="RTL simulation")


def _load(path: Path) -> ctypes.CDLL:
    try:
        lib = ctypes.CDLL(str(path))
    except OSError as error:
        raise CelosiaError(
            f"cannot load the compiled simulation: {error}",
            where=str(path),
            todo="delete it to have it compiled again",
        ) from error
    word, pointer = ctypes.c_uint64, ctypes.c_void_p
    signatures = {
        "create": (pointer, [ctypes.c_uint32, ctypes.c_uint32, word]),
        "destroy": (None, [pointer]),
        "error": (ctypes.c_char_p, [pointer]),
        "reset": (ctypes.c_int, [pointer]),
        "begin": (None, [pointer, pointer, pointer, word, word]),
        "run": (
            ctypes.c_int,
            [pointer, pointer, pointer, word, word, word, ctypes.POINTER(_Report)],
        ),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(lib, f"celosia_{name}")
        function.restype, function.argtypes = result, arguments
    return lib
