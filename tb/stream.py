"""Streams at the pins: a source, a sink, and a monitor that checks the rules."""

from collections import deque
from collections.abc import Callable

import numpy as np
from cocotb.handle import HierarchyObject
from cocotb.triggers import RisingEdge
from cocotb.utils import get_sim_time

from .pack import noise

__all__ = ["Monitor", "Pins", "Sink", "Source"]


class Pins:
    """The signals of stream ``name`` of a component: valid, payload, and ready if it has one."""

    def __init__(self, dut: HierarchyObject, name: str):
        self.name = name
        self.clk, self.rst = dut.clk, dut.rst
        self.valid = getattr(dut, f"{name}__valid")
        self.ready = getattr(dut, f"{name}__ready", None)
        self.payload = getattr(dut, f"{name}__payload")

    @property
    def is_ready(self) -> str:
        """``ready`` in this cycle, "0", "1" or "x"; "1" when the stream is always ready."""
        return "1" if self.ready is None else str(self.ready.value)


class Source:
    """Offers the payloads of ``queue``; with probability ``stall`` a cycle offers no new one.

    While valid is 0 the payload is random, because a sink must ignore it. With ``holds`` it stays
    for a cycle after it was taken, in which nothing is offered.
    """

    def __init__(
        self, pins: Pins, rng: np.random.Generator, stall: float = 0.0, holds: bool = False
    ):
        self.pins, self.stall, self.holds = pins, stall, holds
        self.queue: deque[int] = deque()
        self._rng = rng
        self._width = len(pins.payload)
        pins.valid.value = 0
        pins.payload.value = 0

    async def run(self) -> None:
        offered = False
        edge = RisingEdge(self.pins.clk)
        while True:
            await edge
            if offered and self.pins.is_ready == "1":
                self.queue.popleft()
                offered = False
                if self.holds:
                    self.pins.valid.value = 0
                    continue
            if offered:
                continue
            offered = bool(self.queue) and self._rng.random() >= self.stall
            self.pins.valid.value = int(offered)
            self.pins.payload.value = self.queue[0] if offered else noise(self._rng, self._width)


class Sink:
    """Accepts payloads, except with probability ``stall`` in each cycle, or while ``paused``.

    Its ready does not depend on valid, and the source's valid must not depend on ready.
    """

    def __init__(self, pins: Pins, rng: np.random.Generator, stall: float = 0.0):
        self.pins, self.stall = pins, stall
        self.paused = False
        self._rng = rng
        pins.ready.value = 0

    async def run(self) -> None:
        edge = RisingEdge(self.pins.clk)
        while True:
            await edge
            self.pins.ready.value = int(not self.paused and self._rng.random() >= self.stall)


class Monitor:
    """Calls ``seen`` with every payload transferred, and asserts the rules of a stream:

    - valid and ready are 0 or 1, and a valid payload has no X or Z;
    - valid stays 1 until the transfer;
    - the payload does not change until the transfer.

    ``transfers`` counts them, ``time`` is that of the last one in ns.
    """

    def __init__(self, pins: Pins, seen: Callable[[int], None]):
        self.pins, self.seen = pins, seen
        self.transfers, self.time = 0, 0

    async def run(self) -> None:
        pins, waiting = self.pins, None
        edge = RisingEdge(pins.clk)
        while True:
            await edge
            if str(pins.rst.value) != "0":
                waiting = None
                continue
            valid, ready = str(pins.valid.value), pins.is_ready
            assert valid in "01" and ready in "01", f"{pins.name}: valid {valid}, ready {ready}"
            if waiting is not None:
                assert valid == "1", f"{pins.name}: valid fell before ready rose"
            if valid == "0":
                continue
            payload = str(pins.payload.value)
            assert waiting in (None, payload), f"{pins.name}: {waiting} became {payload}"
            waiting = payload
            if ready == "1":
                waiting = None
                self.transfers += 1
                self.time = round(get_sim_time("ns"))
                assert set(payload) <= {"0", "1"}, f"{pins.name}: undefined bits {payload}"
                self.seen(int(payload, 2))
