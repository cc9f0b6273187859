"""Origins: where each row's window of the current pixel begins."""

from amaranth import *
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import Config, Op
from celosia_hw.layouts import active_layer, origin, origins, part_of
from celosia_hw.util.countdown import Countdown

from .addressing.advance import Advance

__all__ = ["Origins"]


class Origins(wiring.Component):
    """The rows' origins of one pixel after the other, of one layer after the other.

    Of a layer's first pixel row 0's origin is ``start`` at y = x = 0, and each other row's a row
    step from the row before. From pixel to pixel each row goes the pixel's step. Both are an
    `Advance`. Only rows that are used have one; the others' are undefined. With ``images`` all rows
    have row 0's.

    While a pixel is current, the origins of the next one are prepared, one row a cycle. They become
    current in the cycle after ``next``, or when they are prepared: a pixel lasts at least as many
    cycles as rows are used. A layer is taken from the cycle in which the last pixel of the one
    before is current; its descriptor is copied, and its first pixel is current two cycles more than
    rows are used later, if the one before has ended.

    Parameters
    ----------
    config : the engine's configuration, with convolution.

    Members
    -------
    i : In(stream of `active_layer`).
    next : In(1), the current pixel ends in this cycle; only when there is one.
    ready : Out(1), in the next cycle a pixel is current.
    o : Out(`origins`) of the current pixel.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(active_layer(config))),
                "next": In(1),
                "ready": Out(1),
                "o": Out(origins(config)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, layer = self.config, self.i.payload
        window = part_of(layer.descriptor, Op.CONVOLUTION)
        valid = Signal()  # a pixel is current
        prepared = Signal()  # all rows have the next one's origins
        preparing = Signal()  # a row is prepared in this cycle, but for row 0 from pixel to pixel
        first = Signal()  # the layer's first pixel is prepared
        move = Signal()
        work = Signal()
        row = Signal(range(config.rows))
        last_row = Signal(range(config.rows))
        rows_end = Signal()
        pixels = Countdown(window.steps.shape(), name="pixels")
        m.d.comb += [
            # The layer of the pixel that is prepared has no other.
            self.i.ready.eq(~preparing & ~prepared),
            self.ready.eq(prepared | (valid & ~self.next)),
            move.eq(prepared & (~valid | self.next)),
            # Row 0 goes on while it becomes current.
            work.eq(preparing | (move & ~pixels.ends)),
            rows_end.eq(row == last_row),
        ]
        with m.If(self.next | move):
            m.d.sync += valid.eq(move)
        with m.If(move):
            m.d.sync += [prepared.eq(0), pixels.step()]
        with m.If(work):
            m.d.sync += [
                row.eq(Mux(rows_end, 0, row + 1)),
                preparing.eq(~rows_end),
                prepared.eq(rows_end),
            ]
            with m.If(rows_end):
                m.d.sync += first.eq(0)
        # Loaded while nothing else uses it, not only when a layer is taken.
        with m.If(self.i.ready):
            of_map = Mux(window.images, layer.images, window.rows_used - 1)
            m.d.sync += [
                preparing.eq(self.i.valid),
                first.eq(1),
                last_row.eq(of_map),
                pixels.start(window.steps),
            ]
        next_origins = self._prepare(m, window, work, preparing, row, last_row, first)
        self._keep(m, window, move, next_origins)
        return m

    def _prepare(
        self, m, window, work: Value, preparing: Value, row: Value, last_row: Value, first: Value
    ) -> data.View:
        """The next pixel's origins: a row is written in each cycle of ``work``.

        That is late in its cycle. All but row 0 are written while ``preparing`` only, and the first
        pixel's rows too.
        """
        rows = self.config.rows
        to_row, to_pixel = Advance(name="to_row"), Advance(name="to_pixel")
        of_row = Signal(origin())
        prepared = Signal(data.ArrayLayout(origin(), rows), reset_less=True)
        origin_of_row = Signal(origin())
        base = Mux(window.from_input, self.i.payload.base << self.config.byte_bits, 0)
        stripes = ~window.images
        with m.If(preparing):
            m.d.sync += of_row.eq(to_row.of(of_row))
        with m.If(self.i.ready):
            m.d.sync += [
                *to_row.load(
                    window,
                    Mux(stripes, window.row_y, 0),
                    Mux(stripes, window.row_x, 0),
                    Mux(stripes, window.row_bytes, 0),
                ),
                *to_pixel.load(window, C(0), window.pixel_x, window.pixel_bytes),
                of_row.y.eq(0),
                of_row.x.eq(0),
                of_row.address.eq(window.start + base),
            ]
        here = prepared[0]
        if rows > 1:
            here = self._copy(m, work, row, last_row, origin_of_row)
        m.d.comb += origin_of_row.eq(Mux(first, of_row.as_value(), to_pixel.of(here)))
        for n in range(rows):
            with m.If((preparing if n else work) & (row == n)):
                m.d.sync += prepared[n].eq(origin_of_row)
        return prepared

    def _copy(self, m, work: Value, row: Value, last_row: Value, origin_of_row: Value) -> data.View:
        """What `_prepare` has for ``row``: a memory takes less logic than a choice of rows.

        It is read a cycle ahead, and held while ``row`` is. What is written in that cycle is for
        another row, unless there is only one.
        """
        m.submodules.copy = copy = memory.Memory(shape=origin(), depth=self.config.rows, init=[])
        write_port, read_port = copy.write_port(), copy.read_port(domain="comb")
        here = Signal(origin(), name="of_this_row", reset_less=True)
        m.d.comb += [
            read_port.addr.eq(Mux(row == last_row, 0, row + 1)),
            write_port.addr.eq(row),
            write_port.data.eq(origin_of_row),
            write_port.en.eq(work),
        ]
        with m.If(work):
            m.d.sync += here.eq(
                Mux(last_row == 0, origin_of_row.as_value(), read_port.data.as_value())
            )
        return here

    def _keep(self, m, window, move: Value, prepared: data.View) -> None:
        """The current pixel's origins, and what its layer is like."""
        layer = {name: Signal.like(self.o[name], name=f"next_{name}") for name in self._of_layer()}
        with m.If(self.i.ready):
            m.d.sync += [layer[name].eq(value) for name, value in self._of_layer().items()]
        with m.If(move):
            m.d.sync += self.o.rows.eq(prepared)
            m.d.sync += [self.o[name].eq(value) for name, value in layer.items()]

    def _of_layer(self) -> dict[str, Value]:
        window = part_of(self.i.payload.descriptor, Op.CONVOLUTION)
        found = {name: window[name] for name in ("height", "width", "outside")}
        if self.config.depthwise:
            found["depthwise"] = self.i.payload.descriptor.op == Op.DEPTHWISE
        return found
