"""Operand stage where each row has an address of its own."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import ACTIVATION, Config
from celosia.spec.timing import READ_LATENCY, ROW_OPERAND_LATENCY
from celosia_hw.cells import cells_of
from celosia_hw.layouts import issue, operands, origins, word
from celosia_hw.util.delay import delay
from celosia_hw.util.read_port import ReadPort

__all__ = ["RowOperands"]


class RowOperands(wiring.Component):
    """``u[row]`` is the row's byte at ``origin + offset``, or ``outside`` where ``y + dy`` or
    ``x + dx`` is not on the map, coordinates modulo 512 and addresses modulo 2**16;
    ``w = weights[weights]``.

    The byte is broadcast along its row. Where ``depthwise``, column c gets byte ``c % lanes`` of
    the row's word instead. An issue uses the origins of its own cycle. One issue per cycle, its
    operands `latency` cycles later, never stalled.

    Parameters
    ----------
    config : the engine's configuration, with convolution.

    Attributes
    ----------
    latency : `celosia.spec.timing.ROW_OPERAND_LATENCY`: a cycle to add, `READ_LATENCY`, a cycle to
        select.

    Members
    -------
    i : In(stream of `issue`, always ready).
    origins : In(`origins`).
    activations : Out(array of `ReadPort` of a `word`, one per row).
    weights : Out(`ReadPort`); its data are those of an address `READ_LATENCY` + 1 cycles earlier.
    o : Out(stream of `operands`, always ready).
    """

    latency = ROW_OPERAND_LATENCY

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(issue(config), always_ready=True)),
                "origins": In(origins(config)),
                "activations": Out(ReadPort(config.act_depth, word(config))).array(config.rows),
                "weights": Out(ReadPort(config.weight_depth, 8 * config.cols)),
                "o": Out(stream.Signature(operands(config), always_ready=True)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        here, config = self.i.payload, self.config
        # Not gated: an issue is narrow, and origins seldom change.
        of_rows = Signal(self.origins.rows.shape(), reset_less=True)
        for row, first in enumerate(self.origins.rows):
            m.d.sync += [
                of_rows[row].y.eq(first.y + here.dy),
                of_rows[row].x.eq(first.x + here.dx),
                of_rows[row].address.eq(first.address + here.offset),
            ]
        weights = delay(m, here.weights, 1, name="weights")
        last = delay(m, here.last, 1, name="last")
        names = [name for name, _ in self.origins.shape() if name != "rows"]
        layer = {name: delay(m, self.origins[name], 1, name=name) for name in names}
        m.d.comb += self.weights.addr.eq(weights)

        chosen = Signal(self._choice())
        m.d.comb += [chosen.last.eq(last), chosen.outside.eq(layer["outside"])]
        if config.depthwise:
            m.d.comb += chosen.depthwise.eq(layer["depthwise"])
        for row, port in enumerate(self.activations):
            tap = of_rows[row]
            m.d.comb += [
                port.addr.eq(tap.address >> config.byte_bits),
                chosen.rows[row].byte.eq(tap.address[: config.byte_bits]),
                chosen.rows[row].outside.eq((tap.y >= layer["height"]) | (tap.x >= layer["width"])),
            ]
        fetched = delay(m, chosen, READ_LATENCY, name="fetched")
        valid = delay(m, self.i.valid, 1 + READ_LATENCY, name="valid", reset=True)
        m.d.sync += self.o.valid.eq(valid)
        self._select(m, platform, fetched, valid)
        m.d.comb += self.o.payload.w.eq(self.weights.data)
        return m

    def _choice(self) -> data.StructLayout:
        """What is chosen from the words that are read."""
        of_row = data.StructLayout({"byte": self.config.byte_bits, "outside": 1})
        fields = {
            "rows": data.ArrayLayout(of_row, self.config.rows),
            "outside": ACTIVATION.width,
            "last": 1,
        }
        return data.StructLayout(fields | ({"depthwise": 1} if self.config.depthwise else {}))

    def _select(self, m: Module, platform, fetched: data.View, valid: Value) -> None:
        """Register a byte for each row, or for each column."""
        config, bits = self.config, cells_of(platform).bits
        last = Signal(reset_less=True)
        m.d.comb += self.o.payload.last.eq(last)
        with m.If(valid):
            m.d.sync += last.eq(fetched.last)
        for row, port in enumerate(self.activations):
            outside, width = fetched.rows[row].outside, ACTIVATION.width
            word = port.data.as_value()
            byte = Mux(outside, fetched.outside, bits.byte_of(word, fetched.rows[row].byte))
            u = Signal(width, name=f"u_{row}", reset_less=True)
            if config.depthwise:
                # As many bytes as a word has; more columns get the same ones once more.
                own = fetched.depthwise & ~outside
                shared = Signal(width, name=f"shared_{row}")
                m.d.comb += shared.eq(byte)
                byte = Mux(own, word, shared.replicate(config.lanes))
                u = Signal(width * config.lanes, name=f"u_{row}", reset_less=True)
            with m.If(valid):
                m.d.sync += u.eq(byte)
            of_row = Value.cast(self.o.payload.u[row])
            m.d.comb += of_row.eq(u.replicate(len(of_row) // len(u)))
