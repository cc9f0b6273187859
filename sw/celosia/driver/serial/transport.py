"""An engine on a board, connected by a serial port."""

import contextlib
import errno
import secrets
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from types import ModuleType

from celosia.spec.serial import BAUD, MAX_DATA, WINDOW
from celosia.support.errors import CelosiaError

from .announced import simulated_ports
from .session import Session

__all__ = ["AUTO", "RATES", "SerialTransport"]

#: In place of a port's name: the one port at which an engine answers.
AUTO = "auto"
#: Bits per second that are tried when no rate is named: those of built boards, frequent ones first.
RATES = (3_000_000, BAUD, 2_000_000, 115_200, 921_600, 460_800, 230_400)
#: What to do about a rate that a port cannot be set to.
_RATE = "choose another rate"
#: Seconds of an answer beyond its time on the wire: USB bridges collect bytes for up to 16 ms.
_LATENCY = 0.15
#: Seconds between two looks at the clock while no byte is received.
_TICK = 0.02
_OPEN_ERRORS = {
    errno.ENOENT: ("there is no such port", "plug the board in, or let `auto` look for it"),
    errno.EACCES: ("no permission", "become a member of the group that owns it (dialout)"),
    errno.EBUSY: ("another program uses this port", "end that program"),
    errno.EAGAIN: ("another program uses this port", "end that program"),
}


class SerialTransport:
    """`celosia.driver.transport.Transport` to an engine at a serial port.

    Its cycles cannot be read.

    Whatever happens to bytes on the line, responses are correct or an error is raised. After an
    error or an aborted exchange the port has to be opened again.

    Parameters
    ----------
    port : its name, such as ``/dev/ttyUSB0`` or ``COM3``; `AUTO` tries every USB serial port, and
        the boards that `celosia board` simulates.
    baud : bits per second, as the bitstream was built for; None: the one of `RATES` at which an
        engine answers.
    timeout : seconds after which an answer counts as lost; None: derived from ``baud``.

    Attributes
    ----------
    port : name of the open port.
    baud : bits per second at which the engine answered.
    link_bytes : bytes of a link word, as the device reports.
    cycles : None.
    faults : number of recovered faults on the line, by kind.

    Raises
    ------
    CelosiaError : pyserial is not installed, the port cannot be opened, or no engine of this
        version answers there; with `AUTO` also when several answer.
    """

    cycles: int | None = None

    def __init__(self, port: str, baud: int | None = None, *, timeout: float | None = None):
        self._port: _Port | None = None
        _pyserial()
        if not port:
            raise CelosiaError("'' is not a port", todo="name one, or `auto`")
        rates = RATES if baud is None else (baud,)
        if port == AUTO:
            opened, self._session = _find(rates, timeout)
        else:
            opened, self._session = _answering(port, rates, timeout, attempts=4)
        self._port = opened
        self.port, self.baud = opened.name, opened.baud
        self.link_bytes = self._session.link_bytes

    @property
    def faults(self) -> Counter[str]:
        return self._session.faults

    def exchange(self, frames: Sequence[bytes]) -> list[bytes]:
        """Send request ``frames``; the responses in order. Raises as `Session.stream`."""
        return [reply for replies in self.stream(frames) for reply in replies]

    def stream(self, frames: Sequence[bytes]) -> Iterator[list[bytes]]:
        """The same, responses as they arrive."""
        if self._port is None:
            raise CelosiaError("the transport is closed", where=self.port)
        return self._session.stream(frames)

    def close(self) -> None:
        """Close the port; a second call does nothing."""
        if self._port is not None:
            self._port.close()
        self._port = None


