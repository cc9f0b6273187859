"""What can be wrong with a port: one line that says so."""

import errno
import fcntl
import os
import sys
import termios

import pytest

from celosia.driver.serial import transport as driver_serial
from celosia.driver.serial.transport import SerialTransport
from celosia.support.errors import CelosiaError


@pytest.fixture
def refused(celosia, files):
    """Check that running on a port is refused in one line that has ``part``."""

    def check(part, *options):
        ran = celosia("run", files.image, "--input", files.inputs, *options)
        assert ran.status == 2, ran
        assert ran.err.startswith("celosia: ") and ran.err.count("\n") == 1, ran.err
        assert part in ran.err

    return check


@pytest.fixture
def terminal():
    """A pseudo-terminal at whose other end nobody is."""
    master, slave = os.openpty()
    yield os.ttyname(slave)
    os.close(master)
    os.close(slave)


def test_options(refused):
    refused("--jobs: a board is one engine; leave it out", "--port", "/dev/none", "--jobs", 2)
    refused("--baud: there is no --port", "--baud", 9600)
    refused("--baud: 0 is not at least 1", "--port", "/dev/none", "--baud", 0)
    refused("'' is not a port; name one, or `auto`", "--port", "")


def test_no_such_port(refused):
    refused("/dev/none: there is no such port; plug the board in", "--port", "/dev/none")


def test_no_pyserial(refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "serial", None)
    refused("needs pyserial; install it with: pip install 'celosia[serial]'", "--port", "/dev/none")


def test_no_port(refused, tmp_path):
    (tmp_path / "file").write_text("text")
    refused("file: cannot open this port: ", "--port", tmp_path / "file")


def test_nobody_answers(refused, terminal, monkeypatch):
    monkeypatch.setattr(driver_serial, "_LATENCY", 0.01)
    refused(f"{terminal}: the device is silent; check that the board is on", "--port", terminal)
    rate = ("--port", terminal, "--baud", 921_600)
    refused("it was asked at 921,600 baud: --baud names another", *rate)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PermissionError(errno.EACCES, "x"), "no permission; become a member of the group"),
        (OSError(errno.EBUSY, "x"), "another program uses this port; end that program"),
        (termios.error(errno.EBUSY, "x"), "another program uses this port; end that program"),
        (termios.error(errno.EIO, "gone"), "cannot open this port: .*gone"),
        (OSError(errno.EIO, "broken"), "cannot open this port: .*broken"),
        (ValueError("no such rate"), "cannot be set to 31 baud: no such rate; choose another rate"),
    ],
)
def test_a_port_that_does_not_open(monkeypatch, error, message):
    import serial

    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr(serial, "Serial", fail)
    with pytest.raises(CelosiaError, match=f"/dev/x: {message}"):
        SerialTransport("/dev/x", 31)


def test_a_port_that_goes_away():
    master, slave = os.openpty()
    port = driver_serial._Port(os.ttyname(slave), 115200)
    os.close(slave)
    os.close(master)
    with pytest.raises(CelosiaError, match="the port failed: .*; plug the board in again"):
        port.read(0.1)
    port.close()


def test_a_port_is_reserved(terminal):
    """TIOCEXCL does not keep out root, so the flag itself is read."""
    port = driver_serial._Port(terminal, 115200)
    TIOCGEXCL = 0x80045440  # Linux, asm-generic/ioctls.h
    flag = fcntl.ioctl(port._serial.fileno(), TIOCGEXCL, bytes(4))
    assert int.from_bytes(flag, sys.byteorder) == 1
    port.close()


def test_another_program_reads_from_the_port(terminal):
    port = driver_serial._Port(terminal, 115200)

    class Shared:
        in_waiting = 0

        def read(self, size):
            import serial

            raise serial.SerialException("device disconnected or multiple access on port?")

    port._serial.close()
    port._serial = Shared()
    with pytest.raises(CelosiaError, match="another program reads from this port; end that"):
        port.read(0.1)
