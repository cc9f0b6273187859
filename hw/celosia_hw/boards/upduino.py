"""tinyVision UPduino 3.x with its serial pins, which amaranth-boards leaves out.

The clock is the board's 12 MHz oscillator, connected to pin 20 by the jumper OSC. The chip's own
oscillator has a tolerance of 10 %, too much for a serial line. The FTDI chip's serial pins are
those of the flash memory, which must stay deselected (https://github.com/tinyvision-ai-inc/UPduino-v3.0).
"""

from amaranth.build import Attrs, PinsN, Resource
from amaranth_boards.resources import UARTResource
from amaranth_boards.upduino_v3 import UpduinoV3Platform

__all__ = ["UpduinoPlatform"]


class UpduinoPlatform(UpduinoV3Platform):
    """`UpduinoV3Platform` with the serial pins in place of the flash memory's."""

    default_clk = "clk12"
    resources = [
        *(each for each in UpduinoV3Platform.resources if each.name not in ("spi_flash_1x",)),
        UARTResource(0, rx="15", tx="14", attrs=Attrs(IO_STANDARD="SB_LVCMOS")),
        Resource("flash_select", 0, PinsN("16", dir="o"), Attrs(IO_STANDARD="SB_LVCMOS")),
    ]
