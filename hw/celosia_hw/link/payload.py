"""Payload: where records end among the words that follow a header."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import REQUEST, Config, Memory, Opcode, memories, record
from celosia_hw.layouts import struct, writable

from .header import last_image

__all__ = ["PayloadCounter"]


class PayloadCounter(wiring.Component):
    """Counts the words of a payload, and says which of them end a record and which the payload.

    A WRITE has ``count`` records of the memory ``arg``; an INFER has ``count`` groups of one
    activation word of every image, each a record. A record fills ``words`` link words
    (`celosia.spec.record`), so the payload has ``count * words`` or ``count * images * words``.

    ``record_end`` and ``payload_end`` are about the word that has not been counted yet: they change
    in the cycle after ``step``. One word per cycle. While ``load`` is 1, which wins over ``step``,
    it returns to the first word. ``request`` must be steady in the last `load_cycles` of these
    cycles, and until the payload ends. Counts are right for requests that are not refused.
    No reset is needed: ``load`` precedes every payload.

    Parameters
    ----------
    config : shape of the engine.

    Members
    -------
    request : In(`REQUEST`)
    input_follows : In(1), it is an INFER rather than a WRITE.
    load : In(1); step : In(1), a word has been taken.
    record_end : Out(1), the word is the last one of a record.
    payload_end : Out(1), it is the last one of all.

    Attributes
    ----------
    load_cycles : 2.
    """

    #: The index of a record's last word is registered, then whether it is 0.
    load_cycles = 2

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "request": In(struct(REQUEST)),
                "input_follows": In(1),
                "load": In(1),
                "step": In(1),
                "record_end": Out(1),
                "payload_end": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        request, config = self.request, self.config
        input_words = record(config, Memory.ACTIVATIONS).words
        deepest = max(record(config, memory).depth for memory in memories(config))

        # The word of its record, and that of the last one.
        word = Signal(range(max(input_words, *(one.words for one in writable(config)))))
        last_word = Signal.like(word)
        one_word = Signal()
        m.d.sync += [last_word.eq(input_words - 1), one_word.eq(last_word == 0)]
        with m.If(request.opcode == Opcode.WRITE), m.Switch(request.arg):
            for one in writable(config):
                with m.Case(one.memory):
                    m.d.sync += last_word.eq(one.words - 1)
        # The image of its group.
        image = Signal(range(config.rows))
        image_final = Signal()
        images_final = last_image(config, request)
        # Groups after this one.
        left = Signal(range(deepest))
        group_final = Signal()

        group_end = self.record_end & (image_final | ~self.input_follows)
        m.d.comb += self.payload_end.eq(group_end & group_final)
        # Ends are registered: they are computed a word ahead.
        with m.If(self.step):
            m.d.sync += [
                word.eq(Mux(self.record_end, 0, word + 1)),
                self.record_end.eq(Mux(self.record_end, one_word, word + 1 == last_word)),
            ]
        with m.If(self.step & self.record_end):
            m.d.sync += [
                image.eq(Mux(image_final, 0, image + 1)),
                image_final.eq(Mux(image_final, images_final == 0, image + 1 == images_final)),
            ]
        with m.If(self.step & group_end):
            m.d.sync += [left.eq(left - 1), group_final.eq(left == 1)]
        with m.If(self.load):
            m.d.sync += [
                word.eq(0),
                self.record_end.eq(last_word == 0),
                image.eq(0),
                image_final.eq(images_final == 0),
                left.eq(request.count - 1),
                group_final.eq(request.count == 1),
            ]
        return m
