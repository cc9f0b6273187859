"""The AXI version: packets on its streams, registers, interrupt, and reset anywhere."""

from cocotbext.axi import AxiResp

from celosia.spec import IDENTITY, Memory, Opcode, identity
from celosia.spec.axi import ADDRESS_BITS, REGISTER_BYTES, REGISTERS, Access
from tb import settings
from tb.base import bench, bench_stalled
from tb.bench_engine import infer, load
from tb.programs import Programs

from .axi_tb import AxiTB

_COUNTED = ("issued", "skipped", "images")


@bench_stalled(100_000)
async def networks(dut, stall):
    """Random networks over the streams, while the registers are read; then the counters."""
    tb = AxiTB(dut, f"networks{stall}", stall, pauses=0.3)
    await tb.reset()
    programs = Programs(tb.rng, tb.config)
    chosen = [programs.add(layers, 150) for layers in (1, 3)]
    load(tb, programs)
    for _ in range(settings.amount(20)):
        infer(tb, programs, chosen[tb.rng.integers(len(chosen))])
    # Answered with a status where there are none.
    tb.send(tb.frame(Opcode.CHECKSUM, Memory.WEIGHTS, 0, 100))
    busy = 0
    while not (tb.sent and tb.scoreboard.idle):
        assert await tb.read("IDENTITY") == IDENTITY.unpack(identity(tb.config))
        busy += (await tb.read("STATUS"))["busy"]
    await tb.drain()
    assert busy, "never busy"
    assert await tb.read("STATUS") == {"busy": 0, "receiving": 0, "sending": 0}
    assert await tb.read("RESPONSES") == {"count": sum(tb.scoreboard.answered.values())}

    before = await tb.read("COUNTERS")
    assert not any(before.values()), "counters without a snapshot"
    await tb.write("CONTROL", snapshot=1)
    assert await tb.read("CONTROL") == {"reset": 0, "snapshot": 0}
    counters = await tb.read("COUNTERS")
    model = tb.scoreboard.model.counters
    assert {n: counters[n] for n in _COUNTED} == {n: model[n] for n in _COUNTED}, counters
    assert counters["cycles"] > counters["busy"] > 0
    assert await tb.read("COUNTERS") == counters, "a snapshot that goes on counting"
    await tb.write("CONTROL", snapshot=1)
    later = await tb.read("COUNTERS")
    assert later.pop("cycles") > counters.pop("cycles") and later == counters


class Registers:
    """All registers without traffic, byte by byte; None where it is not defined."""

    def __init__(self, config):
        self.bytes: dict[int, int | None] = {}
        self.writable: dict[int, int] = {}
        for one in REGISTERS:
            kept = ((1 << one.layout.width) - 1).to_bytes(one.layout.size, "little")
            if one.name == "CONTROL":
                kept = bytes([1]) + kept[1:]  # snapshot reads 0
            for n in range(one.layout.size):
                self.bytes[one.address + n] = None if one.name == "COUNTERS" else 0
                if one.access is not Access.R:
                    # Nothing is pending here, so writing 1 changes nothing.
                    self.writable[one.address + n] = kept[n] if one.access is Access.RW else 0
        self.bytes |= enumerate(identity(config))

    def read(self, address: int, size: int) -> tuple[AxiResp, list[int | None]]:
        whole = range(address, address + size)
        return _resp(self.bytes, whole), [self.bytes.get(one) for one in whole]

    def write(self, address: int, data: bytes) -> AxiResp:
        whole = range(address, address + len(data))
        for one, byte in zip(whole, data, strict=True):
            if one in self.writable:
                self.bytes[one] = byte & self.writable[one]
        return _resp(self.writable, whole)


def _resp(legal, addresses) -> AxiResp:
    return AxiResp.OKAY if all(one in legal for one in addresses) else AxiResp.SLVERR


@bench(60_000)
async def registers(dut):
    """Reads and writes of any bytes anywhere, in bursts, all channels pausing on their own."""
    tb = AxiTB(dut, "registers")
    await tb.reset()
    model = Registers(tb.config)
    top = 1 << ADDRESS_BITS
    for _ in range(settings.amount(400)):
        for one in (tb.aw, tb.w, tb.b, tb.ar, tb.r):
            if tb.rng.random() < 0.2:
                one.set_pause_generator(tb._pauses(tb.rng.choice([0, 0.3, 0.9])))
        size = int(tb.rng.choice([1, 2, 3, 4, 4, 4, 16, 32]))
        # Most often near what can be written.
        first, end = [(0x1C, 0x3C), (0, 0x90), (0, top)][tb.rng.choice(3, p=[0.6, 0.3, 0.1])]
        address = min(int(tb.rng.integers(first, end)), top - size)
        if tb.rng.random() < 0.5:
            data = tb.rng.bytes(size)
            want = model.write(address, data)
            written = await tb.master.write(address, data)
            assert written.resp == want, f"write {size} at {address:#x}: {written}"
            continue
        want, data = model.read(address, size)
        read = await tb.master.read(address, size)
        assert read.resp == want, f"read {size} at {address:#x}: {read}"
        got = [None if b is None else a for a, b in zip(read.data, data, strict=True)]
        # What is not there reads as anything.
        assert got == data, f"read {size} at {address:#x}: {got} is not {data}"


