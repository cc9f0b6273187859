"""Verilog of the engine, for simulation and synthesis alike."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from amaranth import *
from amaranth._toolchain.yosys import find_yosys
from amaranth.back import rtlil
from amaranth.hdl import UnusedElaboratable
from amaranth.lib import wiring

from celosia.spec import Config
from celosia_hw.util.uninitialized_memories import uninitialized_memories

from .cells import Technology
from .engine import Engine

__all__ = ["NAMING", "TOP", "Naming", "emit", "interruptible", "verilog", "verilog_of"]

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


#: The oldest one that Amaranth's output is for.
_YOSYS = (0, 40)
#: The names of `verilog`.
NAMING = Naming()


def verilog(config: Config, technology: str = "portable") -> str:
    """Self-contained Verilog of an `Engine` called `TOP`, of the cells of a ``technology``.

    Ports: ``clk``, ``rst`` (synchronous, active high) and the streams ``i__payload``, ``i__valid``,
    ``i__ready``, ``o__payload``, ``o__valid``, ``o__ready``; a payload is the word in its low bits
    and `last` above it.
    """
    return emit(Engine(config), TOP, technology=technology)


def emit(
    component: wiring.Component, name: str, naming: Naming = NAMING, technology: str = "portable"
) -> str:
    """Verilog of any component, as all simulators here need it; ports as in `verilog`.

    With a ``technology`` of `celosia_hw.cells` it has that family's cells in it; that of
    ``simulation`` is for Verilator rather than for devices, the same cycle by cycle.
    """
    top = _Top(component, naming)
    with interruptible(), uninitialized_memories():
        text = rtlil.convert(
            top, name=name, platform=Technology(technology), ports=top.ports(), emit_src=False
        )
    return verilog_of(text)


@contextmanager
def interruptible() -> Iterator[None]:
    """Elaboration that Ctrl-C may end: Amaranth then has no warning for each unused component."""
    try:
        yield
    except KeyboardInterrupt:
        # It warns when a component is freed, long after this.
        UnusedElaboratable._MustUse__silence = True
        raise


#: Processes become registers with enables and resets, and expressions that simulators put where
#: they are used: the next state of a register is worked out when it has one, not in every cycle.
#: (Verilator runs a 16x16 engine 1.6 times as fast as with processes, and compiles it in half of
#: the time. What shares more logic, like opt_muxtree, makes it slow again.) Without processes there
#: is also none that Icarus would not run at time zero (Amaranth issue 594).
_SCRIPT = """\
read_rtlil <<rtlil
{rtlil}
rtlil
proc -norom
opt_expr
opt_clean
opt_merge
opt_dff
opt_clean -purge
memory_collect
attrmap {attributes}
attrmap -modattr {attributes}
write_verilog -norename
"""
#: What only Amaranth understands.
_ATTRIBUTES = ("generator", "top", "src", "amaranth.hierarchy", "amaranth.decoding")


def verilog_of(rtlil: str) -> str:
    """Verilog of what Amaranth made, `uninitialized_memories` in its memories."""
    attributes = " ".join(f"-remove {name}" for name in _ATTRIBUTES)
    # `amaranth.back.verilog.convert` has another script, hence its private half.
    yosys = find_yosys(lambda version: version >= _YOSYS)
    text = yosys.run(["-q", "-"], _SCRIPT.format(rtlil=rtlil, attributes=attributes))
    # Icarus takes a function whose name starts with $ for one of its own.
    return re.sub(r"\\\$(procmux)\$(\d+) ", r"\1_\2 ", text)


class _Top(Elaboratable):
    """``component`` in a ``sync`` domain whose reset comes one cycle after the reset's port.

    A reset that is a register eases timing, and a simulator need not work out the next state of
    everything again whenever a pin moves. It lasts two cycles at least.
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
            # A constant, `ready` of a stream that is always ready, has no pin.
            if not isinstance(value, Const):
                ports[naming.separator.join(map(str, path))] = (Value.cast(value), None)
        return ports

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = self.domain
        m.submodules.engine = self.component
        # In reset until the pin has been seen to be inactive.
        delayed, before = Signal(init=1, reset_less=True), Signal(init=1, reset_less=True)
        rst = ~self.rst if self.naming.active_low else self.rst
        m.d.sync += [before.eq(rst), delayed.eq(rst | before)]
        m.d.comb += self.domain.rst.eq(delayed)
        return m
