"""Header: the first words of a frame to a request."""

from functools import reduce
from operator import or_

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import REQUEST, Config, InferFlag, Opcode, ceil_div
from celosia_hw.layouts import link_word, struct

__all__ = ["Header", "bank_words", "last_image", "reading_opcodes", "reads"]


class Header(wiring.Component):
    """Collects the `REQUEST` at the start of a frame.

    The header is the first ``ceil(REQUEST.size / link_bytes)`` words of a frame, lowest bytes
    first; its padding is ignored. One word per cycle; a word is taken in each cycle in which
    ``i.valid`` is 1, so only words of a header may be offered.

    ========================== ============================ =====================================
    word                       its cycle                    from the next cycle on
    ========================== ============================ =====================================
    not the header's last      ``complete`` = 0             ``begun`` = 1
    the header's last          ``complete`` = 1             ``request`` is valid, ``begun`` = 0,
                                                            ``ended`` = its ``last``
    the frame's last, but not  ``truncated`` = 1            ``request`` = 0, ``begun`` = 0
    the header's
    ========================== ============================ =====================================

    ``request`` and ``ended`` are held until the next word. In reset ``request`` is 0 and no header
    has begun. Decodes as `celosia.spec.REQUEST.unpack`.

    Parameters
    ----------
    config : shape of the engine.

    Members
    -------
    i : In(stream of `link_word`, always ready)
    request : Out(`REQUEST`)
    complete : Out(1), the header's last word is taken in this cycle.
    truncated : Out(1), the frame ends in this cycle, before the header does.
    ended : Out(1), the frame has ended with its header.
    begun : Out(1), a part of a header has been taken.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(link_word(config), always_ready=True)),
                "request": Out(struct(REQUEST)),
                "complete": Out(1),
                "truncated": Out(1),
                "ended": Out(1),
                "begun": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        word = self.i.payload
        words = ceil_div(REQUEST.size, self.config.link_bytes)
        shifted = Signal(words * len(word.data))
        # Words taken of this header.
        taken = Signal(range(words))
        m.d.comb += [
            self.request.eq(shifted),
            self.begun.eq(taken != 0),
            self.complete.eq(self.i.valid & (taken == words - 1)),
            self.truncated.eq(self.i.valid & (taken != words - 1) & word.last),
        ]
        with m.If(self.i.valid):
            m.d.sync += [
                shifted.eq(Cat(shifted, word.data)[len(word.data) :]),
                self.ended.eq(word.last),
                taken.eq(taken + 1),
            ]
        with m.If(self.complete | self.truncated):
            m.d.sync += taken.eq(0)
        with m.If(self.truncated):
            m.d.sync += shifted.eq(0)
        return m


def bank_words(config: Config, request, layout) -> Value:
    """Activation words of an input bank for the input of an INFER in ``request``.

    ``layout`` : `celosia.spec.INPUT_LAYOUT`, of engines with convolution.
    """
    if not config.convolution:
        return request.count
    stripes = (request.arg & InferFlag.STRIPES) != 0
    return Mux(stripes, layout.length, request.count)


def last_image(config: Config, request) -> Value:
    """Number of images of an INFER less one, which is the row of the last one, in ``request``.

    As wide as a row, for requests that are not refused.
    """
    images = request.arg & InferFlag.IMAGES_MASK
    return images[: len(Signal(range(config.rows))) or 1]


def reading_opcodes(config: Config) -> tuple[Opcode, ...]:
    """The requests that read records of a memory."""
    return (Opcode.READ, Opcode.CHECKSUM) if config.checksum else (Opcode.READ,)


def reads(config: Config, request) -> Value:
    """1 if ``request`` reads records of a memory."""
    return reduce(or_, (request.opcode == opcode for opcode in reading_opcodes(config)))
