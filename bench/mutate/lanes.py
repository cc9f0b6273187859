"""255 mutants played at the same time: one bit of a vector for each, in a netlist of gates.

Every gate is ``out = p ^ (s & (q ^ r))`` of other signals and constants, so the simulation is one
loop without a branch (`lanes.cpp`). Bit 0 is the engine without a mutation; it has to do what was
recorded of the Verilog in every cycle. Registers without an initial value and memories begin as
zeros, as they do there.
"""

import ctypes
import subprocess
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np

from celosia.driver.rtl.toolchain import find_toolchain
from celosia.driver.rtl.verilator import CXX_FLAGS, FAST_FLAGS, LINK_FLAGS
from celosia.flow import tools
from celosia.support.cache import cache_dir, keep, kept
from celosia.support.errors import CelosiaError

from .netlist import initial_values, module_of

__all__ = ["LANES", "Circuit", "Lanes", "Played"]

#: Mutants played together, beside the engine itself.
LANES = 255
_ZERO, _ONE = 0, 1
#: That are kept of what a conversation answers.
_MOST_WORDS = 4096
#: A cycle as `harness.cpp` records it: bytes of a word in and out, then single bits.
_INPUT_BITS, _OUTPUT_BITS = (
    ("rst", "i_valid", "i_last", "o_ready"),
    ("i_ready", "o_valid", "o_last"),
)


class Circuit:
    """The netlist as the simulation needs it.

    A signal is ``2 * node + inverted``; node 0 is 0, node 1 is 1, then inputs, registers and what
    memories read, then gates.

    Parameters
    ----------
    text : of `design.gates`.

    Attributes
    ----------
    mutants : node of the input that chooses each mutant, by number.

    Raises
    ------
    ValueError : a cell or a memory is of a kind that it cannot simulate, or gates form a loop.
    """

    def __init__(self, text: str):
        module = module_of(text, "celosia")
        self._signals: dict[int | str, int] = {"0": 0, "1": 1, "x": 0, "z": 0}
        self._sources: dict[int, tuple[str, dict]] = {}
        self._count = 2
        ports = {name: port["bits"] for name, port in module["ports"].items()}
        pins = [
            *ports["rst"], *ports["i__valid"], *ports["i__payload"], *ports["o__ready"],
        ]  # fmt: skip
        self.inputs = np.array([self._new(bit) for bit in pins], np.uint32)
        self.mutants = {
            int(name[1:]): self._new(bits[0]) for name, bits in ports.items() if name[1:].isdigit()
        }
        registers, memories = [], []
        for cell in module["cells"].values():
            kind, at = cell["type"], cell["connections"]
            if kind == "$_DFF_P_":
                registers.append((self._new(at["Q"][0]), at["D"][0], at["Q"][0]))
            elif kind == "$mem_v2":
                memories.append((cell, [self._new(bit) for bit in at["RD_DATA"]][0]))
            else:
                self._sources[at["Y"][0]] = (kind, {name: bits[0] for name, bits in at.items()})
        self.first, self._gates = self._count, {}
        initial = initial_values(module)
        self.registers = np.array(
            [(q, self._signal(d), initial.get(bit, 0)) for q, d, bit in registers], np.uint32
        ).reshape(-1, 3)
        rows, literals = [], []
        for cell, read in memories:
            row, bits = _memory(cell)
            rows.append([*row, read])
            literals += [self._signal(bit) for bit in bits]
        self.memories = np.array(rows, np.uint32).reshape(-1, 4)
        self.literals = np.array(literals, np.uint32)
        outputs = [*ports["i__ready"], *ports["o__valid"], *ports["o__payload"]]
        self.outputs = np.array([self._signal(bit) for bit in outputs], np.uint32)
        self.gates = np.array(list(self._gates), np.uint32).reshape(-1, 4)

    def _new(self, bit: int | str) -> int:
        if isinstance(bit, int):
            self._signals[bit] = 2 * self._count
        self._count += 1
        return self._count - 1

    def _signal(self, bit: int | str) -> int:
        """The signal of a bit, after all that it depends on."""
        stack, open_ = [bit], set()
        while stack:
            now = stack[-1]
            if now in self._signals:
                stack.pop()
                continue
            if now not in self._sources:
                # What is read beyond the words of a memory.
                self._signals[now] = 2 * _ZERO
                continue
            kind, at = self._sources[now]
            left = [at[name] for name in "ABS" if name in at and at[name] not in self._signals]
            if left:
                if now in open_:
                    raise ValueError(f"gates form a loop at bit {now}")
                open_.add(now)
                stack += left
                continue
            self._signals[now] = self._gate(kind, *(self._signals[at[n]] for n in "ABS" if n in at))
            stack.pop()
        return self._signals[bit]

    def _gate(self, kind: str, a: int, b: int = 0, s: int = 0) -> int:
        match kind:
            case "$_NOT_":
                return a ^ 1
            case "$_AND_":
                return self._and(a, b)
            case "$_OR_":
                return self._and(a ^ 1, b ^ 1) ^ 1
            case "$_XOR_" | "$_XNOR_":
                inverted = (a ^ b ^ (kind == "$_XNOR_")) & 1
                return self._node(a >> 1, _ONE, b >> 1, _ZERO) | inverted
            case "$_MUX_":
                if s & 1:
                    a, b, s = b, a, s ^ 1
                if (a ^ b) & 1:
                    a = self._node(_ONE, _ONE, a >> 1, _ZERO) | (a & 1 ^ 1)
                return self._node(a >> 1, s >> 1, a >> 1, b >> 1) | a & 1
        raise ValueError(f"no gate: {kind}")

    def _and(self, a: int, b: int) -> int:
        x, y = a >> 1, b >> 1
        if not a & 1 and not b & 1:
            return self._node(_ZERO, x, y, _ZERO)
        if a & 1 and b & 1:  # not (x or y)
            return self._node(x, y, x, _ONE) | 1
        if a & 1:
            x, y = y, x
        return self._node(x, y, x, _ZERO)  # x and not y

    def _node(self, *operands: int) -> int:
        if operands not in self._gates:
            self._gates[operands] = self._count
            self._count += 1
        return 2 * self._gates[operands]


