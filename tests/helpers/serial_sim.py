"""A board's RTL in simulation, its two serial pins joined to a pseudo-terminal."""

from celosia import simulated
from celosia.simulated import Faults, RtlDevice
from celosia.simulated.rtl import DIVISOR, engine_board, joined

__all__ = ["DIVISOR", "Faults", "SerialBoard", "engine_board", "joined"]


class SerialBoard(simulated.SerialBoard):
    """`celosia.simulated.SerialBoard` of the ``verilog`` of a board, with the ports of `joined`."""

    def __init__(self, verilog: str, to_board: Faults | None = None, to_host: Faults | None = None):
        super().__init__(RtlDevice(verilog), to_board, to_host)
