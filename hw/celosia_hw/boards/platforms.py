"""The boards: Amaranth platforms with the few facts that Celosia needs beside pins."""

from dataclasses import dataclass
from importlib import import_module

from amaranth.build import TemplatedPlatform

__all__ = ["PLATFORMS", "Target", "target"]

#: Board -> (family, module and class of its platform, whether the clock's pin is that of the PLL).
PLATFORMS = {
    "icebreaker": ("ice40", "amaranth_boards.icebreaker", "ICEBreakerPlatform", True),
    "upduino": ("ice40", "celosia_hw.boards.upduino", "UpduinoPlatform", False),
    "ulx3s-85f": ("ecp5", "amaranth_boards.ulx3s", "ULX3S_85F_Platform", False),
    "tang-nano-9k": ("gowin", "amaranth_boards.tang_nano_9k", "TangNano9kPlatform", False),
    "tang-nano-20k": ("gowin", "celosia_hw.boards.tang_nano_20k", "TangNano20kPlatform", False),
}


@dataclass(frozen=True)
class Target:
    """A board to build for.

    Parameters
    ----------
    platform : of Amaranth; its ``technology`` chooses the cells (`celosia_hw.cells`).
    family : "ice40", "ecp5" or "gowin".
    oscillator : in MHz.
    at_pad : the oscillator's pin is the PLL's own.
    """

    platform: TemplatedPlatform
    family: str
    oscillator: float
    at_pad: bool


def target(board: str, technology: str = "portable") -> Target:
    """A new platform of ``board``, each good for one build.

    Raises
    ------
    KeyError : there is no such board.
    ModuleNotFoundError : amaranth-boards is not installed.
    """
    family, module, name, at_pad = PLATFORMS[board]
    platform = getattr(import_module(module), name)()
    platform.technology = technology
    return Target(platform, family, platform.default_clk_frequency / 1e6, at_pad)
