"""The memories of the engine: written and read by the host, read by the blocks that compute."""

from collections.abc import Callable
from types import ModuleType

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from celosia.spec import INPUT_LAYOUT, PARAMETER, Config, Memory, descriptor
from celosia_hw.cells import cells_of
from celosia_hw.layouts import (
    memory_write,
    parameter_word,
    read_records,
    row_write,
    struct,
    word,
    written_record,
)
from celosia_hw.postprocess.element_tables import table_ports
from celosia_hw.util.pipelined_mux import pipelined_mux
from celosia_hw.util.read_port import ReadPort

from .activations import ActivationMemory
from .stripe_memory import StripeMemory

__all__ = ["Memories"]


class Memories(wiring.Component):
    """Weights, parameters, program, element tables and activations, behind a port for each reader.

    Data follow their address by `READ_LATENCY` cycles; weights by one more, because their address
    fans out to the most memories. Activations are written as `ActivationMemory` says.

    The host writes with `write`, a record in every cycle. It reads while ``reading`` is 1, and only
    while no run is in flight: the address at every port is ``read_addr`` then, and `records` has
    the record at it in each memory, `celosia.spec.timing.RECORD_LATENCY` cycles after address and
    row are held. Bit-exact with `celosia.model.Memories`.

    Parameters
    ----------
    config : the engine's configuration.

    Members
    -------
    write : In(`memory_write`).
    reading : In(1).
    read_row : In, row whose activations are read.
    read_addr : In.
    records : Out(`read_records`).
    program, params, weights : In(`ReadPort`).
    tables : In(array of `ReadPort`, one for each requantizer); without tables there is none.
    activations : In(`ReadPort` of one `word` per row); with convolution In(array of `ReadPort` of a
        `word`, one per row).
    masks : In(`ReadPort` of ``lanes`` bits).
    inputs : In(stream of `row_write`).
    results : In(stream of `row_write`, always ready).
    result_next : In(1), `results` is valid in the next cycle.
    layout : Out(`INPUT_LAYOUT`), what the host wrote; with convolution only.
    """

    def __init__(self, config: Config):
        self.config = config
        writes = memory_write(config)
        super().__init__(
            {
                "write": In(writes),
                "reading": In(1),
                "read_row": In(range(config.rows)),
                "read_addr": In(writes["addr"].shape),
                "records": Out(read_records(config)),
                "program": In(ReadPort(config.program_depth, struct(descriptor(config)))),
                "params": In(ReadPort(config.param_depth, parameter_word(config))),
                "weights": In(ReadPort(config.weight_depth, 8 * config.cols)),
                **{name: member.flip() for name, member in row_ports(config).items()},
                "masks": In(ReadPort(config.act_depth, config.lanes)),
                "inputs": In(stream.Signature(row_write(config))),
                "results": In(stream.Signature(row_write(config), always_ready=True)),
                "result_next": In(1),
                **{name: member.flip() for name, member in table_ports(config).items()},
                **({"layout": Out(struct(INPUT_LAYOUT))} if config.convolution else {}),
            }
        )

    def elaborate(self, platform):
        m = Module()
        cells = cells_of(platform)
        config = self.config
        # Registers, because the host's address fans out to all memories.
        reading = Signal()
        read_addr = Signal.like(self.read_addr, reset_less=True)
        m.d.sync += [reading.eq(self.reading), read_addr.eq(self.read_addr)]

        # A cycle later for parameters and program, which are far away where rows have memories of
        # their own; the selection of a row takes longer.
        late = (reading, read_addr)
        if config.convolution:
            late = Signal(name="late_reading"), Signal.like(read_addr, name="late_read_addr")
            m.d.sync += [late[0].eq(reading), late[1].eq(read_addr)]

        def address(port: wiring.PureInterface, hosts=(reading, read_addr)) -> Value:
            """What is read through ``port``: the host's address or its own."""
            return Mux(hosts[0], hosts[1], port.addr)

        m.submodules.program = program = cells.DualPortMemory(
            struct(descriptor(config)).size, config.program_depth
        )
        m.submodules.params = params = cells.DualPortMemory(
            parameter_word(config).size, config.param_depth
        )
        m.submodules.weights = weights = cells.WeightMemory(8 * config.cols, config.weight_depth)
        self._write(m, program, Memory.PROGRAM)
        self._write(m, params, Memory.PARAMS)
        self._write(m, weights, Memory.WEIGHTS)
        weight_addr = Signal.like(weights.addr, reset_less=True)
        m.d.sync += weight_addr.eq(address(self.weights))
        m.d.comb += [
            program.addr.eq(address(self.program, late)),
            self.program.data.eq(program.data),
            params.addr.eq(address(self.params, late)),
            self.params.data.eq(params.data),
            weights.addr.eq(weight_addr),
            self.weights.data.eq(weights.data),
            self.records.program.eq(program.data),
            self.records.params.eq(self._padded(params.data)),
            self.records.weights.eq(weights.data),
        ]
        if config.tables:
            self._tables(m, cells, address)

        m.submodules.activations = activations = (
            StripeMemory(config) if config.convolution else ActivationMemory(config)
        )
        connect(m, flipped(self.inputs), activations.inputs)
        connect(m, flipped(self.results), activations.results)
        connect(m, flipped(self.masks), activations.masks)
        m.d.comb += activations.result_next.eq(self.result_next)
        if config.convolution:
            self._layout(m)
            for own, port in zip(activations.rows, self.activations, strict=True):
                m.d.comb += [own.addr.eq(address(port)), port.data.eq(own.data)]
            rows = [port.data.as_value() for port in activations.rows]
        else:
            m.d.comb += [
                activations.rows.addr.eq(address(self.activations)),
                self.activations.data.eq(activations.rows.data),
            ]
            rows = [activations.rows.data[row].as_value() for row in range(config.rows)]
        with m.If(self.reading):
            read_row = pipelined_mux(m, self.read_row, rows, "read_row")
        m.d.comb += self.records.activations.eq(read_row)
        return m

    def _layout(self, m: Module) -> None:
        """The layout of inputs, a register; like any memory it keeps its contents in reset."""
        record = written_record(self.config, self.write, Memory.LAYOUT)
        layout = Signal.like(self.layout.as_value(), name="held_layout", reset_less=True)
        with m.If(self.write.en[Memory.LAYOUT]):
            m.d.sync += layout.eq(record)
        m.d.comb += [self.layout.eq(layout), self.records.layout.eq(layout)]

    def _tables(self, m: Module, cells: ModuleType, address: Callable) -> None:
        """A copy of the element tables for each requantizer; the host reads the first one."""
        for lane, port in enumerate(self.tables):
            table = cells.DualPortMemory(8, 256 * self.config.tables)
            m.submodules[f"table_{lane}"] = table
            self._write(m, table, Memory.TABLES)
            m.d.comb += [
                table.addr.eq(port.addr if lane else address(port)),
                port.data.eq(table.data),
            ]
            if not lane:
                m.d.comb += self.records.tables.eq(table.data)

    def _write(self, m: Module, storage, memory: Memory) -> None:
        """Let the host write ``storage``, which is (a copy of) ``memory``."""
        record = written_record(self.config, self.write, memory)
        # Parameters are far away where rows have memories of their own: there a cycle later.
        far = memory == Memory.PARAMS and self.config.convolution
        domain = "sync" if far else "comb"
        m.d[domain] += [
            storage.write_addr.eq(self.write.addr),
            storage.write_data.eq(self._unpadded(record) if memory == Memory.PARAMS else record),
            storage.write_en.eq(self.write.en[memory]),
        ]

    def _unpadded(self, record: Value) -> Value:
        """A parameter word as it is stored; on the link each parameter is padded to whole bytes."""
        padded = 8 * PARAMETER.size
        every = range(self.config.requantizers)
        return Cat(record[padded * n :][: PARAMETER.width] for n in every)

    def _padded(self, stored: Value) -> Value:
        """The inverse of `_unpadded`."""
        padding, width = C(0, 8 * PARAMETER.size - PARAMETER.width), PARAMETER.width
        every = range(self.config.requantizers)
        return Cat(Cat(stored[width * n :][:width], padding) for n in every)


def row_ports(config: Config) -> dict[str, wiring.Member]:
    """Member ``activations`` of a block that reads them: one address for all rows, or with
    convolution one for each."""
    if config.convolution:
        return {"activations": Out(ReadPort(config.act_depth, word(config))).array(config.rows)}
    rows = data.ArrayLayout(word(config), config.rows)
    return {"activations": Out(ReadPort(config.act_depth, rows))}
