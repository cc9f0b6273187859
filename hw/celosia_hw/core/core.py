"""Core: everything but the host link and the counters."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from celosia.spec import INPUT_LAYOUT, Config
from celosia_hw.array.mac_array import MacArray
from celosia_hw.feeder.feeder import Feeder
from celosia_hw.feeder.operands import Operands
from celosia_hw.feeder.row_operands import RowOperands
from celosia_hw.layouts import events, memory_write, read_records, result, row_write, run, struct
from celosia_hw.postprocess.drain import Drain
from celosia_hw.postprocess.postprocess import Postprocess
from celosia_hw.postprocess.writeback import Writeback

from .memories import Memories
from .sequencer import Sequencer

__all__ = ["Core"]


class Core(wiring.Component):
    """Executes runs; connects its blocks and nothing else.

    sequencer -> feeder -> operands -> array -> drain -> postprocess -> writeback, with the memories
    beside them. The latencies are those of the blocks; `docs/theory_of_operation.md` has the whole
    timeline, and `celosia.predict` predicts it. Bit-exact with `celosia.model.Program`.

    Parameters
    ----------
    config : the engine's configuration.

    Members
    -------
    runs : In(stream of `run`).
    run_done : Out(1), a run has ended.
    inputs : In(stream of `row_write`).
    results : Out(stream of `result`).
    fault : Out(1), the run has met an illegal descriptor at ``fault_addr``, and all its results
        have been taken; until ``fault_taken``.
    fault_addr : Out.
    fault_taken : In(1).
    write : In(`memory_write`).
    reading : In(1), only between runs.
    read_row, read_addr : In.
    read_data : Out(`read_records`), as in `Memories`.
    events : Out(`events`).
    layout : Out(`INPUT_LAYOUT`), with convolution only.
    """

    def __init__(self, config: Config):
        self.config = config
        writes = memory_write(config)
        super().__init__(
            {
                "runs": In(stream.Signature(run(config))),
                "run_done": Out(1),
                "inputs": In(stream.Signature(row_write(config))),
                "results": Out(stream.Signature(result(config))),
                "fault": Out(1),
                "fault_addr": Out(range(config.program_depth + 1)),
                "fault_taken": In(1),
                "write": In(writes),
                "reading": In(1),
                "read_row": In(range(config.rows)),
                "read_addr": In(writes["addr"].shape),
                "read_data": Out(read_records(config)),
                "events": Out(events(config)),
                **({"layout": Out(struct(INPUT_LAYOUT))} if config.convolution else {}),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.memories = memories = Memories(self.config)
        m.submodules.sequencer = sequencer = Sequencer(self.config)
        m.submodules.feeder = feeder = Feeder(self.config)
        stage = RowOperands if self.config.convolution else Operands
        m.submodules.operands = operands = stage(self.config)
        m.submodules.array = array = MacArray(self.config)
        m.submodules.drain = drain = Drain(self.config)
        m.submodules.postprocess = postprocess = Postprocess(self.config)
        m.submodules.writeback = writeback = Writeback(self.config)

        # A layer goes to feeder and drain in the same cycle.
        m.d.comb += [
            feeder.i.payload.eq(sequencer.o.payload),
            drain.i.payload.eq(sequencer.o.payload),
            feeder.i.valid.eq(sequencer.o.valid & drain.i.ready),
            drain.i.valid.eq(sequencer.o.valid & feeder.i.ready),
            sequencer.o.ready.eq(feeder.i.ready & drain.i.ready),
        ]
        connect(m, flipped(self.runs), sequencer.i)
        connect(m, feeder.o, operands.i)
        connect(m, operands.o, array.i)
        connect(m, drain.o, postprocess.i)
        connect(m, postprocess.o, writeback.i)
        connect(m, writeback.host, flipped(self.results))
        self._connect_memories(m, memories, sequencer, feeder, operands, drain, postprocess)
        connect(m, writeback.results, memories.results)
        m.d.comb += [
            memories.result_next.eq(writeback.result_next),
            feeder.hazard.eq(sequencer.hazard),
            feeder.drain_free.eq(drain.free),
            drain.claim.eq(feeder.claim),
            drain.claim_parity.eq(feeder.claim_parity),
            drain.capturing.eq(array.capturing),
            drain.head.eq(array.head),
            array.shift.eq(drain.shift),
            array.word_end.eq(drain.word_end),
            drain.credit.eq(writeback.credit),
            drain.room.eq(writeback.room),
            writeback.reserve.eq(drain.reserve),
            writeback.store_next.eq(postprocess.store_next),
            sequencer.layer_done.eq(writeback.layer_done),
            sequencer.word_done.eq(writeback.word_done),
            self.run_done.eq(sequencer.run_done),
            sequencer.fault_taken.eq(self.fault_taken),
            self.fault_addr.eq(sequencer.fault_addr),
            self.events.busy.eq(sequencer.in_flight != 0),
            self.events.issued.eq(feeder.o.valid),
            self.events.skipped.eq(feeder.skipped),
            self.events.stall_output.eq(drain.stalled),
            self.events.stall_drain.eq(feeder.stall_drain),
            self.events.stall_data.eq(feeder.stall_data),
            self.events.images.eq(writeback.images),
        ]
        for parity, held in enumerate(drain.settings):
            m.d.comb += [
                postprocess.settings[parity].eq(held),
                writeback.settings[parity].eq(held),
            ]
            if self.config.convolution:
                m.d.comb += writeback.destinations[parity].eq(drain.destinations[parity])
        m.d.sync += self.fault.eq(sequencer.fault & writeback.empty & ~self.fault_taken)
        return m

    def _connect_memories(
        self, m, memories, sequencer, feeder, operands, drain, postprocess
    ) -> None:
        connect(m, flipped(self.inputs), memories.inputs)
        connect(m, sequencer.program, memories.program)
        connect(m, feeder.masks, memories.masks)
        if self.config.convolution:
            m.d.comb += operands.origins.eq(feeder.origins)
            for reader, port in zip(operands.activations, memories.activations, strict=True):
                connect(m, reader, port)
        else:
            connect(m, operands.activations, memories.activations)
        connect(m, operands.weights, memories.weights)
        connect(m, drain.params, memories.params)
        if self.config.convolution:
            m.d.comb += self.layout.eq(memories.layout)
        if self.config.tables:
            for reader, port in zip(postprocess.tables, memories.tables, strict=True):
                connect(m, reader, port)
        m.d.comb += [
            memories.write.eq(self.write),
            memories.reading.eq(self.reading),
            memories.read_row.eq(self.read_row),
            memories.read_addr.eq(self.read_addr),
            self.read_data.eq(memories.records),
        ]
