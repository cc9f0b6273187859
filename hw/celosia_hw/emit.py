"""Verilog of the engine, for simulation and synthesis alike."""

import re

from amaranth.back import rtlil
from amaranth.back.verilog import _convert_rtlil_text
from amaranth.hdl import Elaboratable

from celosia.spec import Config

from .engine import Engine

__all__ = ["TOP", "emit", "verilog"]

#: Name of the top module.
TOP = "celosia"


def verilog(config: Config) -> str:
    """Self-contained Verilog of an `Engine` called `TOP`.

    Ports: ``clk``, ``rst`` (synchronous, active high) and the streams ``i__payload``, ``i__valid``,
    ``i__ready``, ``o__payload``, ``o__valid``, ``o__ready``; a payload is the word in its low bits
    and `last` above it.
    """
    return emit(Engine(config), TOP)


def emit(component: Elaboratable, name: str) -> str:
    """Verilog of any component with a signature, as all simulators here need it."""
    text = rtlil.convert(component, name=name, emit_src=False)
    # Amaranth spells out zeros for every word of a memory. The engine never reads what was not
    # written, and block RAM without initial contents (iCE40 SPRAM) could not have them.
    text = re.sub(r"  cell \$meminit_v2 .*?\n  end\n", "", text, flags=re.DOTALL)
    # `amaranth.back.verilog.convert` has no place to do this in between, hence its private half.
    text = _convert_rtlil_text(text, strip_internal_attrs=True)
    # `always @*` may never run at time zero under Icarus (Amaranth issue 594); this does.
    return text.replace("always @*", "always_comb")
