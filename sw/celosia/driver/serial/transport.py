"""An engine on a board, behind a serial port."""

import contextlib
import errno
import secrets
import time
from collections import Counter
from collections.abc import Iterator, Sequence

from celosia.spec.serial import BAUD, MAX_DATA, WINDOW
from celosia.support.errors import CelosiaError

from .session import Session

__all__ = ["AUTO", "SerialTransport"]

#: In place of a port's name: the one port at which an engine answers.
AUTO = "auto"
#: Seconds an answer takes beside the time on the wire: USB bridges collect bytes for up to 16 ms.
_LATENCY = 0.15
#: Seconds between looks at the clock while nothing comes.
_TICK = 0.02
_OPEN_ERRORS = {
    errno.ENOENT: ("there is no such port", "plug the board in, or let `auto` look for it"),
    errno.EACCES: ("no permission", "become a member of the group that owns it (dialout)"),
    errno.EBUSY: ("another program uses this port", "end that program"),
    errno.EAGAIN: ("another program uses this port", "end that program"),
}


class SerialTransport:
    """`Transport` to an engine behind a serial port; it has no clock that could be read.

    Whatever the line does to the bytes, responses are right or an error says why there are none.
    After an error, or an exchange that was broken off, the port has to be opened anew.

    Parameters
    ----------
    port : its name, as ``/dev/ttyUSB0`` or ``COM3``; `AUTO` asks at every USB serial port.
    baud : bits per second, those that the bitstream was built for.
    timeout : seconds after which an answer counts as lost; None: fit for ``baud``.

    Attributes
    ----------
    port : name of the port that was opened.
    link_bytes : bytes of a link word, as the device said.
    faults : how often what went wrong on the line, and was recovered from.

    Raises
    ------
    CelosiaError : pyserial is not installed, the port cannot be opened, or no engine, or one of
        another version, answers there; with `AUTO` also when several do.
    """

    cycles = None

    def __init__(self, port: str, baud: int = BAUD, *, timeout: float | None = None):
        self._port = None
        _pyserial()
        if timeout is None:
            # All of a window both ways, every byte escaped, and as much again.
            timeout = _LATENCY + 2 * 2 * WINDOW * 2 * (MAX_DATA + 16) * 10 / max(baud, 1)
        if port == AUTO:
            self._port, self._session = _find(baud, timeout)
        else:
            self._port, self._session = _greeted(port, baud, timeout, attempts=4)
        self.port = self._port.name
        self.link_bytes = self._session.link_bytes

    @property
    def faults(self) -> Counter[str]:
        return self._session.faults

    def exchange(self, frames: Sequence[bytes]) -> list[bytes]:
        return [reply for replies in self.stream(frames) for reply in replies]

    def stream(self, frames: Sequence[bytes]) -> Iterator[list[bytes]]:
        if self._port is None:
            raise CelosiaError("the transport is closed", where=self.port)
        return self._session.stream(frames)

    def close(self) -> None:
        """Let go of the port; calling it again does nothing."""
        if self._port is not None:
            self._port.close()
        self._port = None


def _pyserial():
    try:
        import serial
    except ModuleNotFoundError as error:
        raise CelosiaError(
            "talking to a board needs pyserial",
            todo="install it with: pip install 'celosia[serial]'",
        ) from error
    return serial


class _Port:
    """`BytePort` on pyserial."""

    def __init__(self, name: str, baud: int):
        self.name = name
        serial = _pyserial()
        try:
            self._serial = serial.Serial(name, baud, timeout=_TICK, write_timeout=5, exclusive=True)
            self._serial.reset_input_buffer()
        except (serial.SerialException, OSError) as error:
            what, todo = _OPEN_ERRORS.get(
                getattr(error, "errno", None), (f"cannot open this port: {error}", "")
            )
            raise CelosiaError(what, where=name, todo=todo) from error
        except (ValueError, OverflowError) as error:
            raise CelosiaError(
                f"cannot be set to {baud} baud: {error}", where=name, todo="choose another rate"
            ) from error

    def read(self, timeout: float) -> bytes:
        end = time.monotonic() + timeout
        with self._trouble():
            while True:
                data = self._serial.read(max(1, self._serial.in_waiting))
                if data or time.monotonic() >= end:
                    return data

    def write(self, data: bytes) -> None:
        with self._trouble():
            self._serial.write(data)

    def close(self) -> None:
        # What is gone need not be closed.
        with contextlib.suppress(OSError):
            self._serial.close()

    @contextlib.contextmanager
    def _trouble(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise CelosiaError(
                f"the port failed: {error}", where=self.name, todo="plug the board in again"
            ) from error


def _greeted(name: str, baud: int, timeout: float, attempts: int) -> tuple[_Port, Session]:
    """The open port, and a session with the engine there."""
    port = _Port(name, baud)
    try:
        session = Session(port, 1 + secrets.randbelow(255), timeout=timeout)
        session.greet(attempts)
    except BaseException:
        port.close()
        raise
    return port, session


def _find(baud: int, timeout: float) -> tuple[_Port, Session]:
    """The one USB serial port at which an engine answers."""
    _pyserial()
    from serial.tools.list_ports import comports

    # Those without a vendor are the computer's own, where boards are never.
    names = sorted(port.device for port in comports() if port.vid is not None)
    found, refused = [], []
    for name in names:
        try:
            found.append(_greeted(name, baud, timeout, attempts=2))
        except CelosiaError as error:
            refused.append(f"{error.where}: {error.what}")
    if len(found) == 1:
        return found[0]
    for port, _ in found:
        port.close()
    if found:
        at = ", ".join(port.name for port, _ in found)
        raise CelosiaError(f"engines answer at {at}", where=AUTO, todo="name one of them")
    what = f"no engine answers ({'; '.join(refused)})" if refused else "no USB serial ports"
    raise CelosiaError(what, where=AUTO, todo="plug the board in, or name the port")
