"""The bench of a whole engine: request and response frames, checked by the golden model."""

from collections.abc import Iterable

import numpy as np
from cocotb.handle import HierarchyObject

from celosia.driver.frames import pad_records, request
from celosia.spec import InferFlag, Memory, Opcode

from .base import PERIOD_NS, TB
from .scoreboard import Scoreboard

__all__ = ["EngineTB"]


class EngineTB(TB):
    """Streams, monitors and scoreboard of an `Engine`.

    ``stall`` are the probabilities with which input and output stall in a cycle.
    """

    def __init__(self, dut: HierarchyObject, name: str, stall: tuple[float, float]):
        super().__init__(dut, name)
        self.link_bytes = self.config.link_bytes
        self.scoreboard = Scoreboard(self.config)
        self._connect(stall)

    def _connect(self, stall: tuple[float, float]) -> None:
        self._input = self.source("i", stall[0])
        self.output = self.sink("o", stall[1])
        self._requests = self.monitor("i", self.scoreboard.request)
        self._responses = self.monitor("o", self.scoreboard.response)

    async def reset_again(self) -> None:
        self._input.pins.valid.value = 0
        await super().reset_again()

    def send(self, frame: bytes, last: bool = True) -> None:
        """Queue a frame; without ``last`` it stays incomplete."""
        words = len(frame) // self.link_bytes
        for n in range(words):
            data = frame[n * self.link_bytes : (n + 1) * self.link_bytes]
            final = last and n == words - 1
            self._input.queue.append(
                int.from_bytes(data, "little") | final << (8 * self.link_bytes)
            )

    def frame(self, opcode: int, arg: int = 0, address: int = 0, count: int = 0, payload=b""):
        return request(self.link_bytes, opcode, arg, address, count, payload)

    def write_frame(self, memory: Memory, address: int, records: np.ndarray) -> bytes:
        payload = pad_records(records, self.link_bytes)
        return self.frame(Opcode.WRITE, memory, address, len(records), payload)

    def infer_frame(
        self, entry: int, x: np.ndarray, skip: bool = True, stripes: bool = False
    ) -> bytes:
        """INFER on the words x, uint8 [images, words, lanes]; with ``stripes`` rows share one."""
        flags = InferFlag(0) if skip else InferFlag.NO_SKIP
        flags |= InferFlag.STRIPES if stripes else InferFlag(0)
        payload = pad_records(x.transpose(1, 0, 2), self.link_bytes)
        return self.frame(Opcode.INFER, flags | (len(x) - 1), entry, x.shape[1], payload)

    def send_all(self, frames: Iterable[bytes]) -> None:
        for frame in frames:
            self.send(frame)

    @property
    def sent(self) -> bool:
        return not self._input.queue

    async def timed(self) -> int:
        """As `drain`; returns the cycles from the first word sent to the last one answered."""
        before = self._requests.transfers
        await self.until(lambda: self._requests.transfers > before)
        started = self._requests.time
        await self.drain()
        return (self._responses.time - started) // PERIOD_NS + 1

    async def drain(self) -> None:
        """Wait for the response to every request, then assert that no more words follow."""
        await self.until(lambda: self.sent and self.scoreboard.idle)
        await self.cycles(50)
        assert self.sent and self.scoreboard.idle, "words after the last response"
