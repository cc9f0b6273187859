"""Memories: written by the host, read by it and by every block that computes."""

from collections import deque
from collections.abc import Callable

import numpy as np

from celosia.model import Memories
from celosia.spec import DESCRIPTOR, PARAMETER, Memory, memories, record
from celosia.spec.timing import READ_LATENCY, RECORD_LATENCY, WEIGHTS_LATENCY
from celosia_hw.layouts import memory_write, read_records, row_write, writable
from tb import settings
from tb.base import TB, bench_stalled
from tb.pack import bits, noise, pack, unpack

from .row_writes import RowMemories, row_writes


class MemoriesTB(TB):
    """Plays the host and all readers.

    Attributes
    ----------
    model : what the host has written; rows : what inputs and results have.
    ports : name -> (depth, latency, the word at an address).
    """

    def __init__(self, dut, name: str, stall: tuple[float, float]):
        super().__init__(dut, name)
        config = self.config
        self.stall = stall
        self.model, self.rows = Memories(config), RowMemories(config.rows, config.act_depth)
        self.inputs = self.source("inputs", stall[0])
        self.monitor("inputs", lambda payload: self._stored("inputs", payload))
        self.monitor("results", lambda payload: self._stored("results", payload))
        self.ports: dict[str, tuple[int, int, Callable[[int], int]]] = {
            "program": (config.program_depth, READ_LATENCY, self._descriptor),
            "params": (config.param_depth, READ_LATENCY, self._parameters),
            "weights": (
                config.weight_depth,
                READ_LATENCY + 1,
                lambda n: bits(self.model.weights[n], 8),
            ),
            "activations": (
                config.act_depth,
                READ_LATENCY,
                lambda n: bits([row[n] for row in self.rows.data], 8 * config.lanes),
            ),
            "masks": (config.act_depth, READ_LATENCY, lambda n: self.rows.masks[n]),
        }
        for lane in range(config.requantizers if config.tables else 0):
            self.ports[f"tables__{lane}"] = (
                256 * config.tables,
                READ_LATENCY,
                lambda n: int(self.model.tables.flat[n]),
            )
        self.zero("write", "reading", "read_row", "read_addr")
        self.zero("results__valid", "results__payload", "result_next")
        self.zero(*(f"{port}__addr" for port in self.ports))

    def _descriptor(self, n: int) -> int:
        stored = int.from_bytes(self.model.program[n].tobytes(), "little")
        return stored & (1 << DESCRIPTOR.width) - 1

    def _parameters(self, n: int) -> int:
        """Without the padding of each."""
        each = self.model.params[n].reshape(-1, PARAMETER.size)
        return bits((int.from_bytes(one.tobytes(), "little") for one in each), PARAMETER.width)

    def _stored(self, source: str, payload: int) -> None:
        write = unpack(row_write(self.config), payload)
        self.rows.write(source, write | {"data": list(write["data"].values())})

    async def write(self, memory: Memory, address: int) -> None:
        """Write a random record in one cycle."""
        config, layout = self.config, memory_write(self.config)
        one = record(config, memory)
        data = self.rng.integers(0, 256, (1, one.size)).astype(np.uint8)
        self.model.write(memory, address, data)
        width = layout["data"].width
        # The record starts where its link words do; the rest is of no meaning.
        start = width - 8 * config.link_bytes * one.words
        mask = (1 << 8 * one.size) - 1 << start
        value = noise(self.rng, width) & ~mask
        value |= int.from_bytes(data.tobytes(), "little") << start
        values = {"en": 1 << memory, "addr": address, "data": value}
        self.dut.write.value = pack(layout, values)
        await self.cycle()
        self.dut.write.value = pack(layout, values | {"en": 0, "addr": noise(self.rng, 24)})

    async def fill(self) -> None:
        """Write every record, and every word of the activations."""
        for one in writable(self.config):
            for address in self.rng.permutation(one.depth):
                await self.write(one.memory, int(address))
        last = self.config.rows - 1
        for word in range(self.config.act_depth):
            for row in range(self.config.rows):
                end = int(row == last)
                await self._result({"row": row, "active": 1, "dst": word, "word_end": end})

    async def _result(self, write: dict) -> None:
        dut = self.dut
        data = {"data": [noise(self.rng, 8) for _ in range(self.config.lanes)]}
        dut.result_next.value = 1
        await self.cycle()
        dut.result_next.value, dut.results__valid.value = 0, 1
        dut.results__payload.value = pack(row_write(self.config), data | write)
        await self.cycle()
        dut.results__valid.value = 0
        self.noise("results__payload")

    async def write_some(self, count: int) -> None:
        """Random records of random memories, with gaps; at the same time inputs."""
        config, rng = self.config, self.rng
        writes = row_writes(rng, config, range(config.act_depth), all_rows=False)
        while len(self.inputs.queue) < count // 2:
            write = next(writes)
            self.inputs.queue.append(pack(row_write(config), write))
        while not write["word_end"]:
            write = next(writes)
            self.inputs.queue.append(pack(row_write(config), write))
        records = writable(config)
        for _ in range(count):
            one = records[rng.integers(len(records))]
            await self.write(one.memory, int(rng.integers(one.depth)))
            if rng.random() < self.stall[0]:
                await self.cycles(int(rng.integers(4)))
        await self.until(lambda: not self.inputs.queue)
        await self.cycles(WEIGHTS_LATENCY)

    async def read_ports(self, count: int) -> None:
        """An address for every reader in every cycle."""
        on_the_way: dict[str, deque[int]] = {port: deque() for port in self.ports}
        for n in range(count):
            for port, (depth, _, _) in self.ports.items():
                getattr(self.dut, f"{port}__addr").value = int(self.rng.integers(depth))
            await self.cycle()
            for port, (_, latency, word) in self.ports.items():
                expected = on_the_way[port]
                expected.append(word(int(getattr(self.dut, f"{port}__addr").value)))
                if len(expected) > latency:
                    got, want = int(getattr(self.dut, f"{port}__data").value), expected.popleft()
                    assert got == want, f"{port}, read {n}: {got:#x} is not {want:#x}"

    async def read_records(self, count: int) -> None:
        """The host holds an address and a row, then the next; what readers want is ignored."""
        dut, config, layout = self.dut, self.config, read_records(self.config)
        dut.reading.value = 1
        for _ in range(count):
            one = record(config, self.rng.choice(memories(config)))
            depth = config.act_depth if one.memory == Memory.ACTIVATIONS else one.depth
            addr, row = int(self.rng.integers(max(depth, 1))), int(self.rng.integers(config.rows))
            dut.read_addr.value, dut.read_row.value = addr, row
            for _ in range(RECORD_LATENCY + 1):
                self.noise(*(f"{port}__addr" for port in self.ports))
                await self.cycle()
            # Bit 0 first; undefined where a memory has no such address.
            found = str(dut.records.value)[::-1]
            for memory in memories(self.config):
                want, field = self._record(memory, addr, row), layout[memory.name.lower()]
                if want is not None:
                    got = found[field.offset :][: field.width][::-1]
                    assert got == f"{want:0{field.width}b}", f"{memory.name} {addr}: {got}"
        dut.reading.value = 0
        self.noise("read_addr", "read_row")
        await self.cycle()

    def _record(self, memory: Memory, addr: int, row: int) -> int | None:
        """None : there is none."""
        if memory == Memory.ACTIVATIONS:
            return self.rows.data[row][addr] if addr < self.config.act_depth else None
        if addr >= record(self.config, memory).depth:
            return None
        return int.from_bytes(self.model.records(memory)[addr].tobytes(), "little")


@bench_stalled(20_000)
async def against_model(dut, stall):
    """What was written is read, by the host in time and through every port in time."""
    tb = MemoriesTB(dut, f"against_model{stall}", stall)
    await tb.reset()
    await tb.fill()
    for _ in range(settings.amount(12)):
        await tb.write_some(60)
        await tb.read_ports(60)
        await tb.read_records(12)
        await tb.read_ports(10)
    assert tb.rows.masks.count(0) < len(tb.rows.masks)
