"""Responder: results, replies and trailers to response frames."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from celosia.spec import (
    CHECKSUM,
    COUNTERS,
    IDENTITY,
    REQUEST,
    TRAILER,
    Config,
    Memory,
    Opcode,
    Status,
    ceil_div,
    record,
)
from celosia_hw.layouts import link_word, read_records, reply, result, struct

from .checksum import Checksum
from .fetch import Fetch
from .header import reading_opcodes, reads
from .sender import Sender
from .trailer import Trailer

__all__ = ["Responder"]


class Responder(wiring.Component):
    """Sends one response frame per request: payload records, then the trailer.

    Frames are those of `celosia.model.link.LinkModel.respond`. Results and faults of runs have
    priority over ``reply``, which the receiver raises only while no run is unanswered.

    - Words: one per cycle for results and trailers, see `Sender` for other records.
    - One cycle before a trailer, in which the last record is counted.
    - One or two cycles between frames: a run's may begin in the cycle after the trailer's last word
      was handed to ``o``, that of a reply one later.
    - Between the records of a READ: ``RECORD_LATENCY + 4`` cycles, see `Fetch`.
    - A CHECKSUM, with `Config.checksum` only, takes as long as a READ whose words are sent one in
      ``link_bytes + 1`` cycles or more, but none is sent. After the last record there are
      ``link_bytes + 1`` cycles, two at least, and the words of the checksum follow.
    - While ``o`` is not ready no word moves.

    ``flush`` ends the frame of a run with ABORTED, unless its last result has been sent; in either
    case it is not reported as ``answered``. A flush has priority over the results and faults of its
    cycle: no frame begins and no fault is taken. In reset no frame is being sent.

    Parameters
    ----------
    config : shape of the engine.

    Members
    -------
    o : Out(stream of `link_word`), which has to be ready while it is not valid.
    results : In(stream of `result`)
    fault : In(1), the current run ends with BAD_DESCRIPTOR at ``fault_addr``, and no result
        of it is still to be sent; fault_taken : Out(1)
    reply : In(stream of `reply`), ready one cycle after the trailer's last word. ``stored`` has to
        be 0 while a run is unanswered.
    answered : Out(1), a run's trailer has been sent.
    flush : In(1), end a run's frame that has begun with ABORTED.
    counters : In(`COUNTERS`); hold : Out(1), they must not change; clear : Out(1)
    reading : Out(1), memories are being read: read_row, read_addr : Out, read_data :
        In(`read_records`), `RECORD_LATENCY` cycles later.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "o": Out(stream.Signature(link_word(config))),
                "results": In(stream.Signature(result(config))),
                "fault": In(1),
                "fault_addr": In(range(config.program_depth + 1)),
                "fault_taken": Out(1),
                "reply": In(stream.Signature(reply(config))),
                "answered": Out(1),
                "flush": In(1),
                "counters": In(struct(COUNTERS)),
                "hold": Out(1),
                "clear": Out(1),
                "reading": Out(1),
                "read_row": Out(range(config.rows)),
                "read_addr": Out(REQUEST.width_of("address")),
                "read_data": In(read_records(config)),
            }
        )
        self._fetch = Fetch(config)
        self._sender = Sender(config)
        self._trailer = Trailer(config)
        self._checksum = Checksum(config) if config.checksum else None

    def elaborate(self, platform):
        m = Module()
        m.submodules.fetch = fetch = self._fetch
        m.submodules.sender = sender = self._sender
        m.submodules.trailer = trailer = self._trailer
        self._connect(m)
        if self._checksum:
            m.submodules.checksum = self._checksum
            self._connect_checksum(m)
        request = self.reply.payload.request
        is_read = reads(self.config, request)
        is_counters = request.opcode == Opcode.COUNTERS
        # The run whose frame is being sent has been flushed.
        flushed = Signal()
        m.d.sync += flushed.eq(flushed | self.flush)
        m.d.sync += [self.reply.ready.eq(0), self.hold.eq(0)]
        with m.FSM():
            with m.State("IDLE"):
                begin_run = (self.results.valid | self.fault) & ~self.flush
                m.d.comb += [trailer.begin.eq(1), trailer.begin_run.eq(begin_run)]
                m.d.sync += flushed.eq(0)
                with m.If(begin_run):
                    words = record(self.config, Memory.ACTIVATIONS).words
                    self._send(m, "RESULTS", "results", words - 1)
                with m.Elif(self.reply.valid & ~self.reply.ready):
                    m.next = "REPLY"
            with m.State("REPLY"):
                self._begin_reply(m)
            with m.State("RESULTS"):
                m.d.comb += trailer.record_sent.eq(sender.done)
                with m.If(sender.done & self.results.payload.frame_end):
                    self._send(m, "CLOSE")
                with m.Elif(self.fault & ~self.results.valid & ~self.flush):
                    m.d.comb += [trailer.fault.eq(1), self.fault_taken.eq(~flushed)]
                    self._send(m, "CLOSE")
                with m.If(flushed):
                    m.d.comb += trailer.abort.eq(1)
                    self._send(m, "CLOSE")
            with m.State("FETCH"):
                with m.If(fetch.o.valid):
                    self._send(m, "RECORD", "record", fetch.o.payload)
                with m.Elif(fetch.finished):
                    m.next = "CLOSE"
                if self._checksum:
                    self._sum(m)
            with m.State("RECORD"):
                m.d.comb += [
                    fetch.o.ready.eq(sender.done & is_read),
                    trailer.record_sent.eq(sender.done & is_read),
                    self.clear.eq(sender.done & is_counters & request.arg[0]),
                ]
                m.d.sync += self.hold.eq(is_counters)
                with m.If(sender.done):
                    self._send(m, "CLOSE")
                    with m.If(is_read):
                        m.next = "FETCH"
            if self._checksum:
                self._send_checksum(m)
            with m.State("CLOSE"):
                # The last record is counted in this cycle.
                self._send(m, "TRAILER", "trailer", self._words(TRAILER) - 1)
            with m.State("TRAILER"):
                with m.If(sender.done):
                    m.d.comb += self.answered.eq(trailer.of_run & ~flushed & ~self.flush)
                    m.d.sync += self.reply.ready.eq(~trailer.of_run)
                    self._send(m, "IDLE")
        return m

    def _connect(self, m):
        """What does not depend on the state."""
        fetch, sender, trailer = self._fetch, self._sender, self._trailer
        connect(m, sender.o, flipped(self.o))
        connect(m, flipped(self.results), sender.results)
        m.d.comb += [
            fetch.request.eq(self.reply.payload.request),
            fetch.sent.eq(trailer.sent),
            self.reading.eq(fetch.reading),
            self.read_row.eq(fetch.row),
            self.read_addr.eq(fetch.addr),
            trailer.reply.eq(self.reply.payload),
            trailer.fault_addr.eq(self.fault_addr),
            sender.trailer.eq(trailer.o),
            sender.request.eq(self.reply.payload.request),
            sender.counters.eq(self.counters),
            sender.read_data.eq(self.read_data),
        ]

    def _connect_checksum(self, m):
        """Words of records that are summed up, and the sum."""
        checksum, sender = self._checksum, self._sender
        m.d.comb += [
            checksum.start.eq(self._fetch.start),
            checksum.word.eq(sender.word),
            checksum.valid.eq(sender.word_valid),
            sender.word_full.eq(checksum.full),
            sender.checksum.eq(checksum.o),
        ]

    def _sum(self, m):
        """Records are summed up, if the request is CHECKSUM, and after the last one it is sent."""
        with m.If(self.reply.payload.request.opcode == Opcode.CHECKSUM):
            m.d.comb += self._sender.part.payload.summed.eq(1)
            with m.If(self._fetch.finished):
                m.next = "SUM"

    def _send_checksum(self, m):
        with m.State("SUM"):
            m.d.comb += self._sender.summed_up.eq(1)
            with m.If(~self._checksum.busy):
                self._send(m, "CHECKSUM", "record", self._words(CHECKSUM) - 1)
        with m.State("CHECKSUM"):
            m.d.comb += self._sender.summed_up.eq(1)
            with m.If(self._sender.done):
                self._send(m, "CLOSE")

    def _begin_reply(self, m):
        """The trailer at once, unless the request is admitted and has records to be sent."""
        self._send(m, "TRAILER", "trailer", self._words(TRAILER) - 1)
        with m.If(self.reply.payload.status == Status.OK):
            with m.Switch(self.reply.payload.request.opcode):
                with m.Case(Opcode.IDENTIFY):
                    self._send(m, "RECORD", "record", self._words(IDENTITY) - 1)
                with m.Case(Opcode.COUNTERS):
                    self._send(m, "RECORD", "record", self._words(COUNTERS) - 1)
                with m.Case(*reading_opcodes(self.config)):
                    m.d.comb += self._fetch.start.eq(1)
                    self._send(m, "FETCH")

    def _send(self, m, state, source=None, last_word=0):
        """Go on to ``state``, in which words 0 to ``last_word`` of ``source`` are sent."""
        part = self._sender.part
        m.d.comb += [part.valid.eq(1), part.payload.last_word.eq(last_word)]
        for each in ("results", "record", "trailer"):
            m.d.comb += part.payload[each].eq(each == source)
        m.next = state

    def _words(self, layout) -> int:
        return ceil_div(layout.size, self.config.link_bytes)
