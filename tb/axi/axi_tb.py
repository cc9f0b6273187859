"""The bench of the AXI version: cocotbext-axi on its buses, the golden model beside it."""

import logging
from collections.abc import Iterator

import cocotb
from cocotb.clock import Clock
from cocotb.handle import HierarchyObject
from cocotb.task import Task
from cocotb.triggers import RisingEdge
from cocotbext.axi import (
    AxiLiteBus,
    AxiLiteMaster,
    AxiResp,
    AxiStreamBus,
    AxiStreamFrame,
    AxiStreamSink,
    AxiStreamSource,
)

from celosia.spec import TRAILER, Status
from celosia.spec.axi import REGISTERS
from tb.base import PERIOD_NS
from tb.engine_tb import EngineTB
from tb.scoreboard import Scoreboard
from tb.stream import Monitor

from .axi_pins import AxiPins, channel, packets

__all__ = ["AxiTB"]

_REGISTERS = {register.name: register for register in REGISTERS}


class AxiTB(EngineTB):
    """Streams, registers, monitors and scoreboard of a `celosia_hw.axi.engine.AxiEngine`.

    Parameters
    ----------
    stall : probability of a pause on (s_axis, m_axis) in each cycle.
    pauses : the same for the channels of the registers.
    """

    def __init__(
        self,
        dut: HierarchyObject,
        name: str,
        stall: tuple[float, float] = (0.0, 0.0),
        pauses: float = 0.0,
    ):
        # cocotbext-axi tells of every transfer.
        for prefix in ("s_axis", "m_axis", "s_axil"):
            logging.getLogger(f"cocotb.{dut._name}.{prefix}").setLevel(logging.WARNING)
        super().__init__(dut, name, stall)
        master = AxiLiteMaster(
            AxiLiteBus.from_prefix(dut, "s_axil"), dut.aclk, dut.aresetn, reset_active_level=False
        )
        self.master = master
        self.aw, self.w, self.b = (
            getattr(master.write_if, f"{one}_channel") for one in ("aw", "w", "b")
        )
        self.ar, self.r = (getattr(master.read_if, f"{one}_channel") for one in ("ar", "r"))
        for one in (self.aw, self.w, self.b, self.ar, self.r):
            one.set_pause_generator(self._pauses(pauses))
        for pins in (channel(dut, "b", "resp"), channel(dut, "r", "resp", "data")):
            self.start(Monitor(pins, lambda payload: None).run())

    def _connect(self, stall: tuple[float, float]) -> None:
        dut = self.dut
        self.scoreboard = _ResetScoreboard(self.config)
        self.source = AxiStreamSource(
            AxiStreamBus.from_prefix(dut, "s_axis"), dut.aclk, dut.aresetn, reset_active_level=False
        )
        self.sink = AxiStreamSink(
            AxiStreamBus.from_prefix(dut, "m_axis"), dut.aclk, dut.aresetn, reset_active_level=False
        )
        self.stall(*stall)
        # The scoreboard is another one after a soft reset.
        self._watch(packets(dut, "s_axis"), lambda word: self.scoreboard.request(word))
        self._watch(packets(dut, "m_axis"), lambda word: self.scoreboard.response(word))

    def _watch(self, pins: AxiPins, seen) -> None:
        self.start(Monitor(pins, seen).run())

    def stall(self, source: float, sink: float) -> None:
        """From now on pause with these probabilities."""
        self.source.set_pause_generator(self._pauses(source))
        self.sink.set_pause_generator(self._pauses(sink))

    def _pauses(self, probability: float) -> Iterator[bool]:
        rng = self.rng.spawn(1)[0]
        while True:
            yield bool(rng.random() < probability)

    async def reset(self) -> None:
        self.dut.aresetn.value = 0
        Clock(self.dut.aclk, PERIOD_NS, unit="ns", impl="gpi").start(start_high=False)
        await self.cycles(3)
        self.dut.aresetn.value = 1

    async def cycle(self) -> None:
        await RisingEdge(self.dut.aclk)

    def send(self, frame: bytes, last: bool = True) -> None:
        """Queue a frame. Zeros at its end are padding: sometimes garbage without TKEEP instead."""
        assert last, "a packet has an end"
        padding = min(len(frame) - len(frame.rstrip(b"\0")), self.link_bytes - 1)
        padding = int(self.rng.integers(padding + 1))
        used = len(frame) - padding
        data = frame[:used] + self.rng.bytes(padding)
        self.source.send_nowait(AxiStreamFrame(data, tkeep=[1] * used + [0] * padding))

    @property
    def sent(self) -> bool:
        return self.source.idle()

    async def drain(self) -> None:
        await super().drain()
        while not self.sink.empty():
            # The monitor has checked what the words say, so this is about TKEEP.
            assert all(self.sink.recv_nowait(compact=False).tkeep)

    async def read(self, name: str) -> dict[str, int]:
        """The fields of register ``name``."""
        register = _REGISTERS[name]
        read = await self.master.read(register.address, register.layout.size)
        assert read.resp == AxiResp.OKAY, read
        return register.layout.unpack(read.data)

    async def write(self, name: str, **fields: int) -> None:
        register = _REGISTERS[name]
        written = await self.master.write(register.address, register.layout.pack(**fields))
        assert written.resp == AxiResp.OKAY, written

    def start_read(self, name: str) -> Task:
        return cocotb.start_soon(self.read(name))

    def start_write(self, name: str, **fields: int) -> Task:
        return cocotb.start_soon(self.write(name, **fields))

    async def soft_reset(self, dead: bool = False) -> int:
        """CONTROL.reset until nothing moves any more, then start anew with an empty model.

        A ``dead`` source is one that was reset itself: what it had begun to send has no end.
        Returns STATUS.receiving before the end of the reset.
        """
        if dead:
            # It ends between two words: in reset the engine takes the one that is valid.
            self.source.clear_pause_generator()
            self.source.pause = True
        await self.write("CONTROL", reset=1)
        if dead:
            while int(self.dut.s_axis_tvalid.value):
                await self.cycle()
            self.source.assert_reset()
        while True:
            status = await self.read("STATUS")
            if not (status["busy"] or status["sending"]) and (dead or self.sent):
                break
        if dead:
            self.source.assert_reset(False)
            self.source.pause = False
        await self.write("CONTROL", reset=0)
        self.scoreboard = _ResetScoreboard(self.config)
        return status["receiving"]


class _ResetScoreboard(Scoreboard):
    """One that knows how a response ends when the engine is reset: early, with ABORTED."""

    def _check(self, frame: bytes, expected) -> None:
        trailer = TRAILER.unpack(frame[-self._trailer_size :])
        if trailer != dict.fromkeys(trailer, 0) | {"status": Status.ABORTED}:
            super()._check(frame, expected)
            return
        assert expected.frame.startswith(frame[: -self._trailer_size]), "aborted, and wrong"
        self.aborted += 1
