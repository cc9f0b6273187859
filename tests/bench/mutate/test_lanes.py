"""Mutants that are played together, on an engine of one register and one memory."""

import numpy as np
import pytest
from amaranth import ClockDomain, Module, Signal
from amaranth.back import rtlil
from amaranth.lib.memory import Memory
from bench.mutate.design import Mutant, gates
from bench.mutate.lanes import Circuit, Lanes, Played

from celosia.support.progress import silent

pytestmark = pytest.mark.simulator

SEED, CYCLES = 3, 300


def flat() -> str:
    """A word is written where its low bits say, and what was there is read and answered.

    ``o__valid`` is a register that begins with 1 and changes with every word.
    """
    m = Module()
    valid, ready = Signal(name="i__valid"), Signal(name="o__ready")
    payload = Signal(9, name="i__payload")
    m.domains.sync = domain = ClockDomain()
    toggle = Signal(init=1, name="toggle")
    m.submodules.memory = memory = Memory(shape=9, depth=4, init=[])
    write, read = memory.write_port(), memory.read_port()
    answer, offered, taken = (
        Signal(9, name="o__payload"),
        Signal(name="o__valid"),
        Signal(name="i__ready"),
    )
    m.d.sync += toggle.eq(toggle ^ valid)
    m.d.comb += [
        write.addr.eq(payload),
        write.data.eq(payload),
        write.en.eq(valid),
        read.addr.eq(payload),
        read.en.eq(ready),
        answer.eq(read.data),
        offered.eq(toggle),
        taken.eq(1),
    ]
    ports = [domain.clk, domain.rst, valid, payload, ready, answer, offered, taken]
    return rtlil.convert(m, name="celosia", ports=ports)


def recording() -> bytes:
    """What it does, by a model in Python; each cycle as `harness.cpp` keeps it."""
    print(f"seed {SEED}")
    rng = np.random.default_rng(SEED)
    toggle, data, memory, before, lines = 1, 0, [0] * 4, (0, 0, 0, 0), []
    for _ in range(CYCLES):
        word, last, valid, ready = before
        if ready:
            data = memory[word % 4]
        if valid:
            memory[word % 4] = word | last << 8
        toggle ^= valid
        before = int(rng.integers(256)), *(int(bit) for bit in rng.integers(2, size=3))
        word, last, valid, ready = before
        answer = data if toggle else 0
        lines += [word, answer & 255, 0, valid, last, ready, 1, toggle, answer >> 8]
    return bytes(lines)


def of(number: int, mode: str, cell: str, port: str, bit: int) -> Mutant:
    return Mutant.read(
        number, f"mutate -mode {mode} -module celosia -cell {cell} -port {port} -portbit {bit}"
    )


@pytest.fixture(scope="module")
def text() -> str:
    return flatten(flat())


def flatten(text: str) -> str:
    from bench.mutate.design import _run_yosys

    script = "read_rtlil a.il\nproc\nflatten\nopt_clean\nmemory_collect\nrename -enumerate t:*\n"
    _, (made,) = _run_yosys(
        f"{script}write_rtlil b.il\n", {"a.il": text}, ("b.il",), "flattening", silent
    )
    return made


def cell_of(text: str, kind: str) -> str:
    return next(line.split()[2] for line in text.splitlines() if f"cell {kind} " in line)


def test_mutants_are_played_beside_the_engine(text):
    memory, register = cell_of(text, "$mem_v2"), cell_of(text, "$dff")
    mutants = [
        of(1, "inv", register, "Q", 0),
        of(2, "const1", register, "Q", 0),
        of(3, "inv", memory, "RD_DATA", 8),
        of(4, "const0", memory, "RD_ADDR", 1),
        of(5, "const0", memory, "WR_ADDR", 0),
        of(6, "const0", memory, "WR_EN", 8),
        of(7, "const1", memory, "RD_EN", 0),
    ]
    circuit = Circuit(gates(text, mutants, silent))
    played = Played(recording(), 1)
    lanes = Lanes(circuit)
    together = lanes.play([each.number for each in mutants], played)
    # Inverted before the first edge of the clock and after it, and then no more.
    assert together[0] == 1
    assert all(cycle >= 0 for cycle in together)
    # Each alone differs in the same cycle, and the engine in none.
    assert [lanes.play([each.number], played)[0] for each in mutants] == together
    lanes.close()


def test_another_engine_is_noticed(text):
    lanes = Lanes(Circuit(gates(text, [], silent)))
    played = Played(recording(), 1)
    assert lanes.play([], played) == []
    # The last cycle in which a word is offered offers another one.
    last = np.flatnonzero(played.outputs[:, 1])[-1]
    played.outputs[last, 4] ^= 1
    with pytest.raises(RuntimeError, match=f"differs from the Verilog in cycle {last}"):
        lanes.play([], played)
    lanes.close()
