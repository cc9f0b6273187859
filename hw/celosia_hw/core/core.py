"""Core: memories, feeder, array, drain and requantizers; everything but the host link."""

from amaranth import *
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from celosia.spec import DESCRIPTOR, PARAMETER, Config, Memory
from celosia.spec.timing import READ_LATENCY, REQUANTIZER_LATENCY, RESULTS_DEPTH, TABLES_LATENCY
from celosia_hw.array.mac_array import MacArray
from celosia_hw.cells import cells_of
from celosia_hw.feeder.scanner import Scanner
from celosia_hw.feeder.walker import Walker
from celosia_hw.layouts import (
    element,
    events,
    issue,
    memory_write,
    parameter_word,
    read_records,
    result,
    row_write,
    run,
    struct,
    word,
    written_record,
)
from celosia_hw.postprocess.drain import Drain
from celosia_hw.postprocess.requantizer import Requantizer
from celosia_hw.postprocess.tables import ElementTables
from celosia_hw.util.pipelined_mux import picks
from celosia_hw.util.skid_buffer import SkidBuffer

from .activations import ActivationMemory
from .sequencer import Sequencer

__all__ = ["Core"]


class Core(wiring.Component):
    """Executes runs: sequencer -> scanner -> walker -> array -> drain -> requantizers -> memory.

    From the cycle in which the walker decides on a k to the array's operands:
    1 + `OPERAND_LATENCY` cycles; from there see `MacArray`, `Drain`, `Requantizer` and
    `ElementTables`. `docs/theory_of_operation.md` has the whole timeline, and
    `celosia.predict.cycles` predicts it.

    Members
    -------
    runs : In(stream of `run`), run_done : Out(1)
    inputs : In(stream of `row_write`)
    results : Out(stream of `result`)
    fault : Out(1), fault_addr : Out, fault_taken : In(1)
    write : In(`memory_write`)
    reading : In(1), read_row, read_addr : In, read_data : Out(`read_records`); only between runs.
    events : Out(`events`)
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "runs": In(stream.Signature(run(config))),
                "run_done": Out(1),
                "inputs": In(stream.Signature(row_write(config))),
                "results": Out(stream.Signature(result(config))),
                "fault": Out(1),
                "fault_addr": Out(range(config.program_depth + 1)),
                "fault_taken": In(1),
                "write": In(memory_write(config)),
                "reading": In(1),
                "read_row": In(range(config.rows)),
                "read_addr": In(24),
                "read_data": Out(read_records(config)),
                "events": Out(events(config)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self.config
        slow = config.requantizer_cycles > 1
        m.submodules.sequencer = sequencer = Sequencer(config)
        m.submodules.scanner = scanner = Scanner(config)
        m.submodules.walker = walker = Walker(config)
        m.submodules.activations = activations = ActivationMemory(config)
        m.submodules.array = array = MacArray(config)
        m.submodules.drain = drain = Drain(config)
        m.submodules.tables = tables = ElementTables(config)

        # Layers go to scanner and drain in the same cycle; the sequencer counts on it.
        m.d.comb += [
            scanner.i.payload.eq(sequencer.o.payload),
            drain.i.payload.eq(sequencer.o.payload),
            scanner.i.valid.eq(sequencer.o.valid & drain.i.ready),
            drain.i.valid.eq(sequencer.o.valid & scanner.i.ready),
            sequencer.o.ready.eq(scanner.i.ready & drain.i.ready),
        ]
        connect(m, flipped(self.runs), sequencer.i)
        connect(m, scanner.o, walker.i)
        m.d.comb += [
            scanner.guard.eq(sequencer.guard),
            activations.mask_addr.eq(scanner.mask_addr),
            scanner.mask_data.eq(activations.mask_data),
            walker.drain_free.eq(drain.free),
            drain.claim.eq(walker.claim),
        ]

        # Memories that the host writes, each with its read address while the engine runs.
        cells = cells_of(platform)
        m.submodules.program = program = cells.DualPortMemory(
            struct(DESCRIPTOR).size, config.program_depth
        )
        m.submodules.params = params = cells.DualPortMemory(
            parameter_word(config).size, config.param_depth
        )
        m.submodules.weights = weights = cells.WeightMemory(8 * config.cols, config.weight_depth)
        for which, storage, packed in (
            (Memory.PROGRAM, program, Value.cast),
            (Memory.PARAMS, params, self._unpadded),
            (Memory.WEIGHTS, weights, Value.cast),
        ):
            m.d.comb += [
                storage.write_addr.eq(self.write.addr),
                storage.write_data.eq(packed(written_record(config, self.write, which))),
                storage.write_en.eq(self.write.en[which]),
            ]
        # As late as the addresses that come through walker and drain.
        reading, read_addr = Signal(), Signal.like(self.read_addr, reset_less=True)
        m.d.sync += [reading.eq(self.reading), read_addr.eq(self.read_addr)]
        m.d.comb += [
            program.addr.eq(Mux(reading, read_addr, sequencer.program_addr)),
            params.addr.eq(drain.param_addr),
            activations.addr.eq(walker.o.src),
            walker.reading.eq(self.reading),
            walker.read_addr.eq(self.read_addr),
            drain.reading.eq(self.reading),
            drain.read_addr.eq(self.read_addr),
            sequencer.program_data.eq(program.data),
            drain.param_data.eq(params.data),
            tables.write_addr.eq(Mux(reading, read_addr, self.write.addr)),
            tables.read.eq(reading),
            self.read_data.weights.eq(weights.data),
            self.read_data.params.eq(self._padded(params.data)),
            self.read_data.program.eq(program.data),
            self.read_data.tables.eq(tables.read_data),
        ]
        if config.tables:
            m.d.comb += [
                tables.write_data.eq(written_record(config, self.write, Memory.TABLES)),
                tables.write_en.eq(self.write.en[Memory.TABLES]),
            ]
        rows = [activations.data[row].as_value() for row in range(config.rows)]
        with m.If(self.reading):
            read_row = picks(m, self.read_row, rows, "read_row")
        m.d.comb += self.read_data.activations.eq(read_row)

        # Activations are operands a cycle after they were read. Weights are at once: their address
        # waits for it, because it goes to more memories and has fewer bits.
        weight_addr = Signal.like(weights.addr, reset_less=True)
        m.d.sync += weight_addr.eq(walker.o.weights)
        m.d.comb += [weights.addr.eq(weight_addr), array.w.eq(weights.data)]

        # Operands: the issue waits for the memories, then picks its byte.
        fetched, fetched_en = walker.o, walker.o_en
        for delay in range(READ_LATENCY):
            later = Signal(issue(config), name=f"issue_{delay}", reset_less=True)
            later_en = Signal(name=f"issue_en_{delay}")
            m.d.sync += [later.eq(fetched), later_en.eq(fetched_en)]
            fetched, fetched_en = later, later_en
        u, last = Signal(array.u.shape(), reset_less=True), Signal(reset_less=True)
        m.d.comb += [array.u.eq(u), array.last.eq(last)]
        m.d.sync += array.en.eq(fetched_en)
        with m.If(fetched_en):
            m.d.sync += last.eq(fetched.last)
            cells.bits.take_byte(m, fetched.byte, activations.data, u)

        # Results: requantize, look up, then store and emit.
        m.d.comb += [
            drain.head.eq(array.head),
            array.shift.eq(drain.shift),
            drain.capturing.eq(array.capturing),
            tables.use.eq(drain.finish.use_table),
            tables.index.eq(drain.finish.table),
        ]
        m.submodules.requantizer = requantizer = Requantizer(config)
        # The place of a beat travels beside its bytes, unless beats are so slow that it stands.
        arrived, arriving = drain.o, drain.o
        if not slow:
            place_en = drain.o_en
            for stage in range(REQUANTIZER_LATENCY + TABLES_LATENCY):
                later = Signal(element(config), name=f"element_{stage}", reset_less=True)
                later_en = Signal(name=f"element_en_{stage}")
                m.d.sync += later_en.eq(place_en)
                with m.If(place_en):
                    m.d.sync += later.eq(arrived)
                arriving, arrived, place_en = arrived, later, later_en
        arriving_en = arrived_en = requantizer.o_en
        for stage in range(TABLES_LATENCY):
            arriving_en, arrived_en = arrived_en, Signal(name=f"arrived_en_{stage}")
            m.d.sync += arrived_en.eq(arriving_en)
        m.d.comb += [
            requantizer.en.eq(drain.o_en),
            requantizer.acc.eq(drain.acc),
            requantizer.parameters.eq(drain.parameters),
            requantizer.rounding.eq(drain.finish.rounding),
            requantizer.zero_point.eq(drain.finish.zero_point),
            requantizer.clamp_min.eq(drain.finish.clamp_min),
            requantizer.clamp_max.eq(drain.finish.clamp_max),
            tables.i.eq(requantizer.o),
        ]
        # The beats of a word come one after the other; with the last one it is whole.
        whole, arrived_word = arrived_en & arrived.whole, Signal(word(config))
        earlier = Signal(len(arrived_word.as_value()) - len(tables.o.as_value()), reset_less=True)
        m.d.comb += arrived_word.eq(Cat(earlier, tables.o))
        with m.If(arrived_en):
            m.d.sync += earlier.eq(Cat(earlier, tables.o)[len(tables.o.as_value()) :])
        # Known a cycle ahead, so that the inputs' `ready`, which goes far, is a register.
        stores, inputs_ready = Signal(), Signal(init=1)
        will_store = arriving_en & arriving.whole & drain.finish.store
        m.d.sync += [stores.eq(will_store), inputs_ready.eq(~will_store)]
        m.d.comb += [
            activations.inputs.payload.eq(self.inputs.payload),
            activations.inputs.valid.eq(self.inputs.valid),
            self.inputs.ready.eq(inputs_ready),
        ]
        layer_done = arrived_en & arrived.layer_end
        m.d.comb += [
            activations.results_en.eq(stores),
            activations.results.row.eq(arrived.row),
            activations.results.active.eq(arrived.active),
            activations.results.dst.eq(arrived.dst),
            activations.results.word_end.eq(arrived.word_end),
            activations.results.data.eq(arrived_word),
            drain.layer_done.eq(layer_done),
            sequencer.layer_done.eq(layer_done),
            sequencer.word_done.eq(arrived_en & arrived.word_end),
            sequencer.word_dst.eq(arrived.dst),
            self.run_done.eq(sequencer.run_done),
        ]

        results = result(config)
        queue = fifo.SyncFIFOBuffered(width=results.size, depth=RESULTS_DEPTH)
        m.submodules.results = queue
        # What takes results is not to reach the queue within a cycle.
        m.submodules.skid = skid = SkidBuffer(results)
        connect(m, skid.o, flipped(self.results))
        m.d.sync += self.fault.eq(
            sequencer.fault & (queue.level == 0) & ~skid.o.valid & ~self.fault_taken
        )
        m.d.sync += drain.result_taken.eq(self.results.valid & self.results.ready)
        entering = Signal(results)
        m.d.comb += [
            entering.data.eq(arrived_word),
            entering.frame_end.eq(arrived.frame_end),
            queue.w_data.eq(entering.as_value()),
            # The drain holds a slot for every word that is to come here.
            queue.w_en.eq(whole & arrived.active & drain.finish.emit),
            skid.i.payload.eq(queue.r_data),
            skid.i.valid.eq(queue.r_rdy),
            queue.r_en.eq(skid.i.ready),
            self.fault_addr.eq(sequencer.fault_addr),
            sequencer.fault_taken.eq(self.fault_taken),
        ]

        m.d.comb += [
            self.events.busy.eq(sequencer.in_flight != 0),
            self.events.issued.eq(walker.o_en),
            self.events.skipped.eq(scanner.skipped),
            self.events.stall_output.eq(drain.stalled),
            self.events.stall_drain.eq(walker.stalled),
            self.events.stall_data.eq(scanner.stalled),
        ]
        with m.If(arrived_en & arrived.frame_end):
            m.d.comb += self.events.images.eq(arrived.row + 1)
        return m

    def _unpadded(self, record):
        """A parameter word as it is stored; on the link each parameter is padded to whole bytes."""
        padded = 8 * PARAMETER.size
        every = range(self.config.requantizers)
        return Cat(record[padded * n :][: PARAMETER.width] for n in every)

    def _padded(self, stored):
        """The inverse of `_unpadded`."""
        padding, width = C(0, 8 * PARAMETER.size - PARAMETER.width), PARAMETER.width
        every = range(self.config.requantizers)
        return Cat(Cat(stored[width * n :][:width], padding) for n in every)
