"""The engine: one stream of words in, one out."""

from amaranth import *
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from celosia.spec import COUNTERS, Config
from celosia_hw.core.core import Core
from celosia_hw.link.receiver import Receiver
from celosia_hw.link.responder import Responder
from celosia_hw.util.registered_reset import registered_reset
from celosia_hw.util.skid_buffer import SkidBuffer

from .counters import Counters
from .layouts import link_word, run, struct

__all__ = ["Engine"]


class Engine(wiring.Component):
    """An int8 neural-network engine behind the host link of `celosia.spec.link`; connects only.

    Bit-exact with `celosia.model.LinkModel`, frame by frame. Up to two inputs are loaded while
    earlier runs compute and their results leave. Both streams are registered at the pins. A reset
    must last two cycles or more; words are taken from the cycle after it on.

    Parameters
    ----------
    config : shape and memories.

    Members
    -------
    i : In(stream of `link_word`), request frames.
    o : Out(stream of `link_word`), response frames.

    Attributes
    ----------
    counters : the performance counters. Not a pin: for what is built around the engine.
    idle : 1 when every word received is part of a request whose response has left. Not a pin.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(link_word(config))),
                "o": Out(stream.Signature(link_word(config))),
            }
        )
        self.counters = Signal(struct(COUNTERS))
        self.idle = Signal()

    def elaborate(self, platform):
        m = Module()
        m.submodules.receiver = receiver = Receiver(self.config)
        m.submodules.responder = responder = Responder(self.config)
        m.submodules.counters = counters = Counters(self.config)
        # A flush resets core and queue.
        registered_reset(m, "flushed", receiver.flushes)
        core = Core(self.config)
        # One run for each input bank.
        runs = fifo.SyncFIFO(width=run(self.config).size, depth=2)
        m.submodules.core = DomainRenamer("flushed")(core)
        m.submodules.runs = DomainRenamer("flushed")(runs)

        m.submodules.skid_i = skid_i = SkidBuffer(link_word(self.config))
        m.submodules.skid_o = skid_o = SkidBuffer(link_word(self.config))
        connect(m, flipped(self.i), skid_i.i)
        connect(m, skid_i.o, receiver.i)
        connect(m, responder.o, skid_o.i)
        connect(m, skid_o.o, flipped(self.o))
        connect(m, receiver.inputs, core.inputs)
        connect(m, receiver.runs, runs.w_stream)
        connect(m, runs.r_stream, core.runs)
        connect(m, core.results, responder.results)
        connect(m, receiver.reply, responder.reply)
        # Registers, because both ways are long; a cycle more does no harm.
        m.d.sync += [
            receiver.answered.eq(responder.answered),
            core.fault_taken.eq(responder.fault_taken),
        ]
        m.d.comb += [
            receiver.run_done.eq(core.run_done),
            core.write.eq(receiver.write),
            core.reading.eq(responder.reading),
            core.read_row.eq(responder.read_row),
            core.read_addr.eq(responder.read_addr),
            responder.read_data.eq(core.read_data),
            responder.flush.eq(receiver.flush),
            responder.fault.eq(core.fault),
            responder.fault_addr.eq(core.fault_addr),
            responder.counters.eq(counters.o),
            counters.events.eq(core.events),
            counters.receiving.eq(receiver.receiving),
            counters.hold.eq(responder.hold),
            counters.clear.eq(responder.clear),
            *([receiver.layout.eq(core.layout)] if self.config.convolution else []),
            self.counters.eq(counters.o),
            self.idle.eq(receiver.idle & ~(skid_i.o.valid | responder.o.valid | skid_o.o.valid)),
        ]
        return m
