"""The boards: Amaranth platforms, and the facts beside pins that Celosia needs."""

from dataclasses import dataclass
from importlib import import_module

from amaranth.build import TemplatedPlatform

__all__ = ["PLATFORMS", "Target", "target"]

#: Board -> (family, module and class of its platform, whether the PLL contains the clock's pin).
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
    platform : of Amaranth; its attribute ``technology`` selects the cells (`celosia_hw.cells`).
    family : "ice40", "ecp5" or "gowin".
    oscillator : MHz.
    at_pad : the PLL contains the buffer of the oscillator's pin.
    """

    platform: TemplatedPlatform
    family: str
    oscillator: float
    at_pad: bool


def target(board: str, technology: str = "portable") -> Target:
    """A new platform of ``board``; Amaranth can prepare each of them once.

    Raises
    ------
    KeyError : unknown board.
    ModuleNotFoundError : amaranth-boards is not installed.
    """
    family, module, name, at_pad = PLATFORMS[board]
    platform = getattr(import_module(module), name)()
    platform.technology = technology
    return Target(platform, family, platform.default_clk_frequency / 1e6, at_pad)
