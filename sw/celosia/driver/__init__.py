"""Run program images on an engine: the golden model, a simulation of the RTL, a board."""

from celosia.errors import CelosiaError
from celosia.image import Image
from celosia.progress import Progress, silent
from celosia.spec import Config

from .device import Device
from .golden import GoldenTransport
from .transport import Transport

__all__ = ["TRANSPORTS", "Device", "GoldenTransport", "Transport", "open"]

TRANSPORTS = ("golden", "rtl")


def open(
    transport: str = "golden",
    shape: Config | Image | None = None,
    progress: Progress = silent,
) -> Device:
    """A device; close it, or use it as a context manager.

    Parameters
    ----------
    transport : one of `TRANSPORTS`: "golden", the NumPy model; "rtl", the compiled simulation of
        the engine's Verilog.
    shape : of the engine, `Config.default()` when None. A program image asks for the engine that
        it was compiled for, and is loaded.
    progress : told about the steps of building a simulation.

    Raises
    ------
    CelosiaError : there is no such transport, or it cannot be set up.
    """
    image = shape if isinstance(shape, Image) else None
    config = image.config if image else shape or Config.default()
    if transport == "golden":
        device = Device(GoldenTransport(config))
    elif transport == "rtl":
        # Only here: the simulation needs the [hw] extra, which running models does not.
        from .rtl import RtlTransport, prepare

        prepare(config, progress)
        device = Device(RtlTransport(config))
    else:
        raise CelosiaError(f"no transport {transport!r}", todo=f"choose {' or '.join(TRANSPORTS)}")
    if image:
        device.load(image)
    return device
