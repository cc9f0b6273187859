"""Boards in simulation: an engine behind a serial line, at a pseudo-terminal."""

from .faults import Faults
from .model import ModelDevice
from .rtl import RtlDevice
from .terminal import SerialBoard

__all__ = ["Faults", "ModelDevice", "RtlDevice", "SerialBoard"]
