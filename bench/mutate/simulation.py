"""The compiled simulation of the engine, which records it at its pins."""

import ctypes
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from celosia.driver.rtl import verilator
from celosia.spec import Config
from celosia.support.progress import Progress, silent

__all__ = ["Recorder"]

#: Cycles in which no word moves, after which an exchange has ended.
_IDLE = 40
#: Of an exchange; the engine is reset when it takes longer.
_MOST_CYCLES = 100_000
#: Of the reset pin.
_RESET_CYCLES = 3


class Recorder:
    """`celosia.driver.transport.Transport` to the engine without a mutation, which is recorded.

    Everything that happens at the pins is kept, cycle by cycle, for `lanes` to play. Reset pin
    included, what is recorded depends on the calls and on ``seed`` only.

    Parameters
    ----------
    config : the engine.
    verilog : module ``celosia``.
    seed : of the stalls.

    Attributes
    ----------
    stalls : probabilities 0..1 that in a cycle no new word is offered, and that none is taken.
    ended : whether the last exchange ended; otherwise the engine was reset.

    Raises
    ------
    CelosiaError : a tool is missing or the design does not compile.
    """

    def __init__(self, config: Config, verilog: str, seed: int, progress: Progress = silent):
        self.link_bytes, self.stalls, self.ended = config.link_bytes, (0.0, 0.0), True
        self.cycles: int | None = None
        self._recorder = None
        library = verilator.build(verilog, config.link_bytes, progress, Path(__file__).parent)
        self._lib = _load(library)
        self._recorder = self._lib.mutate_create(seed)

    def close(self) -> None:
        """Free the simulation."""
        if self._recorder:
            self._lib.mutate_destroy(self._recorder)
        self._recorder = None

    def __del__(self) -> None:
        self.close()

    @property
    def recorded(self) -> int:
        """Cycles recorded so far."""
        return self._lib.mutate_cycles(self._recorder)

    @property
    def recording(self) -> bytes:
        """All pins in all cycles recorded so far."""
        size = ctypes.c_uint64()
        data = self._lib.mutate_recorded(self._recorder, size)
        return ctypes.string_at(data, size.value)

    def reset(self) -> None:
        """Pull the reset pin; words that were offered are dropped."""
        self._lib.mutate_reset(self._recorder, _RESET_CYCLES)

    def exchange(self, frames: Sequence[bytes]) -> list[bytes]:
        """Send the frames back to back; the frames that came back, as many or not."""
        return self.send(frames, len(frames))

    def stream(self, frames: Sequence[bytes]) -> Iterator[list[bytes]]:
        yield self.exchange(frames)

    def send(
        self, frames: Sequence[bytes], responses: int = 0, most: int = _MOST_CYCLES, idle=_IDLE
    ) -> list[bytes]:
        """Send the frames, wait for ``responses`` frames and then for ``idle`` quiet cycles.

        After ``most`` cycles the reset pin is pulled.
        """
        words = np.frombuffer(b"".join(frames), np.uint8)
        last = np.zeros(len(words) // self.link_bytes, np.uint8)
        ends = np.cumsum([len(frame) for frame in frames], dtype=np.int64) // self.link_bytes
        last[ends - 1] = 1
        self.ended = bool(
            self._lib.mutate_exchange(
                *(self._recorder, words.ctypes.data, last.ctypes.data, len(last), responses),
                *(round(rate * 65536) for rate in self.stalls),
                *(idle, most),
            )
        )
        if not self.ended:
            self.reset()
        return self._answer()

    def _answer(self) -> list[bytes]:
        count = self._lib.mutate_words(self._recorder)
        words, last = np.empty((count, self.link_bytes), np.uint8), np.empty(count, np.uint8)
        self._lib.mutate_answer(self._recorder, words.ctypes.data, last.ctypes.data)
        ends = (np.flatnonzero(last) + 1).tolist()
        return [
            words[begin:end].tobytes() for begin, end in zip([0, *ends][:-1], ends, strict=True)
        ]


def _load(path: Path) -> ctypes.CDLL:
    lib = ctypes.CDLL(str(path))
    pointer, word, part = ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint32
    signatures = {
        "create": (pointer, [word]),
        "destroy": (None, [pointer]),
        "cycles": (word, [pointer]),
        "recorded": (pointer, [pointer, ctypes.POINTER(word)]),
        "reset": (None, [pointer, word]),
        "exchange": (
            ctypes.c_int,
            [pointer, pointer, pointer, word, word, part, part, word, word],
        ),
        "words": (word, [pointer]),
        "answer": (None, [pointer, pointer, pointer]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(lib, f"mutate_{name}")
        function.restype, function.argtypes = result, arguments
    return lib
