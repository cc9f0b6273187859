"""Requantizer: every legal shift in both roundings, ties, both saturations, wraps."""

from collections import deque

import numpy as np

from celosia.model import requantize
from celosia.spec import ACC, ACTIVATION, MULTIPLIER, Rounding
from celosia.spec.formats import SHIFT_MAX, SHIFT_MIN
from celosia.spec.timing import MULTICYCLE_LATENCY, REQUANTIZER_LATENCY
from celosia_hw.layouts import parameter_word
from tb import settings
from tb.base import TB, bench, cocotb
from tb.pack import bits, pack

#: zero_point, clamp_min, clamp_max; a clamp to one value, and to either end.
_FINISHES = ((0, 0, 255), (128, 0, 255), (255, 3, 250), (100, 0, 0), (37, 200, 255))


def vectors(rng: np.random.Generator) -> np.ndarray:
    """int64 [4, n]: acc, bias, multiplier, shift; ties and edges for every legal shift."""
    edges = [ACC.min, ACC.min + 1, -1, 0, 1, ACC.max - 1, ACC.max]
    rows = []
    for shift in range(SHIFT_MIN, SHIFT_MAX + 1):
        # a * m = odd * 2**(30 - shift), half a unit of the last place, as far as 32 bits reach.
        left, right = max(shift, 0), max(-shift, 0)
        for odd in rng.choice(np.arange(-299, 300, 2), 6):
            rows.append((odd << right, 0, 1 << (30 - left), shift))
            # DOUBLE: exact after the first rounding, a tie in the second.
            rows.append((odd << right, 0, 1 << 30, shift))
            rows.append((odd << right, int(rng.integers(-1, 2)), 1 << (30 - left), shift))
        for _ in range(4):
            # A result of some hundreds, so that its last bit shows.
            m = int(rng.integers(1 << 30, MULTIPLIER.max + 1))
            a = int(rng.integers(-400, 400)) * 2.0**-shift
            rows.append((int(np.clip(a, ACC.min, ACC.max)), int(rng.integers(-9, 9)), m, shift))
        for _ in range(4):
            wide = rng.integers(ACC.min, ACC.max + 1, 2)
            rows.append((*wide, int(rng.integers(MULTIPLIER.max + 1)), shift))
        rows.append(
            (rng.choice(edges), rng.choice(edges), rng.choice([0, 1, (1 << 31) - 1]), shift)
        )
    return ACC.wrap(np.array(rows, np.int64).T)


@bench(80_000)
@cocotb.parametrize(rounding=list(Rounding))
async def against_model(dut, rounding):
    """One beat a cycle with gaps, or as many as slow ones take, and in time the model's bytes."""
    tb = TB(dut, f"against_model{rounding}")
    lanes, layout = tb.config.requantizers, parameter_word(tb.config)
    dut.en.value = 0
    for name in ("acc", "parameters", "zero_point", "clamp_min", "clamp_max"):
        getattr(dut, name).value = 0
    dut.rounding.value = int(rounding)
    await tb.reset()
    pace = tb.config.requantizer_cycles
    latency = REQUANTIZER_LATENCY if pace == 1 else MULTICYCLE_LATENCY
    compared = rest = 0
    # Slow ones take long: in quick runs those that leave most of the results as they are.
    finishes = _FINISHES if pace == 1 else _FINISHES[: settings.amount(18)]
    for zero_point, clamp_min, clamp_max in finishes:
        acc, bias, multiplier, shift = vectors(tb.rng)
        expected = requantize(
            acc, bias, multiplier, shift, zero_point, clamp_min, clamp_max, rounding
        )
        dut.zero_point.value = zero_point
        dut.clamp_min.value = clamp_min
        dut.clamp_max.value = clamp_max
        coming: deque[tuple[int, slice]] = deque()
        time, start = 0, 0
        while start < len(acc) or coming:
            await tb.cycle()
            time += 1
            arrives = bool(coming) and coming[0][0] == time
            assert dut.o_en.value == int(arrives)
            if arrives:
                part = coming.popleft()[1]
                want = expected[part]
                got = int(dut.o.value) & ((1 << ACTIVATION.width * len(want)) - 1)
                assert got == bits(want, ACTIVATION.width), (
                    f"{rounding.name}, vectors {part}: {got:#x} is not {list(want)} for "
                    f"{[list(x[part]) for x in (acc, bias, multiplier, shift)]}"
                )
                compared += len(want)
            busy = start < len(acc) and not rest and tb.rng.random() < 0.8
            rest = pace - 1 if busy else max(rest - 1, 0)
            dut.en.value = int(busy)
            if pace == 1:
                dut.acc.value = int.from_bytes(tb.rng.bytes(4 * lanes), "little")
            if busy:
                part = slice(start, start + lanes)
                dut.acc.value = bits(acc[part], ACC.width)
                fields = zip(bias[part], multiplier[part], shift[part], strict=True)
                names = ("bias", "multiplier", "shift")
                values = [dict(zip(names, map(int, each), strict=True)) for each in fields]
                dut.parameters.value = pack(layout, dict(enumerate(values)))
                # Sampled by the next edge, and then so many cycles on its way.
                coming.append((time + 1 + latency, part))
                start += lanes
    assert compared == len(finishes) * len(acc)
