"""Receiver: request frames to memory writes, inputs and runs."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import REQUEST, Config, InferFlag, Memory, Opcode, Status, ceil_div, record
from celosia.spec.timing import MAX_OUTSTANDING
from celosia_hw.layouts import link_word, memory_write, reply, row_write, run, struct, writable

__all__ = ["Receiver"]


class Receiver(wiring.Component):
    """Reads request frames, checks them in the order of `celosia.model.link`, and acts.

    - INFER: each payload record goes to the activation memory, then the run is queued. There are
      two input banks, used in turn, so that the next input loads while the engine computes;
      a run with another program or input length waits until every run before it is answered.
    - WRITE: waits until every run has ended and is answered, then writes each record as it is
      complete, which takes a cycle beside those of its words.
    - All others, and errors after the frame's end: handed to the responder through `reply` when
      every run has ended and is answered.
    - RESET: raises ``flush`` for one cycle at once, then answers.

    One link word per cycle, except the five or six cycles between frames and while `inputs`
    waits for the drain.

    Members
    -------
    i : In(stream of `link_word`)
    inputs : Out(stream of `row_write`)
    runs : Out(stream of `run`), never more than two.
    write : Out(`memory_write`)
    reply : Out(stream of `reply`), ready when the response has been sent.
    run_done : In(1), a bank is free again; answered : In(1), a run's response has been sent.
    flush : Out(1); flushes : Out(1), it will be 1 in the next cycle.
    receiving : Out(1), an input is being received.
    idle : Out(1), every request that has begun is answered.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(link_word(config))),
                "inputs": Out(stream.Signature(row_write(config))),
                "runs": Out(stream.Signature(run(config))),
                "write": Out(memory_write(config)),
                "reply": Out(stream.Signature(reply(config))),
                "run_done": In(1),
                "answered": In(1),
                "flush": Out(1),
                "flushes": Out(1),
                "receiving": Out(1),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self.config
        word_bits = 8 * config.link_bytes
        header_words = ceil_div(REQUEST.size, config.link_bytes)
        input_words = record(config, Memory.ACTIVATIONS).words

        deepest = max(one.depth for one in map(self._record, Memory))

        valid = self.i.valid
        ends = self.i.payload.last

        header = Signal(word_bits * header_words)
        request = Signal(struct(REQUEST))
        m.d.comb += request.eq(header)
        # Words of this record; which one is its last, and whether it is the one that comes.
        words = Signal(range(max(input_words, *(one.words for one in writable(config)))))
        final_index, record_ends, one_word = Signal.like(words), Signal(), Signal()
        # Records, or words of the input, after this one; whether there are none.
        left, final = Signal(range(deepest)), Signal()
        end = Signal(25, reset_less=True)  # of the records that the header names
        infers, writes, resets = Signal(), Signal(), Signal()  # what is asked for
        depth, beyond = Signal(25), Signal()  # of the memory that it names; are records outside
        empty, too_many, outside = Signal(), Signal(), Signal()  # what an INFER may be refused for
        refused = Signal(Status)
        ended = Signal()  # the frame's last word has been read
        status = Signal(Status)
        stored = Signal(range(deepest + 1))

        def finish(*, read_on):
            """Answer with ``status``; ``read_on`` is 1 when the frame has still to end."""
            with m.If(read_on):
                m.next = "DISCARD"
            with m.Else():
                m.next = "REPLY"

        # Runs in flight and the input banks.
        outstanding = Signal(range(MAX_OUTSTANDING + 1))
        banks_used = Signal(range(3))
        bank = Signal()
        program, length = Signal(range(config.program_depth)), Signal(range(config.act_depth))
        commit = Signal()
        # Rows without an image are drained after the last result: a run may end after its answer.
        idle = (outstanding == 0) & (banks_used == 0)
        m.d.sync += [
            outstanding.eq(outstanding + commit - self.answered),
            banks_used.eq(banks_used + commit - self.run_done),
        ]
        same = Signal()
        may_load = (idle | same) & (banks_used != 2) & (outstanding != MAX_OUTSTANDING)

        # One activation word on its way to the memory.
        gathered = Signal(word_bits * input_words, reset_less=True)
        gathered_full = Signal()
        row = Signal(range(config.rows))
        images = (request.arg & InferFlag.IMAGES_MASK)[: len(row) or 1]
        base = Signal(range(config.act_depth))
        dst = Signal(range(config.act_depth))
        row_ends = row == images
        put = Signal()
        m.d.comb += [
            put.eq(self.inputs.valid & self.inputs.ready),
            self.inputs.valid.eq(gathered_full),
            self.inputs.payload.row.eq(row),
            self.inputs.payload.active.eq(1),
            self.inputs.payload.dst.eq(dst),
            self.inputs.payload.word_end.eq(row_ends),
            self.inputs.payload.data.eq(gathered),
        ]
        with m.If(put):
            m.d.sync += [gathered_full.eq(0), row.eq(Mux(row_ends, 0, row + 1))]
            with m.If(row_ends):
                m.d.sync += dst.eq(dst + 1)
        # The record that comes now, which is ahead of the one to be put by one at the most.
        coming_row = Signal.like(row)
        coming_row_ends = Signal()  # it is that of the last image

        # The record of a WRITE. Records of all sizes are shifted in from the top, a cycle after
        # their words were taken. A whole one stands there for two cycles: ``written``, and
        # ``stores`` in which its memory takes it.
        memories = writable(config)
        shifted = Signal(len(self.write.data), reset_less=True)
        taken, taken_en, whole = Signal(word_bits, reset_less=True), Signal(), Signal()
        write_addr, write_en = Signal(range(deepest), reset_less=True), Signal(len(Memory))
        written, stores = Signal(), Signal()
        m.d.sync += [taken.eq(self.i.payload.data), taken_en.eq(0), whole.eq(0)]
        with m.If(taken_en):
            m.d.sync += shifted.eq(Cat(shifted, taken)[word_bits:])
        for one in memories:
            m.d.sync += write_en[one.memory].eq(written & (request.arg == one.memory))
        m.d.comb += [
            self.write.en.eq(write_en),
            self.write.addr.eq(write_addr),
            self.write.data.eq(shifted),
        ]
        m.d.sync += [written.eq(whole), stores.eq(written)]
        with m.If(stores):
            m.d.sync += [stored.eq(stored + 1), write_addr.eq(write_addr + 1)]

        m.d.comb += [
            self.reply.payload.status.eq(status),
            self.reply.payload.request.eq(request),
            self.reply.payload.stored.eq(stored),
            self.runs.payload.entry.eq(request.address),
            self.runs.payload.images.eq(images),
            self.runs.payload.skip.eq((request.arg & InferFlag.NO_SKIP) == 0),
            self.runs.payload.base.eq(base),
        ]

        def gather():
            """A word of a record has come; `record_ends` with the last one."""
            m.d.sync += [
                words.eq(Mux(record_ends, 0, words + 1)),
                record_ends.eq(Mux(record_ends, one_word, words + 1 == final_index)),
            ]

        def count():
            """One less of what `left` counts."""
            m.d.sync += [left.eq(left - 1), final.eq(left == 1)]

        m.d.sync += self.flush.eq(self.flushes)
        with m.FSM():
            with m.State("HEADER"):
                m.d.comb += [self.i.ready.eq(1), self.idle.eq(idle & (words == 0))]
                m.d.sync += [stored.eq(0), row.eq(0), coming_row.eq(0), gathered_full.eq(0)]
                m.d.sync += status.eq(Status.TRUNCATED)
                with m.If(valid):
                    m.d.sync += [
                        header.eq(Cat(header, self.i.payload.data)[word_bits:]),
                        words.eq(words + 1),
                        ended.eq(ends),
                    ]
                    with m.If(words == header_words - 1):
                        m.d.sync += words.eq(0)
                        m.next = "COUNT"
                    with m.Elif(ends):
                        m.d.sync += [words.eq(0), header.eq(0)]
                        finish(read_on=0)
            with m.State("COUNT"):
                m.d.sync += [
                    end.eq(request.address + request.count),
                    depth.eq(0),
                    empty.eq(request.count == 0),
                    too_many.eq((request.arg & InferFlag.IMAGES_MASK) >= config.rows),
                    outside.eq(
                        (request.count > config.act_depth // 2)
                        | (request.address >= config.program_depth)
                    ),
                    same.eq((request.address == program) & (request.count == length)),
                    write_addr.eq(request.address),
                    left.eq(request.count - 1),
                    final.eq(request.count == 1),
                    final_index.eq(input_words - 1),
                    base.eq(Mux(bank, request.count, 0)),
                ]
                with m.If(request.opcode == Opcode.WRITE), m.Switch(request.arg):
                    for one in memories:
                        with m.Case(one.memory):
                            m.d.sync += final_index.eq(one.words - 1)
                with m.Switch(request.arg):
                    for memory in Memory:
                        with m.Case(memory):
                            m.d.sync += depth.eq(self._record(memory).depth)
                m.next = "COMPARE"
            with m.State("COMPARE"):
                m.d.sync += [
                    beyond.eq(end > depth),
                    infers.eq(request.opcode == Opcode.INFER),
                    writes.eq(request.opcode == Opcode.WRITE),
                    resets.eq(request.opcode == Opcode.RESET),
                ]
                m.next = "CHECK"
            with m.State("CHECK"):
                m.d.sync += [
                    refused.eq(self._refusal(m, request, beyond, empty, too_many, outside)),
                    dst.eq(base),
                    coming_row_ends.eq(images == 0),
                    one_word.eq(final_index == 0),
                    record_ends.eq(final_index == 0),
                ]
                m.next = "DECIDE"
            with m.State("DECIDE"):
                m.d.sync += status.eq(refused)
                with m.If(refused != Status.OK):
                    finish(read_on=~ended)
                with m.Elif((infers | writes) & ended):
                    m.d.sync += status.eq(Status.TRUNCATED)
                    finish(read_on=0)
                with m.Elif(~(infers | writes) & ~ended):
                    m.d.sync += status.eq(Status.OVERLONG)
                    finish(read_on=1)
                with m.Elif(infers):
                    with m.If(may_load):
                        m.next = "INPUT"
                with m.Elif(writes):
                    with m.If(idle):
                        m.next = "WRITE"
                with m.Elif(resets):
                    m.next = "FLUSH"
                with m.Else():
                    finish(read_on=0)
            with m.State("INPUT"):
                m.d.sync += [program.eq(request.address), length.eq(request.count)]
                m.d.comb += [
                    self.receiving.eq(1),
                    self.i.ready.eq(~gathered_full | self.inputs.ready),
                ]
                complete = record_ends & final & coming_row_ends
                # Of a frame that goes on or has ended before its time.
                m.d.sync += status.eq(Mux(complete, Status.OVERLONG, Status.TRUNCATED))
                with m.If(valid & (~gathered_full | self.inputs.ready)):
                    gather()
                    m.d.sync += gathered.eq(Cat(gathered, self.i.payload.data)[word_bits:])
                    with m.If(record_ends):
                        m.d.sync += [
                            gathered_full.eq(1),
                            coming_row.eq(Mux(coming_row_ends, 0, coming_row + 1)),
                            coming_row_ends.eq(
                                Mux(coming_row_ends, images == 0, coming_row + 1 == images)
                            ),
                        ]
                        with m.If(coming_row_ends):
                            count()
                    with m.If(complete):
                        with m.If(ends):
                            m.next = "COMMIT"
                        with m.Else():
                            finish(read_on=1)
                    with m.Elif(ends):
                        m.d.sync += words.eq(0)
                        finish(read_on=0)
            with m.State("COMMIT"):
                # The last word is stored in this cycle or before; the run comes to it later.
                m.d.comb += self.runs.valid.eq(~gathered_full | self.inputs.ready)
                with m.If(self.runs.valid & self.runs.ready):
                    m.d.comb += commit.eq(1)
                    m.d.sync += bank.eq(~bank)
                    m.next = "HEADER"
            with m.State("WRITE"):
                m.d.comb += self.i.ready.eq(~whole)
                complete = record_ends & final
                at_end = Mux(ends, Status.OK, Status.OVERLONG)
                m.d.sync += status.eq(Mux(complete, at_end, Status.TRUNCATED))
                with m.If(valid & ~whole):
                    gather()
                    m.d.sync += taken_en.eq(1)
                    with m.If(record_ends):
                        m.d.sync += whole.eq(1)
                        count()
                    with m.If(complete):
                        finish(read_on=~ends)
                    with m.Elif(ends):
                        m.d.sync += words.eq(0)
                        finish(read_on=0)
            with m.State("FLUSH"):
                m.d.comb += self.flushes.eq(1)
                m.next = "FLUSHED"
            with m.State("FLUSHED"):
                # Whatever the runs still say in this cycle is not heard.
                m.d.sync += [outstanding.eq(0), banks_used.eq(0), bank.eq(0)]
                finish(read_on=0)
            with m.State("DISCARD"):
                m.d.comb += self.i.ready.eq(1)
                with m.If(valid & ends):
                    m.next = "REPLY"
            with m.State("REPLY"):
                with m.If(idle & ~whole & ~written & ~stores):
                    m.d.sync += self.reply.valid.eq(1)
                with m.If(self.reply.valid & self.reply.ready):
                    m.d.sync += self.reply.valid.eq(0)
                    m.next = "HEADER"
        return m

    def _refusal(self, m, request, beyond, empty, too_many, outside):
        """Why the header alone is refused; `Status.OK` when it is not."""
        result = Signal(Status)

        def transfer(records):
            with m.If(~Cat(request.arg == one.memory for one in records).any()):
                m.d.comb += result.eq(Status.UNKNOWN_MEMORY)
            with m.Elif(empty):
                m.d.comb += result.eq(Status.EMPTY)
            with m.Elif(beyond):
                m.d.comb += result.eq(Status.OUT_OF_RANGE)

        with m.Switch(request.opcode):
            with m.Case(Opcode.IDENTIFY, Opcode.COUNTERS, Opcode.RESET):
                pass
            with m.Case(Opcode.WRITE):
                transfer([r for r in map(self._record, Memory) if r.writable])
            with m.Case(Opcode.READ):
                transfer([self._record(memory) for memory in Memory])
            with m.Case(Opcode.INFER):
                with m.If(too_many):
                    m.d.comb += result.eq(Status.TOO_MANY_IMAGES)
                with m.Elif(empty):
                    m.d.comb += result.eq(Status.EMPTY)
                with m.Elif(outside):
                    m.d.comb += result.eq(Status.OUT_OF_RANGE)
            with m.Default():
                m.d.comb += result.eq(Status.UNKNOWN_OPCODE)
        return result

    def _record(self, memory):
        return record(self.config, memory)
