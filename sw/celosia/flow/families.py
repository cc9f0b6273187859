"""Tools and options of each family of FPGAs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from celosia.boards import Board

from .floorplan import Floorplan, ecp5_85k
from .usage import Counts, ecp5_counts, gowin_counts, ice40_counts

__all__ = ["FAMILIES", "Family"]


@dataclass(frozen=True, kw_only=True)
class Family:
    """The flow of one family, from Verilog to a bitstream.

    Parameters
    ----------
    synthesis : Yosys command for a board and a technology.
    placer : name of the place and route tool.
    constraints : name of its constraints file.
    placing : its options for the device of a board and a technology.
    routing : its options for the output file.
    packer : name of the tool that makes the bitstream.
    packing : its options for a board.
    bitstream : name of its output file.
    floorplan : sites of some cells for a board and a technology; None when nextpnr chooses all.
    counts : cells used and available, from the placer's report and the cells after synthesis.
    """

    synthesis: Callable[[Board, str], str]
    placer: str
    constraints: str
    placing: Callable[[Board, str], tuple[str, ...]]
    routing: tuple[str, ...]
    packer: str
    packing: Callable[[Board], tuple[str, ...]]
    bitstream: str
    counts: Callable[[Mapping, Mapping[str, int]], Counts]
    floorplan: Callable[[Board, str], Floorplan | None] = lambda board, technology: None


def _synth_ice40(board: Board, technology: str) -> str:
    # Without -dsp, which overwrites parameters of instantiated SB_MAC16, and made wrong products of
    # portable ones. -no-rw-check: no result depends on a word read while it is written. Eight logic
    # cells share a clock enable: enables of fewer than 4 flip-flops would waste logic cells of an
    # almost full device.
    return "synth_ice40 -top top -device u -no-rw-check -dffe_min_ce_use 4"


def _synth_ecp5(board: Board, technology: str) -> str:
    # The small multipliers of the correction must be LUTs: there are no blocks left for them.
    dsp = " -nodsp" if technology == "ecp5-packed" else ""
    return f"synth_ecp5 -top top{dsp}"


def _place_ecp5(board: Board, technology: str) -> tuple[str, ...]:
    # 6 is the slowest speed grade, and that of the board.
    device = (f"--{board.device}", "--package", board.package, "--speed", "6", "--lpf", "top.lpf")
    if technology == "ecp5-packed":
        # Arrays that fill half of the device: the default placer leaves a third more wire, too much
        # to be routed.
        return (*device, "--placer", "static")
    # Weigh late paths more than by default (10 and 2), because wire length dominates.
    return (*device, "--placer-heap-timingweight", "30", "--placer-heap-critexp", "4")


def _plan_ecp5(board: Board, technology: str) -> Floorplan | None:
    # The cells that synthesis makes of portable ones have names of its own.
    return ecp5_85k if board.device == "85k" and technology != "portable" else None


def _synth_gowin(board: Board, technology: str) -> str:
    return f"synth_gowin -top top -family {board.package[:4].lower()}"


FAMILIES: Mapping[str, Family] = {
    "ice40": Family(
        synthesis=_synth_ice40,
        placer="nextpnr-ice40",
        constraints="top.pcf",
        placing=lambda board, technology: (
            *(f"--{board.device}", "--package", board.package, "--pcf", "top.pcf"),
        ),
        routing=("--asc", "top.asc"),
        packer="icepack",
        packing=lambda board: ("top.asc", "top.bin"),
        bitstream="top.bin",
        counts=ice40_counts,
    ),
    "ecp5": Family(
        synthesis=_synth_ecp5,
        placer="nextpnr-ecp5",
        constraints="top.lpf",
        placing=_place_ecp5,
        routing=("--textcfg", "top.config"),
        packer="ecppack",
        packing=lambda board: ("--compress", "--input", "top.config", "--bit", "top.bit"),
        bitstream="top.bit",
        counts=ecp5_counts,
        floorplan=_plan_ecp5,
    ),
    "gowin": Family(
        synthesis=_synth_gowin,
        placer="nextpnr-himbaechel-gowin",
        constraints="top.cst",
        placing=lambda board, technology: (
            *("--device", board.device, "--vopt", f"family={board.package}"),
            *("--vopt", "cst=top.cst"),
        ),
        routing=("--write", "top.pnr.json"),
        packer="gowin_pack",
        # Pins of the configuration ports are used as I/O afterwards.
        packing=lambda board: (
            *("-d", board.package, "-o", "top.fs", "--sspi_as_gpio", "--mspi_as_gpio"),
            "top.pnr.json",
        ),
        bitstream="top.fs",
        counts=gowin_counts,
    ),
}
