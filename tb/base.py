"""What every bench starts from: clock, reset, seeds, and streams by name."""

from collections.abc import Callable

import cocotb
from cocotb.clock import Clock
from cocotb.handle import HierarchyObject
from cocotb.task import Task
from cocotb.triggers import RisingEdge

from celosia.spec.timing import READ_LATENCY

from . import settings
from .memory import Memory
from .pack import noise
from .stream import Monitor, Pins, Sink, Source

__all__ = ["PERIOD_NS", "TB", "bench", "bench_stalled"]

PERIOD_NS = 10


def bench(cycles: int):
    """A cocotb test that fails after ``cycles`` clock cycles."""
    return cocotb.test(timeout_time=cycles * PERIOD_NS, timeout_unit="ns")


def bench_stalled(cycles: int):
    """The same, run with every ``stall`` of `settings.stalls`."""
    return lambda test: bench(cycles)(cocotb.parametrize(stall=settings.stalls())(test))


class TB:
    """Clock, reset and random generator of one test; benches add streams and checks.

    Parameters
    ----------
    dut : the top of the emitted Verilog.
    name : of the test, from which with the seed all its randomness follows.
    """

    def __init__(self, dut: HierarchyObject, name: str):
        self.dut = dut
        self.config = settings.config()
        self.rng = settings.rng(name)
        self._tasks: list[Task] = []
        dut._log.info("%s: SEED=%d, engine %s", name, settings.seed(), self.config.to_dict())

    def start(self, coroutine) -> None:
        """Run ``coroutine`` beside the test; an assertion that fails there fails the test."""
        self._tasks.append(cocotb.start_soon(coroutine))

    def source(self, name: str, stall: float = 0.0, holds: bool = False) -> Source:
        source = Source(Pins(self.dut, name), self.rng.spawn(1)[0], stall, holds)
        self.start(source.run())
        return source

    def sink(self, name: str, stall: float = 0.0) -> Sink:
        sink = Sink(Pins(self.dut, name), self.rng.spawn(1)[0], stall)
        self.start(sink.run())
        return sink

    def monitor(self, name: str, seen: Callable[[int], None]) -> Monitor:
        monitor = Monitor(Pins(self.dut, name), seen)
        self.start(monitor.run())
        return monitor

    def memory(
        self, name: str, word: Callable[[int], int | None], latency: int = READ_LATENCY
    ) -> Memory:
        memory = Memory(self.dut, name, word, latency, self.rng.spawn(1)[0])
        self.start(memory.run())
        return memory

    def zero(self, *names: str) -> None:
        """Set the pins ``names`` to 0."""
        for name in names:
            getattr(self.dut, name).value = 0

    def noise(self, *names: str) -> None:
        """Set the pins ``names`` to random bits."""
        for name in names:
            pin = getattr(self.dut, name)
            pin.value = noise(self.rng, len(pin))

    async def reset(self) -> None:
        """Start the clock and reset. Set all inputs before, or their X spread."""
        self.dut.rst.value = 1
        # The simulator toggles it, which costs no time in Python.
        clock = Clock(self.dut.clk, PERIOD_NS, unit="ns", impl="gpi")
        clock.start(start_high=False)
        await self.cycles(3)
        await self.release()

    async def reset_again(self) -> None:
        """Reset for a single cycle, wherever the design stands; all streams end."""
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()
        self.dut.rst.value = 1
        await self.cycle()
        await self.release()

    async def release(self) -> None:
        """Let go of the reset; returns when nothing is in reset any more."""
        self.dut.rst.value = 0
        # The resets that the logic sees are registers behind the pin, one behind the other.
        await self.cycles(4)

    async def cycle(self) -> None:
        await RisingEdge(self.dut.clk)

    async def cycles(self, count: int) -> None:
        for _ in range(count):
            await self.cycle()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for ``condition``; the test's own timeout ends a wait without end."""
        while not condition():
            await self.cycle()