def _memory(cell: dict) -> tuple[list[int], list]:
    """Words, width and bits of an address; and bits in the order of `lanes.cpp`."""
    at, given = cell["connections"], cell["parameters"]
    number = {name: int(given[name], 2) for name in ("SIZE", "WIDTH", "ABITS")}
    one = {
        "RD_PORTS": 1, "WR_PORTS": 1, "RD_CLK_ENABLE": 1, "WR_CLK_ENABLE": 1, "OFFSET": 0,
        "RD_TRANSPARENCY_MASK": 0, "RD_COLLISION_X_MASK": 0,
    }  # fmt: skip
    for name, value in one.items():
        if int(given[name], 2) != value:
            raise ValueError(f"memory {given['MEMID']}: {name} is not {value}")
    bits = [at["RD_EN"], at["RD_ADDR"], at["WR_ADDR"], at["WR_EN"], at["WR_DATA"]]
    return [number["SIZE"], number["WIDTH"], number["ABITS"]], sum(bits, [])


class Played:
    """A recording in the order of the netlist's pins: one byte, 0 or 1, for each pin and cycle; 2
    for an output that has no meaning.

    Parameters
    ----------
    recording : `simulation.Recorder.recording`.
    link_bytes : of a word.
    first : only so many of the cycles; all if None.
    """

    def __init__(self, recording: bytes, link_bytes: int, first: int | None = None):
        cycles = np.frombuffer(recording, np.uint8).reshape(-1, 2 * link_bytes + 7)[:first]
        word_in, word_out = cycles[:, :link_bytes], cycles[:, link_bytes : 2 * link_bytes]
        bit = dict(zip((*_INPUT_BITS, *_OUTPUT_BITS), cycles[:, 2 * link_bytes :].T, strict=True))

        def payload(word: np.ndarray, last: np.ndarray) -> np.ndarray:
            bits = np.unpackbits(word, axis=1, bitorder="little")
            return np.concatenate([bits, last[:, None]], axis=1)

        self.cycles = len(cycles)
        self.inputs = np.column_stack(
            [bit["rst"], bit["i_valid"], payload(word_in, bit["i_last"]), bit["o_ready"]]
        )
        offered = payload(word_out, bit["o_last"])
        offered[bit["o_valid"] == 0] = 2
        self.outputs = np.column_stack([bit["i_ready"], bit["o_valid"], offered])


