"""A board's own top level for `serial_sim`: as it is emitted, and as synthesis leaves it.

Clock, serial pins, PLL and buffers are those of the board. What the tools place is what is
simulated: the netlist comes from `celosia.flow`.
"""

import gzip
import re
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.helpers.serial_sim import DIVISOR, joined

from celosia.boards import board as board_of
from celosia.flow import elaborate, synthesize
from celosia.flow.tools import find
from celosia.spec import Config
from celosia_hw.cells.models import models

__all__ = ["emitted_board", "synthesized_board"]


def emitted_board(board: str, config: Config, technology: str | None = None) -> str:
    """For `SerialBoard`: the top level before synthesis, with the cells it instantiates."""
    made = _design(board, config, technology)
    return _with_pins(made.verilog, made.family)


def synthesized_board(board: str, config: Config, technology: str | None = None) -> str:
    """For `SerialBoard`: the netlist that is placed, of nothing but cells."""
    made = _design(board, config, technology)
    netlist = synthesize(board_of(board), made)
    return _with_pins(
        _verilog("read_json top", gzip.decompress(netlist.path.read_bytes())), made.family
    )


def _design(board: str, config: Config, technology: str | None):
    # Few cycles per bit, so that little has to be simulated.
    baud = round(board_of(board).clock_mhz * 1e6 / DIVISOR)
    return elaborate(board_of(board), config, technology=technology, baud=baud)


def _verilog(reading: str, design: bytes) -> str:
    """What Yosys writes of a ``design`` that it reads from ``top``."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "top").write_bytes(design)
        script = f"{reading}; write_verilog -noattr top.v"
        subprocess.run([*find("yosys").command, "-q", "-p", script], cwd=folder, check=True)
        return (Path(folder) / "top.v").read_text()


def _with_pins(top: str, family: str) -> str:
    """``top`` behind `joined`, and the models of its cells."""
    (clock,) = set(re.findall(r"(?m)^  (?:input|inout) (clk\w+__io);", top))
    board = f"wire clock; assign clock = clk; top board (.{clock}(clock)"
    for line in ("rx", "tx"):
        board += f", .uart_0__{line}__io({line})"
    # A buffer's pin is an inout whatever it is used for, which must not end at an input.
    top = re.sub(r"(?m)^  input (\w+__io);", r"  inout \1;", top)
    return joined(board + ");") + top + models(family)
