"""Requantizer: every legal shift in both roundings, ties, both saturations, wraps."""

from collections import deque

import numpy as np

from celosia.model import requantize
from celosia.spec import ACC, ACTIVATION, MULTIPLIER, Rounding
from celosia.spec.formats import SHIFT_MAX, SHIFT_MIN
from celosia_hw import layouts
from celosia_hw.postprocess.requantizer import Requantizer
from tb import settings
from tb.base import TB, bench, cocotb
from tb.pack import bits, noise, pack

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
    """One beat a cycle with gaps, or the pace of multicycle ones, and in time the model's bytes."""
    tb = TB(dut, f"against_model{rounding}")
    config, layout = tb.config, layouts.requantized(tb.config)
    tb.zero("i__valid", "i__payload", "settings")
    await tb.reset()
    pace, lanes, latency = (
        config.requantizer_cycles,
        config.requantizers,
        Requantizer(config).latency,
    )
    compared = rest = held = 0
    # Multicycle ones take long: in quick runs those that leave most of the results as they are.
    finishes = _FINISHES if pace == 1 else _FINISHES[: settings.amount(18)]
    for zero_point, clamp_min, clamp_max in finishes:
        acc, bias, multiplier, shift = vectors(tb.rng)
        expected = requantize(
            acc, bias, multiplier, shift, zero_point, clamp_min, clamp_max, rounding
        )
        values = {"rounding": int(rounding), "zero_point": zero_point}
        values |= {"clamp_min": clamp_min, "clamp_max": clamp_max}
        dut.settings.value = pack(layouts.settings(), values)
        on_the_way: deque[tuple[int, slice]] = deque()
        time, start = 0, 0
        while start < len(acc) or on_the_way:
            await tb.cycle()
            time += 1
            arrives = bool(on_the_way) and on_the_way[0][0] == time
            assert dut.o__valid.value == int(arrives)
            if arrives:
                part = on_the_way.popleft()[1]
                want = expected[part]
                got = int(dut.o__payload.value) & ((1 << ACTIVATION.width * len(want)) - 1)
                assert got == bits(want, ACTIVATION.width), (
                    f"{rounding.name}, vectors {part}: {got:#x} is not {list(want)} for "
                    f"{[list(x[part]) for x in (acc, bias, multiplier, shift)]}"
                )
                compared += len(want)
            busy = start < len(acc) and not rest and tb.rng.random() < 0.8
            rest = pace - 1 if busy else max(rest - 1, 0)
            dut.i__valid.value = int(busy)
            # Multicycle ones need the parameters for longer, which `acc` is not part of.
            payload = noise(tb.rng, layout.size if pace == 1 else layout["acc"].width)
            dut.i__payload.value = payload | held
            if busy:
                part = slice(start, start + lanes)
                fields = zip(bias[part], multiplier[part], shift[part], strict=True)
                names = ("bias", "multiplier", "shift")
                parameters = [dict(zip(names, map(int, each), strict=True)) for each in fields]
                beat = {
                    "acc": dict(enumerate(map(int, acc[part]))),
                    "parameters": dict(enumerate(parameters)),
                }
                dut.i__payload.value = packed = pack(layout, beat)
                if pace > 1:
                    held = packed >> layout["acc"].width << layout["acc"].width
                # Sampled by the next edge, and then so many cycles on its way.
                on_the_way.append((time + 1 + latency, part))
                start += lanes
    assert compared == len(finishes) * len(acc)
