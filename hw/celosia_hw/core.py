"""Core: memories, feeder, array, drain and requantizers; everything but the host link."""

from amaranth import *
from amaranth.lib import data, fifo, memory, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from celosia.spec import DESCRIPTOR, PARAMETER, Config, Memory
from celosia.spec.timing import (
    READ_LATENCY,
    REQUANTIZER_LATENCY,
    RESULTS_DEPTH,
    TABLES_LATENCY,
)

from .activations import ActivationMemory, row_write
from .array import MacArray
from .cells import cells_of
from .drain import Drain
from .layouts import element, parameter_word, struct
from .receiver import memory_write
from .requantizer import Requantizer
from .responder import read_width, result
from .scanner import Scanner
from .sequencer import Sequencer, run
from .tables import ElementTables
from .walker import Walker, issue

__all__ = ["Core", "events"]


def events(config: Config) -> data.StructLayout:
    """What happens in a cycle, for the counters."""
    return data.StructLayout(
        {
            "busy": 1,
            "issued": 1,
            "skipped": range(config.lanes + 1),
            "stall_output": 1,
            "stall_drain": 1,
            "stall_data": 1,
            "images": range(config.rows + 1),
        }
    )


class Core(wiring.Component):
    """Executes runs: sequencer -> scanner -> walker -> array -> drain -> requantizers -> memory.

    From the cycle in which the walker decides on a k to the array's operands:
    1 + `OPERAND_LATENCY` cycles; from there see `MacArray`, `Drain`, `Requantizer` and
    `ElementTables`. `docs/theory_of_operation.md` has the whole timeline, and
    `celosia.model.cycles` predicts it.

    Members
    -------
    runs : In(stream of `run`), run_done : Out(1)
    inputs : In(stream of `row_write`)
    results : Out(stream of `result`)
    fault : Out(1), fault_addr : Out, fault_taken : In(1)
    write : In(`memory_write`), write_en : In(1)
    reading : In(1), read_memory, read_row, read_addr : In, read_data : Out; only between runs.
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
                "write_en": In(1),
                "reading": In(1),
                "read_memory": In(Memory),
                "read_row": In(range(config.rows)),
                "read_addr": In(24),
                "read_data": Out(read_width(config)),
                "events": Out(events(config)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self.config
        m.submodules.sequencer = sequencer = Sequencer(config)
        m.submodules.scanner = scanner = Scanner(config)
        m.submodules.walker = walker = Walker(config)
        m.submodules.activations = activations = ActivationMemory(config)
        m.submodules.array = array = MacArray(config)
        m.submodules.drain = drain = Drain(config)
        m.submodules.tables = tables = ElementTables(config)

        # Layers go to scanner and drain in the same cycle; `celosia_hw.sequencer` counts on it.
        m.d.comb += [
            scanner.i.payload.eq(sequencer.o.payload),
            drain.i.payload.eq(sequencer.o.payload),
            scanner.i.valid.eq(sequencer.o.valid & drain.i.ready),
            drain.i.valid.eq(sequencer.o.valid & scanner.i.ready),
            sequencer.o.ready.eq(scanner.i.ready & drain.i.ready),
        ]
        connect(m, flipped(self.runs), sequencer.i)
        connect(m, flipped(self.inputs), activations.inputs)
        connect(m, scanner.o, walker.i)
        m.d.comb += [
            scanner.guard.eq(sequencer.guard),
            activations.mask_addr.eq(scanner.mask_addr),
            activations.mask_en.eq(scanner.mask_en),
            scanner.mask_data.eq(activations.mask_data),
            walker.drain_free.eq(drain.free),
            drain.claim.eq(walker.claim),
        ]

        # Memories that the host writes, each with its read address while the engine runs.
        program = self._memory(m, Memory.PROGRAM, struct(DESCRIPTOR), sequencer.program_addr)
        params = self._memory(m, Memory.PARAMS, parameter_word(config), drain.param_addr)
        m.submodules.weights = weights = cells_of(platform).WeightMemory(
            8 * config.cols, config.weight_depth
        )
        m.d.comb += [
            weights.write_addr.eq(self.write.addr),
            weights.write_data.eq(self.write.data),
            weights.write_en.eq(self.write_en & (self.write.memory == Memory.WEIGHTS)),
            weights.addr.eq(Mux(self.reading, self.read_addr, walker.o.weights)),
        ]
        m.d.comb += [sequencer.program_data.eq(program), drain.param_data.eq(params)]
        m.d.comb += [
            tables.write_addr.eq(Mux(self.reading, self.read_addr, self.write.addr)),
            tables.write_data.eq(self.write.data),
            tables.write_en.eq(self.write_en & (self.write.memory == Memory.TABLES)),
            tables.read.eq(self.reading),
            activations.addr.eq(Mux(self.reading, self.read_addr, walker.o.src)),
        ]
        self._read(m, weights.data, params, program, tables.read_data, activations.data)

        # Operands: the issue waits for the memories, then picks its byte.
        fetched, fetched_en = walker.o, walker.o_en
        for delay in range(READ_LATENCY):
            later = Signal(issue(config), name=f"issue_{delay}")
            later_en = Signal(name=f"issue_en_{delay}")
            m.d.sync += [later.eq(fetched), later_en.eq(fetched_en)]
            fetched, fetched_en = later, later_en
        m.d.sync += array.en.eq(fetched_en)
        with m.If(fetched_en):
            m.d.sync += [
                array.last.eq(fetched.last),
                array.w.eq(weights.data),
            ]
            # One selection for all rows; a variable shift in each would cost simulators more.
            with m.Switch(fetched.byte):
                for byte in range(config.lanes):
                    with m.Case(byte):
                        m.d.sync += [
                            array.u[row].eq(activations.data[row][byte])
                            for row in range(config.rows)
                        ]

        # Results: requantize, look up, then store and emit.
        m.d.comb += [
            drain.head.eq(array.head),
            array.shift.eq(drain.shift),
            drain.captured.eq(array.captured),
            tables.use.eq(drain.finish.use_table),
            tables.index.eq(drain.finish.table),
        ]
        # Each element travels beside its bytes.
        elements, elements_en = [drain.o], [drain.o_en]
        for stage in range(REQUANTIZER_LATENCY + TABLES_LATENCY):
            elements.append(Signal(element(config), name=f"element_{stage}"))
            elements_en.append(Signal(name=f"element_en_{stage}"))
            m.d.sync += elements_en[-1].eq(elements_en[-2])
            with m.If(elements_en[-2]):
                m.d.sync += elements[-1].eq(elements[-2])
        arrived, arrived_en = elements[-1], elements_en[-1]
        m.submodules.requantizer = requantizer = Requantizer(config)
        m.d.comb += [
            requantizer.en.eq(drain.o_en),
            requantizer.acc.eq(drain.acc),
            requantizer.parameters.eq(drain.parameters),
            requantizer.rounding.eq(drain.finish.rounding),
            requantizer.zero_point.eq(drain.finish.zero_point),
            requantizer.clamp_min.eq(drain.finish.clamp_min),
            requantizer.clamp_max.eq(drain.finish.clamp_max),
            tables.i.eq(requantizer.o),
            tables.en.eq(elements_en[-1 - TABLES_LATENCY]),
        ]
        layer_done = arrived_en & arrived.layer_end
        m.d.comb += [
            activations.results_en.eq(arrived_en & drain.finish.store),
            activations.results.row.eq(arrived.row),
            activations.results.active.eq(arrived.active),
            activations.results.dst.eq(arrived.dst),
            activations.results.word_end.eq(arrived.word_end),
            activations.results.data.eq(tables.o),
            drain.layer_done.eq(layer_done),
            sequencer.layer_done.eq(layer_done),
            sequencer.word_done.eq(arrived_en & arrived.word_end),
            sequencer.word_dst.eq(arrived.dst),
            self.run_done.eq(sequencer.run_done),
        ]

        results = result(config)
        m.submodules.results = queue = fifo.SyncFIFOBuffered(
            width=results.size, depth=RESULTS_DEPTH
        )
        entering = Signal(results)
        m.d.comb += [
            entering.data.eq(tables.o),
            entering.frame_end.eq(arrived.frame_end),
            queue.w_data.eq(entering.as_value()),
            # The drain holds a slot for every element that is to come here.
            queue.w_en.eq(arrived_en & arrived.active & drain.finish.emit),
            self.results.payload.eq(queue.r_data),
            self.results.valid.eq(queue.r_rdy),
            queue.r_en.eq(self.results.ready),
            drain.result_taken.eq(queue.r_rdy & queue.r_en),
            self.fault.eq(sequencer.fault & (queue.level == 0)),
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

    def _memory(self, m, which, shape, addr):
        """A memory that WRITE fills; returns the data of ``addr``, one cycle later."""
        depth = {
            Memory.PROGRAM: self.config.program_depth,
            Memory.PARAMS: self.config.param_depth,
        }[which]
        storage = memory.Memory(shape=shape, depth=depth, init=[])
        m.submodules[which.name.lower()] = storage
        write_port, read_port = storage.write_port(), storage.read_port()
        m.d.comb += [
            write_port.addr.eq(self.write.addr),
            write_port.en.eq(self.write_en & (self.write.memory == which)),
            read_port.addr.eq(Mux(self.reading, self.read_addr, addr)),
        ]
        if which is Memory.PARAMS:
            # On the link a parameter is padded to whole bytes, in the memory it is not.
            packed = data.ArrayLayout(8 * PARAMETER.size, self.config.lanes)
            padded = data.View(packed, self.write.data[: packed.size])
            m.d.comb += [
                Value.cast(write_port.data[lane]).eq(padded[lane])
                for lane in range(self.config.lanes)
            ]
        else:
            m.d.comb += Value.cast(write_port.data).eq(self.write.data)
        return read_port.data

    def _read(self, m, weights, params, program, tables, activations):
        """`read_data`, three cycles after `read_addr`: memory, register, selection.

        ``weights`` and ``activations`` come from registers, as the array gets them; the others
        come straight from their memories.
        """
        padding = C(0, 8 * PARAMETER.size - PARAMETER.width)
        padded = Cat(Cat(params[lane], padding) for lane in range(self.config.lanes))
        held = {}
        for which, source in (
            (Memory.PARAMS, padded),
            (Memory.PROGRAM, program.as_value()),
            (Memory.TABLES, tables),
        ):
            held[which] = Signal(len(source), name=f"held_{which.name.lower()}")
            with m.If(self.reading):
                m.d.sync += held[which].eq(source)
        held[Memory.WEIGHTS] = weights
        with m.If(self.reading), m.Switch(self.read_memory):
            for which, source in held.items():
                with m.Case(which):
                    m.d.sync += self.read_data.eq(source)
            with m.Case(Memory.ACTIVATIONS), m.Switch(self.read_row):
                for row in range(self.config.rows):
                    with m.Case(row):
                        m.d.sync += self.read_data.eq(activations[row].as_value())
