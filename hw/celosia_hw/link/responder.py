"""Responder: results, replies and trailers to response frames."""

from functools import reduce
from operator import or_

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import (
    COUNTERS,
    IDENTITY,
    TRAILER,
    Config,
    Memory,
    Opcode,
    Status,
    ceil_div,
    identity,
    record,
)
from celosia.spec.timing import RECORD_LATENCY
from celosia_hw.layouts import link_word, read_records, reply, result, struct
from celosia_hw.util.pipelined_mux import pick, picks, steps

__all__ = ["Responder"]


class Responder(wiring.Component):
    """Sends one response frame per request: payload records, then the trailer.

    Results and faults of runs go before `reply`, which the receiver raises only when no run is
    unanswered. One link word per cycle, or in five to seven where a record is no result or
    trailer; one cycle before a trailer and one or two between frames; a READ leaves
    `RECORD_LATENCY` + 4 cycles between records.

    Members
    -------
    o : Out(stream of `link_word`)
    results : In(stream of `result`)
    fault : In(1), the current run ends with BAD_DESCRIPTOR at ``fault_addr``, and no result
        of it is still to come; fault_taken : Out(1)
    reply : In(stream of `reply`), ready one cycle after the trailer's last word.
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
                "read_addr": Out(24),
                "read_data": In(read_records(config)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self.config
        request = self.reply.payload.request
        trailer = Signal(struct(TRAILER))
        of_run = Signal()  # the frame being sent is a run's
        # It was flushed; flushed before its last result; ended by an illegal descriptor, and where.
        aborted, cut, faulted = Signal(), Signal(), Signal()
        info = Signal.like(self.fault_addr)
        sent = Signal(24)  # records
        m.d.comb += [
            trailer.status.eq(Mux(of_run, Status.OK, self.reply.payload.status)),
            trailer.opcode.eq(Mux(of_run, Opcode.INFER, request.opcode)),
            # One of them is 0: what is written is not sent.
            trailer.count.eq(sent | self.reply.payload.stored),
        ]
        with m.If(cut):
            m.d.comb += [trailer.status.eq(Status.ABORTED), trailer.count.eq(0)]
        with m.Elif(faulted):
            m.d.comb += [trailer.status.eq(Status.BAD_DESCRIPTOR), trailer.count.eq(0)]
            m.d.comb += trailer.info.eq(info)

        # What sends, one of them or none; the index of its record's last word, and is that 0.
        from_results, from_large, from_trailer = Signal(), Signal(), Signal()
        final, single = Signal(range(self._most_words())), Signal()
        # The word that is next; is it the last one.
        n, ends = Signal.like(final), Signal()
        room, offer, settled = Signal(), Signal(), Signal()
        m.d.comb += [
            # Behind `o` stands a skid buffer: nothing is lost by not filling up an empty `o`.
            room.eq(self.o.ready),
            offer.eq(from_trailer | settled | (from_results & self.results.valid)),
            self.results.ready.eq(room & from_results & ends),
        ]
        result_done, large_done = room & self.results.valid & ends, room & settled & ends
        # A large record's word settles before it is sent: its index, the picks, the record.
        settling = Signal(1 + steps(self._most_words()) + 1)
        m.d.comb += settled.eq(settling[-1])
        with m.If(~from_large | (settled & room)):
            m.d.sync += settling.eq(0)
        with m.Else():
            m.d.sync += settling.eq(Cat(1, settling))
        with m.If(room & offer):
            m.d.sync += [n.eq(Mux(ends, 0, n + 1)), ends.eq(Mux(ends, single, n + 1 == final))]
        self._output(m, trailer, n, room, offer, from_results, from_large, from_trailer & ends)

        def send(state, source=None, last=0):
            """Go on to ``state``, in which the words 0 to ``last`` of ``source`` are sent."""
            for each in (from_results, from_large, from_trailer):
                m.d.sync += each.eq(each is source)
            if source is not None:
                m.d.sync += [final.eq(last), single.eq(last == 0), ends.eq(last == 0)]
            m.next = state

        def send_trailer():
            send("TRAILER", from_trailer, self._words(TRAILER) - 1)

        # A flushed run is nobody's any more: its frame is ended, but not counted as answered.
        with m.If(self.flush):
            m.d.sync += aborted.eq(1)

        # Records that are read: the address, the words of one, is this one the last.
        wait = Signal(RECORD_LATENCY + 1)
        read_final, last_record, beyond = Signal.like(final), Signal(), Signal()
        next_sent = Signal.like(sent)
        m.d.sync += [
            next_sent.eq(sent + 1),
            last_record.eq(next_sent == request.count),
            beyond.eq((request.arg == Memory.ACTIVATIONS) & (self.read_addr >= config.act_depth)),
        ]
        with m.Switch(request.arg):
            for memory in Memory:
                with m.Case(memory):
                    m.d.sync += read_final.eq(record(config, memory).words - 1)

        m.d.sync += [self.reply.ready.eq(0), self.reading.eq(0), self.hold.eq(0)]
        # A record is counted one cycle after its last word.
        counted = Signal()
        m.d.sync += counted.eq(0)
        with m.If(counted):
            m.d.sync += sent.eq(sent + 1)

        with m.FSM():
            with m.State("IDLE"):
                begins = (self.results.valid | self.fault) & ~self.flush
                result_words = record(config, Memory.ACTIVATIONS).words
                m.d.sync += [
                    aborted.eq(0),
                    cut.eq(0),
                    faulted.eq(0),
                    of_run.eq(begins),
                    from_results.eq(begins),
                    final.eq(result_words - 1),
                    single.eq(result_words == 1),
                    ends.eq(result_words == 1),
                    sent.eq(0),
                    self.read_addr.eq(request.address),
                    self.read_row.eq(0),
                ]
                with m.If(begins):
                    m.next = "RESULTS"
                with m.Elif(self.reply.valid & ~self.reply.ready):
                    m.next = "REPLY"
            with m.State("REPLY"):
                send_trailer()
                with m.If(self.reply.payload.status == Status.OK), m.Switch(request.opcode):
                    with m.Case(Opcode.IDENTIFY):
                        send("IDENTITY", from_large, self._words(IDENTITY) - 1)
                    with m.Case(Opcode.COUNTERS):
                        send("COUNTERS", from_large, self._words(COUNTERS) - 1)
                    with m.Case(Opcode.READ):
                        send("LOCATE")
            with m.State("RESULTS"):
                m.d.sync += [counted.eq(result_done), info.eq(self.fault_addr)]
                with m.If(result_done & self.results.payload.frame_end):
                    send("CLOSE")
                with m.Elif(self.fault & ~self.results.valid & ~self.flush):
                    m.d.comb += self.fault_taken.eq(1)
                    m.d.sync += faulted.eq(1)
                    send("CLOSE")
                with m.If(aborted):
                    m.d.comb += self.fault_taken.eq(0)
                    m.d.sync += [cut.eq(1), n.eq(0)]
                    send("CLOSE")
            with m.State("CLOSE"):
                # A cycle of its own: by now all is counted, and where it came from is far away.
                send_trailer()
            with m.State("IDENTITY"):
                with m.If(large_done):
                    send("CLOSE")
            with m.State("COUNTERS"):
                m.d.sync += self.hold.eq(1)
                with m.If(large_done):
                    m.d.comb += self.clear.eq(request.arg[0])
                    send("CLOSE")
            with m.State("LOCATE"):
                m.d.sync += [self.reading.eq(1), wait.eq(1)]
                # `beyond` is known of this address.
                m.next = "ROW"
            with m.State("ROW"):
                m.d.sync += self.reading.eq(1)
                m.next = "READ"
                if config.rows > 1:
                    # Activation records count through all rows.
                    with m.If(beyond):
                        m.d.sync += [
                            self.read_addr.eq(self.read_addr - config.act_depth),
                            self.read_row.eq(self.read_row + 1),
                        ]
                        m.next = "LOCATE"
            with m.State("READ"):
                m.d.sync += [self.reading.eq(1), wait.eq(wait << 1)]
                with m.If(wait[-1]):
                    send("SEND", from_large, read_final)
            with m.State("SEND"):
                m.d.sync += [self.reading.eq(1), counted.eq(large_done)]
                with m.If(large_done):
                    send("NEXT")
            with m.State("NEXT"):
                m.d.sync += [self.reading.eq(1), self.read_addr.eq(self.read_addr + 1)]
                m.next = "LOCATE"
                with m.If(last_record):
                    m.next = "CLOSE"
            with m.State("TRAILER"):
                with m.If(room & ends):
                    m.d.comb += self.answered.eq(of_run & ~aborted & ~self.flush)
                    m.d.sync += self.reply.ready.eq(~of_run)
                    send("IDLE")
        return m

    def _words(self, layout) -> int:
        return ceil_div(layout.size, self.config.link_bytes)

    def _most_words(self) -> int:
        of_records = (record(self.config, memory).words for memory in Memory)
        return max(*of_records, *(self._words(each) for each in (IDENTITY, COUNTERS, TRAILER)))

    def _output(self, m, trailer, n, room, offer, from_results, from_large, last):
        """When there is ``room``, word ``n`` of every source is picked; `o` is the sender's."""
        word_bits = 8 * self.config.link_bytes
        request, counters = self.reply.payload.request, self.counters.as_value()
        who = Const(int.from_bytes(identity(self.config), "little"), 8 * IDENTITY.size)
        large = {
            "identity": (request.opcode == Opcode.IDENTIFY, who),
            "counters": (
                request.opcode == Opcode.COUNTERS,
                Cat(counters, C(0, 8 * COUNTERS.size - len(counters))),
            ),
        }
        for memory in Memory:
            name = memory.name.lower()
            chosen = (request.opcode == Opcode.READ) & (request.arg == memory)
            large[name] = chosen, self.read_data[name]
        words = {
            name: Signal(word_bits, name=f"{name}_word", reset_less=True)
            for name in ("results", "large", "trailer")
        }
        with m.If(room):
            m.d.sync += self.o.valid.eq(offer)
            with m.If(offer):
                for name, source in (("results", self.results.payload.data), ("trailer", trailer)):
                    pick(m, n, _words_of(source.as_value(), word_bits), words[name])
        # In steps: one of some words, one of some of those, and so on, and that of the
        # record that is asked for. Their source is far away, and nobody is in a hurry.
        found = Signal(word_bits, reset_less=True)
        with m.If(room):
            m.d.sync += words["large"].eq(found)
        candidates = []
        for name, (condition, bits) in large.items():
            chosen = Signal(name=f"{name}_chosen")
            # An index of its own, because it stands where the record does.
            index = Signal.like(n, name=f"{name}_n")
            m.d.sync += [chosen.eq(condition), index.eq(Mux(chosen, n, 0))]
            with m.If(from_large):
                word = picks(m, index, _words_of(bits, word_bits), name)
            candidates.append(word & chosen.replicate(len(word)))
        with m.If(from_large):
            m.d.sync += found.eq(reduce(or_, candidates))
        of_results, of_large = Signal(), Signal()
        with m.If(room):
            m.d.sync += [
                of_results.eq(from_results),
                of_large.eq(from_large),
                self.o.payload.last.eq(last),
            ]
        m.d.comb += self.o.payload.data.eq(
            Mux(of_results, words["results"], Mux(of_large, words["large"], words["trailer"]))
        )


def _words_of(bits, size) -> list:
    """``bits`` in words of ``size`` bits; the last one may be shorter."""
    return [bits[low:][:size] for low in range(0, len(bits), size)]
