"""Gates between AXI4-Stream and the link, which keep packets whole while the engine is reset."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import TRAILER, Config, Status, ceil_div
from celosia_hw.layouts import link_word

from .bus import axi_stream

__all__ = ["RequestGate", "ResponseGate"]


class RequestGate(wiring.Component):
    """AXI4-Stream to link words, combinational.

    A byte whose TKEEP is 0 is passed on as 0: the padding of a frame's last word need not be sent.
    While ``drop`` is 1 every word is accepted and discarded; while only ``wait`` is 1 none is
    accepted.

    Members
    -------
    i : In(`axi_stream`)
    o : Out(stream of `link_word`)
    drop, wait : In(1)
    receiving : Out(1), the last word accepted, discarded or not, did not end its frame. While
        only ``wait`` is 1 it is cleared: what its source had begun is over, even if it has no end.
    """

    def __init__(self, config: Config):
        super().__init__(
            {
                "i": In(axi_stream(config.link_bytes)),
                "o": Out(stream.Signature(link_word(config))),
                "drop": In(1),
                "wait": In(1),
                "receiving": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        kept = Cat(bit.replicate(8) for bit in self.i.tkeep)
        m.d.comb += [
            self.o.payload.data.eq(self.i.tdata & kept),
            self.o.payload.last.eq(self.i.tlast),
            self.o.valid.eq(self.i.tvalid & ~(self.drop | self.wait)),
            self.i.tready.eq((self.o.ready & ~self.wait) | self.drop),
        ]
        with m.If(self.i.tvalid & self.i.tready):
            m.d.sync += self.receiving.eq(~self.i.tlast)
        with m.Elif(self.wait & ~self.drop):
            m.d.sync += self.receiving.eq(0)
        return m


class ResponseGate(wiring.Component):
    """Link words to AXI4-Stream: latency one cycle, one word per cycle; TKEEP is constant.

    Outputs are registers. A response that has begun when ``abort`` rises is ended with a trailer of
    status ABORTED, so that its receiver gets a TLAST; a word that is valid stays valid. While
    ``abort`` is 1, and until that trailer has been sent, ``i`` is not ready.

    Members
    -------
    i : In(stream of `link_word`)
    o : Out(`axi_stream`)
    abort : In(1)
    sending : Out(1), a response has begun and not ended.
    ended : Out(1), it ends in this cycle.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(link_word(config))),
                "o": Out(axi_stream(config.link_bytes)),
                "abort": In(1),
                "sending": Out(1),
                "ended": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        link_bytes = self.config.link_bytes
        words = ceil_div(TRAILER.size, link_bytes)
        trailer = int.from_bytes(TRAILER.pack(status=Status.ABORTED), "little")

        room = Signal()  # the output register can be loaded
        begun = Signal()  # the word loaded last did not end its frame
        m.d.comb += [
            room.eq(~self.o.tvalid | self.o.tready),
            self.o.tkeep.eq(~0),
            self.sending.eq(begun | self.o.tvalid),
            self.ended.eq(self.o.tvalid & self.o.tready & self.o.tlast),
        ]

        def load(data, last):
            """Load the output register."""
            m.d.sync += [
                self.o.tvalid.eq(1),
                self.o.tdata.eq(data),
                self.o.tlast.eq(last),
                begun.eq(~last),
            ]

        with m.If(self.o.tready):
            m.d.sync += self.o.tvalid.eq(0)
        n = Signal(range(words))  # word of the trailer
        with m.FSM():
            with m.State("PASS"):
                with m.If(self.abort):
                    with m.If(begun):
                        m.next = "ABORT"
                with m.Else():
                    m.d.comb += self.i.ready.eq(room)
                    with m.If(self.i.valid & room):
                        load(self.i.payload.data, self.i.payload.last)
            with m.State("ABORT"):
                with m.If(room):
                    data = Const(trailer, 8 * link_bytes * words).word_select(n, 8 * link_bytes)
                    load(data, n == words - 1)
                    m.d.sync += n.eq(n + 1)
                    with m.If(n == words - 1):
                        m.d.sync += n.eq(0)
                        m.next = "PASS"
        return m
