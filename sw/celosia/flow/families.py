"""What differs between the families of FPGAs: which tools, with which options."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from celosia.boards import Board

from .floorplan import Floorplan, ecp5_85k
from .usage import Counts, ecp5_counts, gowin_counts, ice40_counts

__all__ = ["FAMILIES", "Family"]


@dataclass(frozen=True, kw_only=True)
class Family:
    """One way from Verilog to a bitstream.

    Parameters
    ----------
    synthesis : Yosys command for a board and a technology.
    placer : name of the place and route tool.
    constraints : file of the pins.
    placing : its options for a board that say what to place on.
    routing : its options for what comes out.
    packer, packing : name and options of the tool that makes the bitstream.
    bitstream : its file.
    floorplan : sites of some cells for a board and a technology; None when nextpnr chooses all.
    counts : what is used and what there is, from the tool's report.
    """

    synthesis: Callable[[Board, str], str]
    placer: str
    constraints: str
    placing: Callable[[Board], tuple[str, ...]]
    routing: tuple[str, ...]
    packer: str
    packing: Callable[[Board], tuple[str, ...]]
    bitstream: str
    counts: Callable[[Mapping, Mapping[str, int]], Counts]
    floorplan: Callable[[Board, str], Floorplan | None] = lambda board, technology: None


def _synth_ice40(board: Board, technology: str) -> str:
    # Never -dsp: it rewrites instantiated SB_MAC16, and gave wrong products of portable ones.
    # No memory is read where it is written and then relied upon. Eight logic cells share a clock
    # enable: those of few flip-flops leave too many of an almost full device without use.
    return "synth_ice40 -top top -device u -no-rw-check -dffe_min_ce_use 4"


def _synth_ecp5(board: Board, technology: str) -> str:
    # The small multipliers of the correction belong into LUTs, and no block is left for them.
    dsp = " -nodsp" if technology == "ecp5-packed" else ""
    return f"synth_ecp5 -top top{dsp}"


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
        placing=lambda board: (f"--{board.device}", "--package", board.package, "--pcf", "top.pcf"),
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
        # 6 is the slowest speed grade, and that of the boards.
        placing=lambda board: (
            *(f"--{board.device}", "--package", board.package, "--speed", "6"),
            *("--lpf", "top.lpf"),
            # Distance decides: what is late weighs more than by default (10 and 2).
            *("--placer-heap-timingweight", "30", "--placer-heap-critexp", "4"),
        ),
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
        placing=lambda board: (
            *("--device", board.device, "--vopt", f"family={board.package}"),
            *("--vopt", "cst=top.cst"),
        ),
        routing=("--write", "top.pnr.json"),
        packer="gowin_pack",
        # The pins that configuration uses are free afterwards.
        packing=lambda board: (
            *("-d", board.package, "-o", "top.fs", "--sspi_as_gpio", "--mspi_as_gpio"),
            "top.pnr.json",
        ),
        bitstream="top.fs",
        counts=gowin_counts,
    ),
}
