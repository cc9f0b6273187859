"""Selector: one word of the record that a request asks for."""

from functools import reduce
from operator import or_

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import CHECKSUM, COUNTERS, IDENTITY, REQUEST, Config, Opcode, identity, memories
from celosia_hw.layouts import frame_part, read_records, struct
from celosia_hw.util.pipelined_mux import mux_latency, pipelined_mux

from .header import reads

__all__ = ["RecordSelector", "checksum_ports", "words_of"]


class RecordSelector(wiring.Component):
    """Finds word ``index`` of the record asked for: IDENTIFY, COUNTERS, or READ of a memory; with
    `Config.checksum` also CHECKSUM of a memory, the record first and then the checksum.

    ``o`` is the link word: bits ``8 * link_bytes * index`` upwards of the record, zero-padded. The
    records are spread over the device, so each step between registers selects one of four words.
    ``o`` is valid `latency` cycles after the inputs have become steady while ``en`` is 1. While
    ``en`` is 0 it is held. No back-pressure, and no reset is needed.

    Parameters
    ----------
    config : shape of the engine.

    Members
    -------
    en : In(1)
    index : In, below the words of the record.
    request : In(`REQUEST`)
    counters : In(`COUNTERS`); read_data : In(`read_records`)
    checksum : In(`CHECKSUM`); summed_up : In(1), it is asked for; with `Config.checksum` only.
    o : Out, the word.

    Attributes
    ----------
    latency : in cycles: the index, the steps of the longest record, which of the records.
    """

    def __init__(self, config: Config):
        self.config = config
        index = frame_part(config)["last_word"].shape
        self.latency = 1 + mux_latency(len(index)) + 1
        super().__init__(
            {
                "en": In(1),
                "index": In(index),
                "request": In(struct(REQUEST)),
                "counters": In(struct(COUNTERS)),
                "read_data": In(read_records(config)),
                **checksum_ports(config),
                "o": Out(8 * config.link_bytes),
            }
        )

    def elaborate(self, platform):
        m = Module()
        candidates = []
        for name, (condition, bits) in self._records().items():
            selected = Signal(name=f"{name}_selected")
            # An index of its own, beside the record.
            index = Signal.like(self.index, name=f"{name}_index")
            m.d.sync += [selected.eq(condition), index.eq(Mux(selected, self.index, 0))]
            with m.If(self.en):
                word = pipelined_mux(m, index, words_of(bits, len(self.o)), name)
            candidates.append(word & selected.replicate(len(word)))
        word = Signal.like(self.o, reset_less=True)
        m.d.comb += self.o.eq(word)
        with m.If(self.en):
            m.d.sync += word.eq(reduce(or_, candidates))
        return m

    def _records(self):
        """Name of each record: whether it is asked for, and its bits."""
        request, counters = self.request, self.counters.as_value()
        records = {
            "identity": (
                request.opcode == Opcode.IDENTIFY,
                Const(int.from_bytes(identity(self.config), "little"), 8 * IDENTITY.size),
            ),
            "counters": (
                request.opcode == Opcode.COUNTERS,
                Cat(counters, C(0, 8 * COUNTERS.size - len(counters))),
            ),
        }
        of_memory = reads(self.config, request)
        if self.config.checksum:
            of_memory &= ~self.summed_up
            records["checksum"] = self.summed_up, self.checksum.as_value()
        for memory in memories(self.config):
            name = memory.name.lower()
            records[name] = of_memory & (request.arg == memory), self.read_data[name]
        return records


def checksum_ports(config: Config) -> dict[str, wiring.Member]:
    """The members ``checksum`` and ``summed_up``, with `Config.checksum`."""
    if not config.checksum:
        return {}
    return {"checksum": In(struct(CHECKSUM)), "summed_up": In(1)}


def words_of(bits: Value, size: int) -> list[Value]:
    """``bits`` in words of ``size`` bits, lowest first; the last one may be shorter."""
    return [bits[low:][:size] for low in range(0, len(bits), size)]