@bench(10_000)
async def either_half_first(dut):
    """A write whose address, or data, comes long before the other; and nobody who waits for B."""
    tb = AxiTB(dut, "either_half_first")
    await tb.reset()
    value = 0
    for late in (tb.aw, tb.w, tb.b):
        for one in (tb.aw, tb.w, tb.b):
            one.clear_pause_generator()
            one.pause = one is late
        value += 0x01020304
        write = tb.start_write("SCRATCH", value=value)
        await tb.cycles(30)
        assert not write.done()
        taken = late is tb.b
        assert await tb.read("SCRATCH") == {"value": value if taken else value - 0x01020304}
        late.pause = False
        await write
        assert await tb.read("SCRATCH") == {"value": value}
    tb.r.clear_pause_generator()
    tb.r.pause = True
    reads = [tb.start_read("SCRATCH") for _ in range(5)]
    await tb.cycles(30)
    assert not any(read.done() for read in reads)
    tb.r.pause = False
    for read in reads:
        assert await read == {"value": value}


@bench(60_000)
async def interrupts(dut):
    """Pending after each response, cleared by writing 1; a response at the same time wins."""
    tb = AxiTB(dut, "interrupts", (0.1, 0.1))
    await tb.reset()
    programs = Programs(tb.rng, tb.config)
    program = programs.add(1, 20)
    load(tb, programs)
    await tb.drain()
    assert await tb.read("IRQ_PENDING") == {"response": 1}
    assert dut.irq.value == 0, "not enabled"
    await tb.write("IRQ_ENABLE", response=1)
    await tb.cycle()
    assert dut.irq.value == 1
    await tb.write("IRQ_PENDING", response=0)
    address = next(one.address for one in REGISTERS if one.name == "IRQ_PENDING")
    await tb.master.write(address + 1, b"\xff" * (REGISTER_BYTES - 1))
    assert await tb.read("IRQ_PENDING") == {"response": 1} and dut.irq.value == 1
    await tb.write("IRQ_PENDING", response=1)
    assert await tb.read("IRQ_PENDING") == {"response": 0} and dut.irq.value == 0

    seen = {"ends": 0, "fell": 0}

    async def watch() -> None:
        ended = before = 0
        while True:
            await tb.cycle()
            irq = int(dut.irq.value)
            assert irq or not ended, "a response ended, and no interrupt"
            seen["fell"] += before and not irq
            before = irq
            pins = (dut.m_axis_tvalid, dut.m_axis_tready, dut.m_axis_tlast)
            ended = all(str(pin.value) == "1" for pin in pins)
            seen["ends"] += ended

    tb.start(watch())
    for _ in range(settings.amount(40)):
        infer(tb, programs, program)
    while not (tb.sent and tb.scoreboard.idle):
        await tb.write("IRQ_PENDING", response=1)
    await tb.cycles(3)
    assert seen["ends"] >= settings.amount(40) and seen["fell"] > 2, seen
    assert await tb.read("RESPONSES") == {"count": sum(tb.scoreboard.answered.values())}


@bench_stalled(200_000)
async def soft_reset(dut, stall):
    """CONTROL.reset in the middle of anything; packets stay whole, and a new network runs."""
    tb = AxiTB(dut, f"soft_reset{stall}", stall, pauses=0.1)
    await tb.reset()
    aborted = cut = 0
    rounds = settings.amount(24)
    for round_ in range(rounds):
        programs = Programs(tb.rng, tb.config)
        program = programs.add(int(tb.rng.integers(1, 3)), 40)
        load(tb, programs)
        infer(tb, programs, program)
        await tb.drain()
        for _ in range(4):
            infer(tb, programs, program, tb.config.rows)
        await tb.cycles(int(tb.rng.integers(100)))
        if round_ % 2:
            # Nobody takes the responses any more until the engine is in reset.
            tb.sink.clear_pause_generator()
            tb.sink.pause = True
            await tb.cycles(int(tb.rng.integers(50, 300)))
        # No register may have changed but for those that tell of the streams.
        await tb.write("SCRATCH", value=round_)
        cut += (await tb.read("STATUS"))["receiving"]
        await tb.write("CONTROL", reset=1)
        await tb.cycles(int(tb.rng.integers(20)))
        tb.stall(*stall)
        scoreboard = tb.scoreboard
        await tb.soft_reset()
        assert await tb.read("SCRATCH") == {"value": round_}
        aborted += scoreboard.aborted
    assert aborted and cut, f"{aborted} responses and {cut} requests were cut"


@bench_stalled(100_000)
async def dead_source(dut, stall):
    """A source that is reset in the middle of a packet: CONTROL.reset, and the next word begins a
    frame."""
    tb = AxiTB(dut, f"dead_source{stall}", stall, pauses=0.1)
    await tb.reset()
    cut = rounds = 0
    while cut < settings.amount(8):
        rounds += 1
        assert rounds < 100, f"{cut} requests were cut"
        programs = Programs(tb.rng, tb.config)
        program = programs.add(int(tb.rng.integers(1, 3)), 40)
        load(tb, programs)
        infer(tb, programs, program)
        await tb.drain()
        infer(tb, programs, program, tb.config.rows)
        await tb.cycles(int(tb.rng.integers(1, 30)))
        cut += await tb.soft_reset(dead=True)
        tb.stall(*stall)
        assert await tb.read("STATUS") == {"busy": 0, "receiving": 0, "sending": 0}
