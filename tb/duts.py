"""Pairs of blocks that only make sense together, wired as `celosia_hw.core.core` wires them."""

from amaranth import Cat, Module, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from celosia.spec import ACTIVATION, WEIGHT, Config
from celosia_hw.array.mac_array import MacArray
from celosia_hw.feeder.scanner import Scanner
from celosia_hw.feeder.walker import Walker
from celosia_hw.layouts import active_layer, element, finish, guard, issue, parameter_word, sums
from celosia_hw.postprocess.drain import Drain

__all__ = ["ArrayDrain", "Feeder"]


class Feeder(wiring.Component):
    """Scanner and walker: layers and masks in, one k after the other out."""

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(active_layer(config))),
                "mask_addr": Out(range(config.act_depth)),
                "mask_data": In(config.lanes),
                "guard": In(guard(config)),
                "drain_free": In(1),
                "claim": Out(1),
                "o": Out(issue(config)),
                "o_en": Out(1),
                "skipped": Out(range(config.lanes + 1)),
                "stalled": Out(2),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.scanner = scanner = Scanner(self.config)
        m.submodules.walker = walker = Walker(self.config)
        connect(m, flipped(self.i), scanner.i)
        connect(m, scanner.o, walker.i)
        m.d.comb += [
            self.mask_addr.eq(scanner.mask_addr),
            scanner.mask_data.eq(self.mask_data),
            scanner.guard.eq(self.guard),
            walker.drain_free.eq(self.drain_free),
            self.claim.eq(walker.claim),
            self.o.eq(walker.o),
            self.o_en.eq(walker.o_en),
            self.skipped.eq(scanner.skipped),
            self.stalled.eq(Cat(scanner.stalled, walker.stalled)),
        ]
        return m


class ArrayDrain(wiring.Component):
    """Array and drain: operands in, sums with their parameters and places out."""

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "u": In(data.ArrayLayout(unsigned(ACTIVATION.width), config.rows)),
                "w": In(data.ArrayLayout(signed(WEIGHT.width), config.cols)),
                "en": In(1),
                "last": In(1),
                "i": In(stream.Signature(active_layer(config))),
                "claim": In(1),
                "free": Out(1),
                "param_addr": Out(range(config.param_depth)),
                "param_data": In(parameter_word(config)),
                "o": Out(element(config)),
                "o_en": Out(1),
                "acc": Out(sums(config)),
                "parameters": Out(parameter_word(config)),
                "finish": Out(finish()),
                "layer_done": In(1),
                "result_taken": In(1),
                "stalled": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.array = array = MacArray(self.config)
        m.submodules.drain = drain = Drain(self.config)
        connect(m, flipped(self.i), drain.i)
        m.d.comb += [
            array.u.eq(self.u),
            array.w.eq(self.w),
            array.en.eq(self.en),
            array.last.eq(self.last),
            drain.head.eq(array.head),
            drain.capturing.eq(array.capturing),
            array.shift.eq(drain.shift),
            drain.claim.eq(self.claim),
            self.free.eq(drain.free),
            self.param_addr.eq(drain.param_addr),
            drain.param_data.eq(self.param_data),
            self.o.eq(drain.o),
            self.o_en.eq(drain.o_en),
            self.acc.eq(drain.acc),
            self.parameters.eq(drain.parameters),
            self.finish.eq(drain.finish),
            drain.layer_done.eq(self.layer_done),
            drain.result_taken.eq(self.result_taken),
            self.stalled.eq(drain.stalled),
        ]
        return m