class Lanes:
    """The simulation of a `Circuit`; one for each thread."""

    def __init__(self, circuit: Circuit):
        self._circuit, self._lib, self._lanes = circuit, _library(), None
        arrays = (
            circuit.gates, circuit.registers, circuit.memories, circuit.literals, circuit.inputs,
            circuit.outputs,
        )  # fmt: skip
        arguments = [each for array in arrays for each in (_pointer(array), len(array))]
        self._lanes = self._lib.lanes_create(circuit.first, *arguments)

    def close(self) -> None:
        """Free the simulation."""
        if self._lanes:
            self._lib.lanes_destroy(self._lanes)
        self._lanes = None

    def __del__(self) -> None:
        self.close()

    def play(self, mutants: Sequence[int], played: Played) -> list[int]:
        """For each of at most `LANES` mutants the first cycle in which an output differs, or -1.

        Raises
        ------
        RuntimeError : the engine without a mutation differs too.
        """
        chosen = np.array([0, *(self._circuit.mutants[each] for each in mutants)], np.uint32)
        found = np.empty(len(chosen), np.int64)
        self._lib.lanes_play(
            self._lanes, _pointer(chosen), len(chosen), _pointer(played.inputs),
            _pointer(played.outputs), played.cycles, _pointer(found),
        )  # fmt: skip
        if found[0] >= 0:
            raise RuntimeError(f"the netlist differs from the Verilog in cycle {found[0]}")
        return found[1:].tolist()

    def watch(self, played: Played, every: int) -> np.ndarray:
        """The engine's registers in every ``every``-th cycle, eight of these to a byte, of shape
        (cycles // every // 8, registers in the netlist's order); the last ones are left out."""
        seen = np.empty((-(-played.cycles // every), len(self._circuit.registers)), np.uint8)
        self._lib.lanes_watch(
            self._lanes, _pointer(played.inputs), played.cycles, every, _pointer(seen)
        )
        return np.packbits(seen[: len(seen) // 8 * 8], axis=0)

    def converse(
        self,
        flips: Sequence[tuple[int, int]],
        before: Played,
        frames: Sequence[bytes],
        link_bytes: int,
        idle: int,
        most: int,
    ) -> list[list[bytes] | None]:
        """Play ``before`` and then send ``frames``, as `simulation.Recorder.send` does.

        ``flips`` are at most `LANES`: the number of a mutant and its cycle, counted from the
        beginning. Of the engine as it is, and of each flip: the frames that are answered, or None
        if they have not all come after ``most`` cycles, or words still come.
        """
        bits = 8 * link_bytes + 1
        data = [np.frombuffer(frame, np.uint8).reshape(-1, link_bytes) for frame in frames]
        words = np.zeros((sum(map(len, data)), bits), np.uint8)
        words[:, :-1] = np.unpackbits(np.concatenate(data), axis=1, bitorder="little")
        words[np.cumsum([len(each) for each in data]) - 1, -1] = 1
        nodes = np.array([0, *(self._circuit.mutants[number] for number, _ in flips)], np.uint32)
        at = np.array([0, *(cycle for _, cycle in flips)], np.uint64)
        answer = np.zeros((len(nodes), _MOST_WORDS, bits), np.uint8)
        found = np.zeros(len(nodes), np.int64)
        self._lib.lanes_converse(
            self._lanes, _pointer(nodes), _pointer(at), len(nodes), _pointer(before.inputs),
            before.cycles, _pointer(words), len(words), len(frames), idle, most,
            _pointer(answer), _MOST_WORDS, _pointer(found),
        )  # fmt: skip
        return [
            None if count < 0 else _frames(each[:count])
            for each, count in zip(answer, found.tolist(), strict=True)
        ]


def _frames(words: np.ndarray) -> list[bytes]:
    """Bits of words and, behind them, the last of a frame: its bytes. A rest is a frame too."""
    data = np.packbits(words[:, :-1], axis=1, bitorder="little")
    ends = [*(np.flatnonzero(words[:, -1]) + 1).tolist(), len(words)]
    parts = [data[begin:end].tobytes() for begin, end in zip([0, *ends], ends, strict=False)]
    return parts if parts[-1] else parts[:-1]


def _pointer(array: np.ndarray) -> int:
    if not array.flags.c_contiguous:
        raise ValueError("the array is not contiguous")
    return array.ctypes.data


def _library() -> ctypes.CDLL:
    path = _built()
    lib = ctypes.CDLL(str(path))
    pointer, part = ctypes.c_void_p, ctypes.c_uint32
    lib.lanes_create.restype = pointer
    lib.lanes_create.argtypes = [part, *(pointer, part) * 6]
    lib.lanes_destroy.restype, lib.lanes_destroy.argtypes = None, [pointer]
    lib.lanes_play.restype = None
    lib.lanes_play.argtypes = [
        pointer, pointer, part, pointer, pointer, ctypes.c_uint64, pointer,
    ]  # fmt: skip
    word = ctypes.c_uint64
    lib.lanes_watch.restype = None
    lib.lanes_watch.argtypes = [pointer, pointer, word, word, pointer]
    lib.lanes_converse.restype = None
    lib.lanes_converse.argtypes = [
        pointer, pointer, pointer, part, pointer, word, pointer, word, word, word, word, pointer,
        ctypes.c_int64, pointer,
    ]  # fmt: skip
    return lib


def _built() -> Path:
    """The compiled `lanes.cpp`, from the cache if it is there."""
    chain = find_toolchain()
    source = Path(__file__).with_name("lanes.cpp")
    command = [chain.compiler, *CXX_FLAGS, *FAST_FLAGS, *LINK_FLAGS, str(source)]
    key = sha256(repr((command[1:-1], chain.compiler_version, source.read_text())).encode())
    path = cache_dir() / "mutate" / f"{key.hexdigest()[:32]}.so"
    if kept(path) is None:
        with tools.workshop() as work:
            made = work.path / "lanes.so"
            done = subprocess.run([*command, "-o", made], capture_output=True, text=True)
            if done.returncode:
                raise CelosiaError(f"{chain.compiler} fails: {done.stderr}", where=str(source))
            keep(path, made.read_bytes())
    return path