def _pyserial() -> ModuleType:
    """The package pyserial."""
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
        self.name, self.baud = name, baud
        serial = _pyserial()
        try:
            self._serial = serial.Serial(name, baud, timeout=_TICK, write_timeout=5, exclusive=True)
            self._serial.reset_input_buffer()
            _reserve(self._serial.fileno())
        except _errors() as error:
            number = getattr(error, "errno", None) or (error.args or (0,))[0]
            what, todo = _OPEN_ERRORS.get(number, (f"cannot open this port: {error}", ""))
            raise CelosiaError(what, where=name, todo=todo) from error
        except (ValueError, OverflowError) as error:
            raise CelosiaError(
                f"cannot be set to {baud} baud: {error}", where=name, todo=_RATE
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
        # A port whose device is unplugged need not be closed.
        with contextlib.suppress(*_errors()):
            self._serial.close()

    @contextlib.contextmanager
    def _trouble(self) -> Iterator[None]:
        """Errors of the port as CelosiaErrors."""
        try:
            yield
        except _errors() as error:
            shared = "multiple access" in str(error)
            raise CelosiaError(
                "another program reads from this port" if shared else f"the port failed: {error}",
                where=self.name,
                todo="end that program" if shared else "plug the board in again",
            ) from error


def _errors() -> tuple[type[Exception], ...]:
    """What pyserial raises when a port fails. That of termios, on POSIX, is no OSError."""
    errors: list[type[Exception]] = [_pyserial().SerialException, OSError]
    with contextlib.suppress(ModuleNotFoundError):
        import termios

        errors.append(termios.error)
    return tuple(errors)


def _reserve(descriptor: int) -> None:
    """Let no other program open the port from now on, where the system can."""
    with contextlib.suppress(ModuleNotFoundError, OSError):
        import fcntl
        import termios

        fcntl.ioctl(descriptor, termios.TIOCEXCL)


def _answering(
    name: str, rates: Sequence[int], timeout: float | None, attempts: int
) -> tuple[_Port, Session]:
    """The open port and a session, at the first of ``rates`` at which an engine answers.

    A wrong rate turns bytes into others, not into a packet with a right CRC. A port that cannot be
    set to one of several rates is asked at the others.
    """
    silence = None
    for baud in rates:
        try:
            return _greeted(name, baud, timeout, attempts if len(rates) == 1 else 2)
        except CelosiaError as error:
            if not error.todo.startswith("check") and (len(rates) == 1 or error.todo != _RATE):
                raise
            silence = silence if silence and error.todo == _RATE else error
    assert silence
    if silence.todo == _RATE:
        raise silence
    asked = " ".join(f"{baud:,}," for baud in rates)[:-1]
    raise CelosiaError(
        silence.what,
        where=name,
        todo=f"{silence.todo}; it was asked at {asked} baud: --baud names another rate",
    ) from silence


def _greeted(name: str, baud: int, timeout: float | None, attempts: int) -> tuple[_Port, Session]:
    """The open port, and a session with the engine at it."""
    if timeout is None:
        # A window in both directions, every byte escaped, 10 bits a byte, and as much again.
        timeout = _LATENCY + 2 * 2 * WINDOW * 2 * (MAX_DATA + 16) * 10 / max(baud, 1)
    port = _Port(name, baud)
    try:
        # The answer to a HELLO is short: what is longer than its time on the wire is latency.
        brief = min(timeout, _LATENCY + 2 * 2 * 16 * 10 / max(baud, 1))
        session = Session(port, 1 + secrets.randbelow(255), timeout=brief)
        session.greet(attempts)
        session.timeout = timeout
    except BaseException:
        port.close()
        raise
    return port, session


def _find(rates: Sequence[int], timeout: float | None) -> tuple[_Port, Session]:
    """The one port at which an engine answers: USB serial ports, and simulated boards."""
    _pyserial()
    from serial.tools.list_ports import comports

    # Ports without a vendor are built into the computer, not a board's.
    names = sorted(port.device for port in comports() if port.vid is not None)
    names += simulated_ports()
    found, refused = [], []
    for name in names:
        try:
            found.append(_answering(name, rates, timeout, attempts=2))
        except CelosiaError as error:
            refused.append(f"{error.where}: {error.what}")
    if len(found) == 1:
        return found[0]
    for port, _ in found:
        port.close()
    if found:
        at = ", ".join(port.name for port, _ in found)
        raise CelosiaError(f"engines answer at {at}", where=AUTO, todo="name one of them")
    what = (
        f"no engine answers ({'; '.join(refused)})"
        if refused
        else "no USB serial ports, and no simulated board"
    )
    raise CelosiaError(what, where=AUTO, todo="plug the board in, or name the port")
