"""The array alone, busy with operands that are cheap to make: the limit of simulation speed."""

import time

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from celosia.driver.rtl.transport import RtlTransport, verilator
from celosia.spec import Config
from celosia.spec.timing import PRODUCT_LATENCY
from celosia.support.progress import Progress
from celosia_hw.array.mac_array import MacArray
from celosia_hw.emit import TOP, emit
from celosia_hw.layouts import link_word

__all__ = ["Bare", "PlainArray", "cycles_per_second", "open_bare"]

#: Products per sum, as in an average layer of the demo.
_K = 256


class PlainArray(MacArray):
    """The same array in the usual style: one signal for each product and each sum."""

    def _accumulate(self, m, products, add, clear, late):
        u, w = self.i.payload.u, self.i.payload.w
        for stage in range(PRODUCT_LATENCY - 1):
            later_u = Signal(u.shape(), name=f"plain_u_{stage}", reset_less=True)
            later_w = Signal(w.shape(), name=f"plain_w_{stage}", reset_less=True)
            m.d.sync += [later_u.eq(u), later_w.eq(w)]
            u, w = later_u, later_w
        assert not late
        sums = {}
        for row, col in products:
            product = Signal(signed(17), name=f"product_{row}_{col}", reset_less=True)
            acc = Signal(signed(32), name=f"acc_{row}_{col}", reset_less=True)
            total = Signal(signed(32), name=f"total_{row}_{col}")
            m.d.sync += product.eq(u[row] * w[col])
            m.d.comb += total.eq(acc + product)
            with m.If(clear[row]):
                m.d.sync += acc.eq(0)
            with m.Elif(add[row]):
                m.d.sync += acc.eq(total)
            sums[row, col] = total
        return sums


class Bare(wiring.Component):
    """An array with the engine's pins: an input word is the number of cycles to compute.

    The output word depends on every sum, so that no part can be optimized away.

    Parameters
    ----------
    config : the shape.
    array : class of the array, `MacArray` or a subclass.
    """

    def __init__(self, config: Config, array: type[MacArray] = MacArray):
        self.config, self.array = config, array
        super().__init__(
            {
                "i": In(stream.Signature(link_word(config))),
                "o": Out(stream.Signature(link_word(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.array = array = self.array(self.config)
        operands = array.i.payload
        left, k, noise = Signal(32), Signal(range(_K)), Signal(64, init=0x9E3779B97F4A7C15)
        seen = Signal(32)
        busy = left != 0
        m.d.comb += [
            self.i.ready.eq(~busy & ~self.o.valid & ~ResetSignal()),
            array.i.valid.eq(busy),
            operands.last.eq(k == _K - 1),
            # The sums of the last tile are shifted out while the next ones accumulate.
            array.shift.eq(k < self.config.rows * self.config.words_per_tile + 3),
        ]
        m.d.comb += [
            operands.u[row].eq(noise.rotate_left(5 * row)[:8]) for row in range(self.config.rows)
        ]
        m.d.comb += [
            operands.w[col].eq(noise.rotate_left(3 * col + 1)[:8])
            for col in range(self.config.cols)
        ]
        with m.If(busy):
            m.d.sync += [
                left.eq(left - 1),
                k.eq(k + 1),
                noise.eq(noise + 0xBF58476D1CE4E5B9),
                seen.eq(seen.rotate_left(1) ^ array.head.as_value().xor()),
            ]
            m.d.sync += self.o.valid.eq(left == 1)
        with m.Elif(self.i.valid & self.i.ready):
            m.d.sync += left.eq(self.i.payload.as_value()[:32])
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        # `last` is the payload's top bit.
        m.d.comb += self.o.payload.as_value().eq(
            Cat(seen, C(0, 8 * self.config.link_bytes - 32), 1)
        )
        return m


def open_bare(config: Config, array: type[MacArray], progress: Progress) -> RtlTransport:
    """A `Bare`, compiled and clocked exactly as an engine; ``progress`` is that of compiling."""
    text = emit(Bare(config, array), TOP)
    verilator.build(text, config.link_bytes, progress)
    return RtlTransport(config, text)


def cycles_per_second(bare: RtlTransport, cycles: int) -> float:
    """Simulated cycles per second, measured over ``cycles`` cycles."""
    word = cycles.to_bytes(bare.link_bytes, "little")
    start = time.perf_counter()
    bare.exchange([word])
    return bare.cycles / (time.perf_counter() - start)
