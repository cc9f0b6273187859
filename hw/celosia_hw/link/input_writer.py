"""Input writer: the payload of an INFER to rows of activation memory."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from celosia.spec import INPUT_LAYOUT, Config, Memory, record
from celosia.spec.maps import ADDRESS_BITS
from celosia_hw.layouts import link_word, row_write, struct

from .records import Records

__all__ = ["InputWriter"]


class InputWriter(wiring.Component):
    """Gives every activation word of an input its row and its address.

    Record ``n`` since ``load`` is the word ``base + n // images`` of row ``n % images``, where
    ``images = last_image + 1``; ``word_end`` marks those of the last row.
    (`celosia.model.link.LinkModel` stores inputs like this.)

    With convolution it has a number and a placement too: ``n // images + row * words`` of tensors
    that follow each other, of ``words`` each. With ``stripes`` there is one image, record n is its
    word n, and the placement is that of ``layout``; ``dst`` starts at ``base + halo`` then.

    Latency is a cycle from a record's last word to ``o``; throughput a link word per cycle while
    ``o`` is ready. ``i.ready`` is 1 when no record is held, or when it leaves in this cycle.
    ``load`` is only allowed while none is held, and starts a new input in the next cycle; reset
    forgets what is held.

    Parameters
    ----------
    config : shape of the engine.

    Members
    -------
    load : In(1); base : In, address of the first word.
    last_image : In, row of the last image; steady from ``load`` until all records are taken.
    words : In, stripes : In(1), layout : In(`INPUT_LAYOUT`), with convolution only; as steady.
    i : In(stream of `link_word`); ``last`` is 1 on the last word of a record.
    o : Out(stream of `row_write`)
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "load": In(1),
                "base": In(range(config.act_depth)),
                "last_image": In(range(config.rows)),
                **self._of_maps(config),
                "i": In(stream.Signature(link_word(config))),
                "o": Out(stream.Signature(row_write(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self.config
        words = record(config, Memory.ACTIVATIONS).words
        m.submodules.records = records = Records(config, words=words)
        connect(m, flipped(self.i), records.i)
        row = Signal(range(config.rows))
        dst = Signal(range(config.act_depth))
        m.d.comb += [
            self.o.valid.eq(records.o.valid),
            records.o.ready.eq(self.o.ready),
            self.o.payload.row.eq(row),
            self.o.payload.active.eq(1),
            self.o.payload.dst.eq(dst),
            self.o.payload.word_end.eq(row == self.last_image),
            self.o.payload.data.eq(records.o.payload),
        ]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += row.eq(Mux(self.o.payload.word_end, 0, row + 1))
            with m.If(self.o.payload.word_end):
                m.d.sync += dst.eq(dst + 1)
        with m.If(self.load):
            m.d.sync += [row.eq(0), dst.eq(self.base)]
        if config.convolution:
            self._place(m, dst)
        return m

    def _of_maps(self, config: Config) -> dict[str, wiring.Member]:
        if not config.convolution:
            return {}
        return {"words": In(ADDRESS_BITS), "stripes": In(1), "layout": In(struct(INPUT_LAYOUT))}

    def _place(self, m: Module, dst: Signal) -> None:
        """The number of each word, counted up row by row, and its placement."""
        payload, layout = self.o.payload, self.layout
        number = Signal(ADDRESS_BITS)
        first = Signal(ADDRESS_BITS)  # number of the word in row 0
        where = payload.placement
        m.d.comb += [
            payload.number.eq(number),
            where.base.eq(self.base),
            where.row_words.eq(Mux(self.stripes, layout.row_words, self.words)),
            where.halo.eq(Mux(self.stripes, layout.halo, 0)),
            where.length.eq(Mux(self.stripes, layout.length, self.words)),
        ]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += number.eq(number + self.words)
            with m.If(payload.word_end):
                m.d.sync += [number.eq(first + 1), first.eq(first + 1)]
        with m.If(self.load):
            m.d.sync += [number.eq(0), first.eq(0)]
            with m.If(self.stripes):
                m.d.sync += dst.eq(self.base + layout.halo)
