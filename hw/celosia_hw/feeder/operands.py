"""Operand stage: issues to operands of the array."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import Config
from celosia.spec.timing import READ_LATENCY
from celosia_hw.cells import cells_of
from celosia_hw.layouts import issue, operands, word
from celosia_hw.util.delay import delay_valid
from celosia_hw.util.read_port import ReadPort

__all__ = ["Operands"]


class Operands(wiring.Component):
    """``u[row] = activations[row][src][byte]`` for every row, ``w = weights[weights]``.

    The byte is broadcast along its row: all columns multiply it. One issue per cycle, its operands
    `latency` cycles later, never stalled.

    Parameters
    ----------
    config : the engine's configuration.

    Attributes
    ----------
    latency : `celosia.spec.timing.OPERAND_LATENCY`: `READ_LATENCY`, then a cycle to select.

    Members
    -------
    i : In(stream of `issue`, always ready).
    activations : Out(`ReadPort` of one `word` per row).
    weights : Out(`ReadPort`); its data are those of an address `READ_LATENCY` + 1 cycles earlier.
    o : Out(stream of `operands`, always ready).
    """

    latency = READ_LATENCY + 1

    def __init__(self, config: Config):
        self.config = config
        rows = data.ArrayLayout(word(config), config.rows)
        super().__init__(
            {
                "i": In(stream.Signature(issue(config), always_ready=True)),
                "activations": Out(ReadPort(config.act_depth, rows)),
                "weights": Out(ReadPort(config.weight_depth, 8 * config.cols)),
                "o": Out(stream.Signature(operands(config), always_ready=True)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        # Not gated: an issue is narrow.
        fetched, fetched_valid = delay_valid(
            m, self.i.payload, self.i.valid, READ_LATENCY, name="issue", gated=False
        )
        u = Signal(self.o.payload.u.shape(), reset_less=True)
        last = Signal(reset_less=True)
        m.d.comb += [
            self.activations.addr.eq(self.i.payload.src),
            self.weights.addr.eq(self.i.payload.weights),
            self.o.payload.u.eq(u),
            self.o.payload.w.eq(self.weights.data),
            self.o.payload.last.eq(last),
        ]
        m.d.sync += self.o.valid.eq(fetched_valid)
        with m.If(fetched_valid):
            m.d.sync += last.eq(fetched.last)
            cells_of(platform).bits.take_byte(m, fetched.byte, self.activations.data, u)
        return m
