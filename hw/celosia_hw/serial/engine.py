"""The engine behind two serial pins: the component that the top level of a board instantiates."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect

from celosia.spec import Config
from celosia_hw.emit import emit
from celosia_hw.engine import Engine
from celosia_hw.util.registered_reset import registered_reset

from .link import SerialLink

__all__ = ["SERIAL_TOP", "SerialEngine", "serial_verilog"]

#: Name of the top module.
SERIAL_TOP = "celosia_serial"


class SerialEngine(wiring.Component):
    """An `Engine` behind a `SerialLink`.

    A HELLO resets the engine in any state; its memories keep their contents. The engine's reset is
    registered, one cycle after the link's ``restart`` (`registered_reset`).

    Parameters
    ----------
    config : shape and memories.
    divisor : clock cycles per bit, at least `uart.MIN_DIVISOR`: clock frequency / baud rate,
        rounded to an integer within 2 % of it.

    Members
    -------
    rx : In(1), may be asynchronous.
    tx : Out(1)

    Raises
    ------
    ValueError : ``divisor`` is too small.
    """

    rx: In(1, init=1)
    tx: Out(1, init=1)

    def __init__(self, config: Config, *, divisor: int):
        self.config, self.divisor = config, divisor
        self._link = SerialLink(config, divisor)
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.submodules.link = link = self._link
        engine = Engine(self.config)
        registered_reset(m, "engine", link.restart)
        m.submodules.engine = DomainRenamer("engine")(engine)
        m.d.comb += [link.rx.eq(self.rx), self.tx.eq(link.tx)]
        connect(m, link.o, engine.i)
        connect(m, engine.o, link.i)
        return m


def serial_verilog(config: Config, divisor: int, technology: str = "portable") -> str:
    """Verilog of a `SerialEngine` called `SERIAL_TOP`, with the cells of ``technology``.

    Ports: ``clk``, ``rst`` (synchronous, active high), ``rx``, ``tx``.
    """
    engine = SerialEngine(config, divisor=divisor)
    return emit(engine, SERIAL_TOP, technology=technology)
