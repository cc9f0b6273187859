"""From an engine to a bitstream: synthesis, place and route, packing, with open tools."""

from .design import elaborate
from .families import FAMILIES, Family
from .netlist import Netlist, TooLarge, synthesize
from .place import Placed, TimingFailed, place
from .placement import placement
from .tools import Watch

__all__ = [
    "FAMILIES",
    "Family",
    "Netlist",
    "Placed",
    "TimingFailed",
    "TooLarge",
    "Watch",
    "elaborate",
    "place",
    "placement",
    "synthesize",
]
