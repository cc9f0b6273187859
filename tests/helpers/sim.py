"""Components in Amaranth's own simulator, cycle by cycle, their streams with random stalls."""

import random
from collections.abc import Awaitable, Callable, Sequence

from amaranth import *
from amaranth.sim import Simulator

__all__ = ["LIMIT", "STALLS", "Sink", "Source", "noise", "run"]

#: Probability of a stall at (inputs, outputs).
STALLS = ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.3, 0.3))

#: Cycles that no test needs.
LIMIT = 20_000


def run(
    dut: Elaboratable,
    bench: Callable[[object, random.Random], Awaitable[None]],
    *,
    rst: Value | int = 0,
    seed: int = 1,
) -> None:
    """Simulate ``dut`` until ``await bench(context, rng)`` returns; ``rst`` is its reset.

    After `LIMIT` cycles the test fails. ``rng`` follows from ``seed``, which is printed: pytest
    shows it when a test fails.
    """
    print(f"seed={seed}")
    m = Module()
    m.domains.sync = sync = ClockDomain()
    m.d.comb += sync.rst.eq(rst)
    m.submodules.dut = dut

    async def testbench(context) -> None:
        await bench(context, random.Random(seed))

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.add_testbench(_give_up, background=True)
    simulator.run()


async def _give_up(context) -> None:
    for _ in range(LIMIT):
        await context.tick()
    raise AssertionError(f"not done after {LIMIT} cycles")


def noise(context, rng: random.Random, *values) -> None:
    """Set ``values`` to random bits: what must not matter."""
    for value in values:
        value = Value.cast(value)
        context.set(value, rng.getrandbits(len(value)) if len(value) else 0)


class Source:
    """Offers ``payloads`` to a stream, and random bits while it is not valid.

    In each cycle call `drive`, then `sample` when all inputs of the cycle are set.
    """

    def __init__(self, stream, payloads: Sequence[int], rng: random.Random, stall: float = 0.0):
        self.stream, self.stall = stream, stall
        self.left = list(payloads)
        self._rng, self._offered = rng, False

    def drive(self, context) -> None:
        if not self._offered:
            self._offered = bool(self.left) and self._rng.random() >= self.stall
            context.set(self.stream.valid, self._offered)
            noise(context, self._rng, self.stream.payload)
            if self._offered:
                context.set(Value.cast(self.stream.payload), self.left[0])

    def sample(self, context) -> bool:
        """Whether a payload is transferred in this cycle."""
        taken = self._offered and bool(context.get(self.stream.ready))
        if taken:
            self._offered = False
            self.left.pop(0)
        return taken


class Sink:
    """Takes payloads from a stream, and asserts that they are held until then.

    Called as a `Source` is. ``taken`` are the payloads transferred.
    """

    def __init__(self, stream, rng: random.Random, stall: float = 0.0):
        self.stream, self.stall = stream, stall
        self.taken: list[int] = []
        self._rng = rng
        self._held: int | None = None

    def drive(self, context) -> None:
        context.set(self.stream.ready, self._rng.random() >= self.stall)

    def sample(self, context) -> bool:
        """Whether a payload is transferred in this cycle."""
        if not context.get(self.stream.valid):
            assert self._held is None, "valid fell before ready rose"
            return False
        payload = context.get(Value.cast(self.stream.payload))
        assert self._held in (None, payload), f"{self._held:#x} became {payload:#x}"
        taken = bool(context.get(self.stream.ready))
        self._held = None if taken else payload
        if taken:
            self.taken.append(payload)
        return taken
