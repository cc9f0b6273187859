"""Memory writer: the payload of a WRITE to the memories."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import REQUEST, TRAILER, Config, Memory, memories, record
from celosia_hw.layouts import link_word, memory_write, struct, writable

from .records import Records

__all__ = ["MemoryWriter"]


class MemoryWriter(wiring.Component):
    """Stores record ``n`` since ``load`` at ``address + n`` of the memory ``arg``.

    Of a record whose last word is taken in cycle 0 (`celosia.model.memories.Memories.write`):

    ====== ===============================================================================
    cycle
    ====== ===============================================================================
    1      ``i.ready`` = 0
    2      ``write.data`` ends with the record, in this cycle and the next; ``i.ready`` = 1
    3      its bit of ``write.en`` is 1
    4      ``stored`` has counted it, ``write.addr`` is the next
    ====== ===============================================================================

    So a record of ``words`` words takes ``words + 1`` cycles. ``busy`` is 1 in cycles 1 to 3.
    ``load`` is only allowed while not ``busy``, and sets ``write.addr`` and ``stored`` in the next
    cycle. Records that do not end are not stored. Reset stops every write that is on its way.

    Parameters
    ----------
    config : shape of the engine.

    Members
    -------
    load : In(1)
    request : In(`REQUEST`), steady from ``load`` until not ``busy`` any more.
    i : In(stream of `link_word`); ``last`` is 1 on the last word of a record.
    write : Out(`memory_write`)
    stored : Out, records stored since ``load``.
    busy : Out(1), a record is on its way.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "load": In(1),
                "request": In(struct(REQUEST)),
                "i": In(stream.Signature(link_word(config))),
                "write": Out(memory_write(config)),
                "stored": Out(TRAILER.width_of("count")),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        stores = writable(self.config)
        words = max(one.words for one in stores)
        m.submodules.records = records = Records(self.config, words=words)
        # A register before the records, which fan out to all memories: so they are steady for two
        # cycles when the register pauses for one.
        delayed = Signal.like(self.i.payload.data, reset_less=True)
        delayed_valid = Signal()
        record_end = Signal()
        m.d.comb += [
            self.i.ready.eq(~record_end),
            records.i.payload.data.eq(delayed),
            records.i.payload.last.eq(record_end),
            records.i.valid.eq(delayed_valid),
            records.o.ready.eq(1),
        ]
        m.d.sync += [
            delayed.eq(self.i.payload.data),
            delayed_valid.eq(self.i.valid & self.i.ready),
            record_end.eq(self.i.valid & self.i.ready & self.i.payload.last),
        ]

        deepest = max(record(self.config, memory).depth for memory in memories(self.config))
        address = Signal(range(deepest), reset_less=True)
        stored = Signal(range(deepest + 1))
        enables = Signal(len(Memory))
        storing = Signal()
        m.d.comb += [
            self.write.en.eq(enables),
            self.write.addr.eq(address),
            self.write.data.eq(records.o.payload),
            self.stored.eq(stored),
            self.busy.eq(record_end | records.o.valid | storing),
        ]
        m.d.sync += storing.eq(records.o.valid)
        for one in stores:
            selected = self.request.arg == one.memory
            m.d.sync += enables[one.memory].eq(records.o.valid & selected)
        with m.If(storing):
            m.d.sync += [stored.eq(stored + 1), address.eq(address + 1)]
        with m.If(self.load):
            m.d.sync += [stored.eq(0), address.eq(self.request.address)]
        return m
