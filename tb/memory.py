"""Memories played at the read ports of a component."""

from collections import deque
from collections.abc import Callable

import numpy as np
from cocotb.handle import HierarchyObject
from cocotb.triggers import RisingEdge

from .pack import noise

__all__ = ["Memory"]


class Memory:
    """The memory behind read port ``name``: data follow their address by ``latency`` cycles.

    Parameters
    ----------
    word : gives the word at an address, in the cycle of that address; None: the word is undefined,
        and random bits are read.
    """

    def __init__(
        self,
        dut: HierarchyObject,
        name: str,
        word: Callable[[int], int | None],
        latency: int,
        rng: np.random.Generator,
    ):
        self.clk = dut.clk
        self.addr, self.data = getattr(dut, f"{name}__addr"), getattr(dut, f"{name}__data")
        self.word, self.latency, self._rng = word, latency, rng
        self.data.value = 0

    async def run(self) -> None:
        edge = RisingEdge(self.clk)
        on_the_way: deque[int] = deque([0] * (self.latency - 1))
        while True:
            await edge
            addr = self.addr.value
            word = self.word(int(addr)) if addr.is_resolvable else None
            on_the_way.append(noise(self._rng, len(self.data)) if word is None else word)
            self.data.value = on_the_way.popleft()
