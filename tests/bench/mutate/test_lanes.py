"""Mutants that are played together, on an engine of one register and one memory."""

import numpy as np
import pytest
from amaranth import Cat, ClockDomain, Module, Signal
from amaranth.back import rtlil
from amaranth.lib.memory import Memory
from bench.mutate.design import Mutant, gates
from bench.mutate.lanes import Circuit, Lanes, Played

from celosia.support.progress import silent

pytestmark = pytest.mark.simulator

SEED, CYCLES = 3, 300


def flat() -> str:
    """A word is written where its low bits say, and what was there is answered a cycle later.

    ``i__ready`` is a register that begins with 1 and stays so.
    """
    m = Module()
    valid, ready = Signal(name="i__valid"), Signal(name="o__ready")
    payload = Signal(9, name="i__payload")
    m.domains.sync = domain = ClockDomain()
    began, last, taken_before = Signal(init=1, name="began"), Signal(), Signal()
    m.submodules.memory = memory = Memory(shape=8, depth=4, init=[])
    write, read = memory.write_port(), memory.read_port()
    answer, offered, taken = (
        Signal(9, name="o__payload"),
        Signal(name="o__valid"),
        Signal(name="i__ready"),
    )
    m.d.sync += [began.eq(began | valid), last.eq(payload[8]), taken_before.eq(valid)]
    m.d.comb += [
        write.addr.eq(payload),
        write.data.eq(payload),
        write.en.eq(valid),
        read.addr.eq(payload),
        read.en.eq(ready),
        answer.eq(Cat(read.data, last)),
        offered.eq(taken_before),
        taken.eq(began),
    ]
    ports = [domain.clk, domain.rst, valid, payload, ready, answer, offered, taken]
    return rtlil.convert(m, name="celosia", ports=ports)


def recording() -> bytes:
    """What it does, by a model in Python; each cycle as `harness.cpp` keeps it."""
    print(f"seed {SEED}")
    rng = np.random.default_rng(SEED)
    data, memory, before, lines = 0, [0] * 4, (0, 0, 0, 0), []
    for _ in range(CYCLES):
        word, last, valid, ready = before
        if ready:
            data = memory[word % 4]
        if valid:
            memory[word % 4] = word
        # Without `valid` the answer has no meaning, and is 0 here.
        out = (data, last) if valid else (0, 0)
        offered = valid
        before = int(rng.integers(256)), *(int(bit) for bit in rng.integers(2, size=3))
        word, last, valid, ready = before
        lines += [word, out[0], 0, valid, last, ready, 1, offered, out[1]]
    return bytes(lines)


def of(number: int, mode: str, cell: str, port: str, bit: int) -> Mutant:
    return Mutant.read(
        number, f"mutate -mode {mode} -module celosia -cell {cell} -port {port} -portbit {bit}"
    )


@pytest.fixture(scope="module")
def text() -> str:
    return flatten(flat())


def flatten(text: str) -> str:
    from bench.mutate.design import run_yosys

    script = "read_rtlil a.il\nproc\nflatten\nopt_clean\nmemory_collect\nrename -enumerate t:*\n"
    _, (made,) = run_yosys(
        f"{script}write_rtlil b.il\n", {"a.il": text}, ("b.il",), "flattening", silent
    )
    return made


def cell_of(text: str, kind: str, output: str = "") -> str:
    """Name of the cell of ``kind``; of several, of that whose output is ``output``."""
    for cell in text.split("  cell ")[1:]:
        if cell.startswith(f"{kind} ") and (not output or f"\\Q \\{output}\n" in cell):
            return cell.split()[1]
    raise ValueError(f"no {kind} {output}")


def test_mutants_are_played_beside_the_engine(text):
    memory, register = cell_of(text, "$mem_v2"), cell_of(text, "$dff", "i__ready")
    mutants = [
        of(1, "inv", register, "Q", 0),
        of(2, "const0", register, "Q", 0),
        of(3, "inv", memory, "RD_DATA", 7),
        of(4, "const0", memory, "RD_ADDR", 1),
        of(5, "const0", memory, "WR_ADDR", 0),
        of(6, "const0", memory, "WR_EN", 7),
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


def test_a_flip_changes_an_answer(text):
    memory, register = cell_of(text, "$mem_v2"), cell_of(text, "$dff", "i__ready")
    mutants = [of(1, "inv", memory, "RD_DATA", 0), of(2, "inv", register, "D", 0)]
    lanes = Lanes(Circuit(gates(text, mutants, silent)))
    frame = bytes(range(4, 12))
    flips = [(1, CYCLES + 6), (2, CYCLES + 100), (1, CYCLES + 500)]
    engine, changed, later, never = lanes.converse(
        flips, Played(recording(), 1), [frame] * 3, 1, idle=4, most=200
    )
    lanes.close()
    # Each word is answered by the one before it at its address.
    assert [each[4:] for each in engine] == [frame[:4]] * 3
    assert [each[:4] for each in engine[1:]] == [frame[4:]] * 2
    # Bit 0 of the word that is offered 6 cycles later.
    assert b"".join(changed) == bytes(
        byte ^ (index == 5) for index, byte in enumerate(b"".join(engine))
    )
    assert later == never == engine


def test_an_engine_that_hangs(text):
    register = cell_of(text, "$dff", "i__ready")
    lanes = Lanes(Circuit(gates(text, [of(1, "inv", register, "Q", 0)], silent)))
    # More frames than there are.
    before = Played(recording(), 1)
    assert lanes.converse([], before, [bytes(3), b""], 1, idle=4, most=100) == [None]
    lanes.close()
