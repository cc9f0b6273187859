"""Run program images on an engine: the golden model, a simulation of the RTL, a board."""

from celosia.errors import CelosiaError
from celosia.spec import Config

from .device import Device
from .golden import GoldenTransport
from .transport import Transport

__all__ = ["Device", "GoldenTransport", "Transport", "open"]


def open(transport: str = "golden", config: Config | None = None) -> Device:
    """A device of shape ``config`` (`Config.default()` when None).

    Parameters
    ----------
    transport : "golden", the NumPy model; "rtl", the compiled simulation of the engine's Verilog.

    Raises
    ------
    CelosiaError : there is no such transport, or it cannot be set up.
    """
    config = config or Config.default()
    if transport == "golden":
        return Device(GoldenTransport(config))
    if transport == "rtl":
        # Only here: the simulation needs the [hw] extra, which running models does not.
        from .rtl import RtlTransport

        return Device(RtlTransport(config))
    raise CelosiaError(f"no transport {transport!r}", todo="choose golden or rtl")
