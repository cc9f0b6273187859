"""Sender: results, records and trailers to link words."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import COUNTERS, REQUEST, TRAILER, Config
from celosia_hw.layouts import frame_part, link_word, read_records, result, struct
from celosia_hw.util.pipelined_mux import registered_mux

from .selector import RecordSelector, checksum_ports, words_of

__all__ = ["Sender"]


class Sender(wiring.Component):
    """Sends the parts of a frame, lowest bytes first.

    From the cycle after ``part`` on, words 0 to ``part.last_word`` of its source are sent, and
    repeated until the next ``part``. A word of the cycle of ``part`` is still sent, but the next
    one is word 0 of the new part. The final word of a trailer has ``last``.

    - Words of results, while these are valid, and of the trailer: one per cycle.
    - Words of a record: one in `record_cycles`. With ``part.summed`` they are not sent: ``word`` is
      one in each cycle in which ``word_valid`` is 1, and the next is not found before ``word_full``
      is 0.

    Latency is a cycle from source to ``o``. ``done`` is 1 in the cycle before the final word of a
    result, record or trailer is offered; in this cycle ``results`` is ready, when it is a result.
    All is held while ``o`` is not ready, even if it is empty: it leads to a skid buffer, which is
    ready then. In reset nothing is sent.

    Parameters
    ----------
    config : shape of the engine.

    Members
    -------
    part : In(stream of `frame_part`, always ready)
    results : In(stream of `result`)
    trailer : In(`TRAILER`)
    request, counters, read_data : In, of `RecordSelector`; steady while a record is sent.
    checksum, summed_up : In, of it too; word, word_valid : Out; word_full : In, of `Checksum`; all
        of them with `Config.checksum` only.
    done : Out(1)
    o : Out(stream of `link_word`)

    Attributes
    ----------
    record_cycles : from one word of a record to the next, `RecordSelector.latency` + 1: 4 to 9.
    """

    def __init__(self, config: Config):
        self.config = config
        self._selector = RecordSelector(config)
        self.record_cycles = self._selector.latency + 1
        super().__init__(
            {
                "part": In(stream.Signature(frame_part(config), always_ready=True)),
                "results": In(stream.Signature(result(config))),
                "trailer": In(struct(TRAILER)),
                "request": In(struct(REQUEST)),
                "counters": In(struct(COUNTERS)),
                "read_data": In(read_records(config)),
                **checksum_ports(config),
                **(_summed_ports(config) if config.checksum else {}),
                "done": Out(1),
                "o": Out(stream.Signature(link_word(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.selector = selector = self._selector
        part = Signal(frame_part(self.config))
        # The next word; whether it is the final one; whether the final one is word 0.
        index = Signal.like(part.last_word)
        final = Signal()
        single = Signal()
        # A cycle of a record's word for each bit, until it is found.
        finding = Signal(selector.latency)
        found = finding[-1]
        room = self.o.ready
        offered = part.trailer | found | (part.results & self.results.valid)
        m.d.comb += [
            selector.en.eq(part.record),
            selector.index.eq(index),
            selector.request.eq(self.request),
            selector.counters.eq(self.counters),
            selector.read_data.eq(self.read_data),
            self.results.ready.eq(room & part.results & final),
            self.done.eq(room & offered & final),
        ]
        sent = offered
        if self.config.checksum:
            sent = offered & ~part.summed
            self._sum(m, part, selector, found & room)
        with m.If(~part.record | (found & room)):
            m.d.sync += finding.eq(0)
        with m.Else():
            m.d.sync += finding.eq(Cat(1, finding))
            if self.config.checksum:
                # The word waits in the selector.
                with m.If(part.summed & self.word_full):
                    m.d.sync += found.eq(0)
        with m.If(room & offered):
            m.d.sync += [
                index.eq(Mux(final, 0, index + 1)),
                final.eq(Mux(final, single, index + 1 == part.last_word)),
            ]
        with m.If(self.part.valid):
            first_is_final = self.part.payload.last_word == 0
            m.d.sync += [
                part.eq(self.part.payload),
                index.eq(0),
                final.eq(first_is_final),
                single.eq(first_is_final),
            ]
        self._output(m, part, index, room, sent, part.trailer & final, selector.o)
        return m

    def _sum(self, m, part, selector, found):
        """Words of a record that is summed up go to the checksum."""
        m.d.comb += [
            selector.checksum.eq(self.checksum),
            selector.summed_up.eq(self.summed_up),
            self.word.eq(selector.o),
            self.word_valid.eq(found & part.summed),
        ]

    def _output(self, m, part, index, room, offered, last, record_word):
        """Word ``index`` of every source in a register, then the source that sends."""
        size = len(self.o.payload.data)
        words = {
            name: Signal(size, name=f"{name}_word", reset_less=True)
            for name in ("results", "record", "trailer")
        }
        sent_part = Signal.like(part)
        with m.If(room):
            m.d.sync += [
                self.o.valid.eq(offered),
                self.o.payload.last.eq(last),
                words["record"].eq(record_word),
                sent_part.results.eq(part.results),
                sent_part.record.eq(part.record),
            ]
            with m.If(offered):
                result_bits = self.results.payload.data.as_value()
                registered_mux(m, index, words_of(result_bits, size), words["results"])
                registered_mux(m, index, words_of(self.trailer.as_value(), size), words["trailer"])
        m.d.comb += self.o.payload.data.eq(
            Mux(
                sent_part.results,
                words["results"],
                Mux(sent_part.record, words["record"], words["trailer"]),
            )
        )


def _summed_ports(config: Config) -> dict[str, wiring.Member]:
    """To the block that sums words up."""
    return {"word": Out(8 * config.link_bytes), "word_valid": Out(1), "word_full": In(1)}
