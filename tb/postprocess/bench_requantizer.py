"""Requantizer: every legal shift in both roundings, ties, both saturations, wraps."""

from collections import deque

from celosia.model import requantize
from celosia.spec import ACTIVATION, Rounding
from celosia_hw import layouts
from celosia_hw.postprocess.requantizer import Requantizer
from tb import settings
from tb.base import TB, bench, cocotb
from tb.pack import bits, noise, pack

from .vectors import as_beat, vectors

#: zero_point, clamp_min, clamp_max; a clamp to one value, and to either end.
_FINISHES = ((0, 0, 255), (128, 0, 255), (255, 3, 250), (100, 0, 0), (37, 200, 255))


@bench(80_000)
@cocotb.parametrize(rounding=list(Rounding))
async def against_model(dut, rounding):
    """One beat a cycle with gaps, or the pace of multicycle ones, and in time the model's bytes."""
    tb = TB(dut, f"against_model{rounding}")
    config, layout = tb.config, layouts.requantized(tb.config)
    tb.zero("i__valid", "i__payload", "settings__0", "settings__1")
    await tb.reset()
    pace, lanes, latency = (
        config.requantizer_cycles,
        config.requantizers,
        Requantizer(config).latency,
    )
    compared = rest = held = 0
    # Multicycle ones take long: in quick runs those that leave most of the results as they are.
    finishes = _FINISHES if pace == 1 else _FINISHES[: settings.amount(18)]
    for index, (zero_point, clamp_min, clamp_max) in enumerate(finishes):
        acc, bias, multiplier, shift = vectors(tb.rng)
        expected = requantize(
            acc, bias, multiplier, shift, zero_point, clamp_min, clamp_max, rounding
        )
        values = {"rounding": int(rounding), "zero_point": zero_point}
        values |= {"clamp_min": clamp_min, "clamp_max": clamp_max}
        # Those of the other parity do not matter.
        parity = index % 2
        getattr(dut, f"settings__{parity}").value = pack(layouts.settings(), values)
        tb.noise(f"settings__{1 - parity}")
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
                beat = as_beat(*(each[part] for each in (acc, bias, multiplier, shift)))
                dut.i__payload.value = packed = pack(layout, beat | {"parity": parity})
                if pace > 1:
                    held = packed >> layout["acc"].width << layout["acc"].width
                # Sampled by the next edge, and then so many cycles on its way.
                on_the_way.append((time + 1 + latency, part))
                start += lanes
    assert compared == len(finishes) * len(acc)
