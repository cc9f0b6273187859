"""Run program images on an engine: the golden model, a simulation of the RTL, a board."""

from celosia.compiler.image import Image
from celosia.spec import Config
from celosia.support.errors import CelosiaError
from celosia.support.progress import Progress, terminal

from .device import Device
from .golden import GoldenTransport
from .transport import Transport

__all__ = ["TRANSPORTS", "Device", "GoldenTransport", "Transport", "open"]

TRANSPORTS = ("golden", "rtl", "serial")


def open(
    transport: str = "golden",
    shape: Config | Image | None = None,
    progress: Progress | None = None,
    *,
    port: str | None = None,
    baud: int | None = None,
    rtl: str = "fast",
) -> Device:
    """A device; close it, or use it as a context manager.

    Parameters
    ----------
    transport : one of `TRANSPORTS`: "golden", the NumPy model; "rtl", the compiled simulation of
        the engine's Verilog; "serial", a board.
    shape : of the engine, `Config.default()` when None. A program image asks for the engine that
        it was compiled for, and is loaded. A board has the shape that it has.
    progress : told about the steps of building a simulation; None: a line for each on stderr, if
        that is a terminal.
    port, baud : of the board: name of its serial port, or "auto" when None; bits per second, found
        by trying when None.
    rtl : of the simulation: "fast", of cells made for simulation, or "placed", the Verilog that
        `celosia verilog` writes. Both take the same cycles.

    Raises
    ------
    CelosiaError : there is no such transport, or it cannot be set up.
    """
    progress = progress or terminal
    if isinstance(shape, Image):
        image, config = shape, shape.config
    else:
        image, config = None, shape or Config.default()
    if transport == "golden":
        device = Device(GoldenTransport(config))
    elif transport == "rtl":
        # Only here: the simulation needs the [hw] extra, which running models does not.
        from celosia.driver.rtl.transport import RtlTransport, prepare

        prepare(config, progress, rtl)
        device = Device(RtlTransport(config, rtl=rtl))
    elif transport == "serial":
        from celosia.driver.serial.transport import AUTO, SerialTransport

        device = Device(SerialTransport(AUTO if port is None else port, baud))
    else:
        raise CelosiaError(f"no transport {transport!r}", todo=f"choose {' or '.join(TRANSPORTS)}")
    if image:
        device.load(image)
    return device
