"""A pseudo-terminal with a simulated board at its other end."""

import contextlib
import os
import select
import termios
import threading
import time
import tty
from typing import Protocol

from .faults import Faults

__all__ = ["SerialBoard"]

#: Seconds without a byte after which the board is looked at less often, and how often then.
_IDLE, _PAUSE = 1.5, 0.1
#: What a wrong baud rate does to a byte here.
_GARBLED = bytes(byte ^ 0x5A for byte in range(256))


class _Device(Protocol):
    """`ModelDevice` or `RtlDevice`."""

    @property
    def busy(self) -> bool: ...
    def reset(self) -> None: ...
    def give(self, data: bytes) -> None: ...
    def take(self, quiet: float) -> bytes: ...
    def close(self) -> None: ...


class SerialBoard:
    """A simulated board, running in a thread of its own from construction to `close`.

    Parameters
    ----------
    device : the board; closed with this.
    to_board, to_host : what befalls the bytes of each direction.
    baud : bits per second of the board: a host that sets another rate gets and sends garbled bytes.
        None for a board that understands every rate.

    Attributes
    ----------
    port : the pseudo-terminal to open, as ``/dev/pts/4``.
    crossed : bytes that came from the host and from the board.
    error : what ended the simulation before `close`, or None.
    """

    def __init__(
        self,
        device: _Device,
        to_board: Faults | None = None,
        to_host: Faults | None = None,
        baud: int | None = None,
    ):
        self._device, self._to_board, self._to_host = device, to_board, to_host
        self._speed = getattr(termios, f"B{baud}", None) if baud else None
        self._master, self._slave = os.openpty()
        # Raw from the start, and held open: the line outlives the programs that use it.
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.port = os.ttyname(self._slave)
        self.crossed = [0, 0]
        self.resets = 0
        self.error: Exception | None = None
        self._reset = threading.Event()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> "SerialBoard":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def reset(self) -> None:
        """Press the board's reset button, and wait until that has been."""
        before = self.resets
        self._reset.set()
        while self.resets == before and self.alive:
            self._end.wait(0.001)

    def close(self) -> None:
        self._end.set()
        self._thread.join()
        self._device.close()
        os.close(self._master)
        os.close(self._slave)

    def _run(self) -> None:
        try:
            self._serve()
        except Exception as error:
            self.error = error

    def _serve(self) -> None:
        device, last = self._device, time.monotonic()
        while not self._end.is_set():
            if self._reset.is_set():
                device.reset()
                self._reset.clear()
                self.resets += 1
            quiet = time.monotonic() - last
            if not device.busy:
                data = self._read(_PAUSE if quiet > _IDLE else 0.002 if quiet > 0.01 else 0)
                if data:
                    quiet, last = 0.0, time.monotonic()
                device.give(data)
            if answer := device.take(quiet):
                self._write(answer)
                last = time.monotonic()

    def _read(self, timeout: float) -> bytes:
        if not select.select([self._master], [], [], timeout)[0]:
            return b""
        data = os.read(self._master, 512)
        self.crossed[0] += len(data)
        data = self._at_its_rate(data)
        return self._to_board(data) if self._to_board else data

    def _write(self, data: bytes) -> None:
        self.crossed[1] += len(data)
        data = self._at_its_rate(data)
        if self._to_host:
            data = self._to_host(data)
        while data and not self._end.is_set():
            try:
                data = data[os.write(self._master, data) :]
            except BlockingIOError:
                self._end.wait(0.001)

    def _at_its_rate(self, data: bytes) -> bytes:
        """``data``, garbled when the host's rate is another than the board's."""
        if self._speed is None:
            return data
        with contextlib.suppress(termios.error):
            if termios.tcgetattr(self._slave)[5] != self._speed:
                return data.translate(_GARBLED)
        return data
