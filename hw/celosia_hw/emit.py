"""Verilog of the engine, for simulation and synthesis alike."""

import os
import re
from dataclasses import dataclass

from amaranth import *
from amaranth.back import rtlil
from amaranth.back.verilog import _convert_rtlil_text
from amaranth.lib import wiring

from celosia.spec import Config

from .cells import Technology
from .engine import Engine

__all__ = ["NAMING", "TOP", "Naming", "emit", "verilog", "verilog_of"]

#: Name of the top module.
TOP = "celosia"

# The Yosys that comes with Amaranth writes the Verilog, whatever $YOSYS is for synthesis.
os.environ.setdefault("AMARANTH_USE_YOSYS", "builtin")


@dataclass(frozen=True, kw_only=True)
class Naming:
    """Names of the pins: clock, reset, and what joins the parts of a member's path.

    ``active_low``: the reset is.
    """

    clk: str = "clk"
    rst: str = "rst"
    active_low: bool = False
    separator: str = "__"


#: The names of `verilog`.
NAMING = Naming()


def verilog(config: Config) -> str:
    """Self-contained Verilog of an `Engine` called `TOP`.

    Ports: ``clk``, ``rst`` (synchronous, active high) and the streams ``i__payload``, ``i__valid``,
    ``i__ready``, ``o__payload``, ``o__valid``, ``o__ready``; a payload is the word in its low bits
    and `last` above it.
    """
    return emit(Engine(config), TOP)


def emit(
    component: wiring.Component, name: str, naming: Naming = NAMING, technology: str = "portable"
) -> str:
    """Verilog of any component, as all simulators here need it; ports as in `verilog`.

    With a ``technology`` of `celosia_hw.cells` it has that family's cells in it.
    """
    top = _Top(component, naming)
    text = rtlil.convert(
        top, name=name, platform=Technology(technology), ports=top.ports(), emit_src=False
    )
    text = verilog_of(text)
    return re.sub(r"(?ms)^module .*?^endmodule$", lambda module: _woken(module[0]), text)


def verilog_of(rtlil: str) -> str:
    """Verilog of what Amaranth made, without initial contents of memories.

    Amaranth spells out zeros for every word of a memory. The engine never reads what was not
    written, and block RAM without initial contents (iCE40 SPRAM) could not have them.
    """
    text = re.sub(r"  cell \$meminit_v2 .*?\n  end\n", "", rtlil, flags=re.DOTALL)
    # `amaranth.back.verilog.convert` has no place to do this in between, hence its private half.
    return _convert_rtlil_text(text, strip_internal_attrs=True)


def _woken(module: str) -> str:
    """``module`` with every ``always @*`` run at time zero by Icarus too (Amaranth issue 594).

    Such a block waits for a change of what it reads, and may have missed it. So each also reads a
    dummy register that changes once all blocks are waiting. (``always_comb`` does run, but then
    Debian's Icarus 11.0 may loop for ever without any loop in the design: its issue 508.)
    """
    if "always @*" not in module:
        return module
    # Yosys has such a register already, for most of the blocks.
    if found := re.search(r"(?m)^  reg (\\\$auto\$verilog_backend\S+)  = 0;$", module):
        dummy = found[1]
    else:
        dummy = r"\$woken"
        module = module.replace("\n", f"\n  reg {dummy}  = 0;\n", 1)
    wake = f"`ifdef __ICARUS__\n  initial {dummy}  <= 1;\n`endif"
    module = module.replace(f"  reg {dummy}  = 0;", f"  reg {dummy}  = 0;\n{wake}")
    reads = f"always @* begin\n    if ({dummy} ) begin end\n"
    return re.sub(r"always @\*\n(.*)", lambda only: f"{reads}{only[1]}\n  end", module)


class _Top(Elaboratable):
    """``component`` in a ``sync`` domain whose reset comes one cycle after the reset's port.

    A reset that is a register eases timing, and a simulator need not work out the next state of
    everything again whenever a pin moves.
    """

    def __init__(self, component, naming):
        self.component, self.naming = component, naming
        self.domain = ClockDomain("sync")
        self.rst = Signal()

    def ports(self):
        """Name -> (signal, direction), as `rtlil.convert` takes them."""
        naming = self.naming
        ports = {naming.clk: (self.domain.clk, None), naming.rst: (self.rst, None)}
        for path, _, value in self.component.signature.flatten(self.component):
            ports[naming.separator.join(map(str, path))] = (Value.cast(value), None)
        return ports

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = self.domain
        m.submodules.engine = self.component
        # In reset until the pin has been seen to be inactive.
        delayed = Signal(init=1, reset_less=True)
        m.d.sync += delayed.eq(~self.rst if self.naming.active_low else self.rst)
        m.d.comb += self.domain.rst.eq(delayed)
        return m
