"""Sipeed Tang Nano 20K, which amaranth-boards lacks: the pins that Celosia uses.

From the maker's schematic, https://wiki.sipeed.com/hardware/en/tang/tang-nano-20k/nano-20k.html
"""

from amaranth.build import Attrs, Clock, Pins, Resource
from amaranth.vendor import GowinPlatform
from amaranth_boards.resources import LEDResources, UARTResource

__all__ = ["TangNano20kPlatform"]


class TangNano20kPlatform(GowinPlatform):
    """Clock, LEDs and the serial pins to the board's USB bridge."""

    part = "GW2AR-LV18QN88C8/I7"
    family = "GW2AR-18C"
    default_clk = "clk27"
    resources = [
        Resource("clk27", 0, Pins("4", dir="i"), Clock(27e6), Attrs(IO_TYPE="LVCMOS33")),
        *LEDResources(pins="15 16 17 18 19 20", invert=True, attrs=Attrs(IO_TYPE="LVCMOS33")),
        UARTResource(0, rx="70", tx="69", attrs=Attrs(PULL_MODE="UP", IO_TYPE="LVCMOS33")),
    ]
    connectors = []
