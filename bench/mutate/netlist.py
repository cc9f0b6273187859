"""A netlist of gates, read from Yosys, and its function as an and-inverter graph."""

import heapq
import json
from dataclasses import dataclass, field

__all__ = ["FALSE", "TRUE", "Graph", "Netlist", "initial_values", "module_of"]

#: Literals are ``2 * node + inverted``; node 0 is constant.
FALSE, TRUE = 0, 1


def module_of(text: str, top: str) -> dict:
    """Module ``top`` of what ``write_json`` wrote."""
    return json.loads(text)["modules"][top]


def initial_values(module: dict) -> dict[int, int]:
    """The value of each register that begins with one, by the bit of its output.

    A mutation of the output takes the name from it, and the name has the value.
    """
    named = {
        bit: int(value)
        for net in module["netnames"].values()
        for bit, value in zip(
            net["bits"], reversed(net["attributes"].get("init", "")), strict=False
        )
        if value in "01"
    }
    drivers, registers = {}, set()
    for cell in module["cells"].values():
        pins = cell["connections"]
        if "Y" in pins:
            drivers[pins["Y"][0]] = [pins[name][0] for name in "ABS" if name in pins]
        elif "Q" in pins:
            registers.add(pins["Q"][0])
    found = {bit: value for bit, value in named.items() if bit in registers}
    for begin in named.keys() - registers:
        stack = list(drivers.get(begin, ()))
        while stack:
            bit = stack.pop()
            if bit in registers and bit not in named:
                if found.setdefault(bit, named[begin]) != named[begin]:
                    raise ValueError(f"which register begins with {named[begin]}: bit {bit}?")
            elif bit not in named:
                stack += drivers.get(bit, ())
    return found


class Graph:
    """An and-inverter graph with one node for each function of two literals.

    Attributes
    ----------
    ands : the two literals of each node; None of a variable.
    """

    def __init__(self):
        self.ands: list[tuple[int, int] | None] = [None]
        self._nodes: dict[tuple[int, int], int] = {}

    def variable(self) -> int:
        """The literal of a new variable."""
        self.ands.append(None)
        return 2 * (len(self.ands) - 1)

    def both(self, a: int, b: int) -> int:
        """The literal of ``a & b``."""
        if a > b:
            a, b = b, a
        if a == FALSE or a == b ^ 1:
            return FALSE
        if a == TRUE or a == b:
            return b
        found = self._nodes.get((a, b))
        if found is None:
            self.ands.append((a, b))
            found = self._nodes[a, b] = 2 * (len(self.ands) - 1)
        return found

    def differ(self, a: int, b: int) -> int:
        """The literal of ``a ^ b``."""
        return self.both(self.both(a, b ^ 1) ^ 1, self.both(a ^ 1, b) ^ 1) ^ 1


@dataclass
class Netlist:
    """Gates in the order of their signals, registers, and memories cut out of them.

    A memory's read data are inputs here, and what its ports are given are outputs.

    Parameters
    ----------
    gates : (output, a, b) in topological order; ``b`` is None of an inverter.
    registers : q -> (d, initial value or None).
    inputs : pins, those that choose mutants apart, and memories' read data.
    outputs : pins.
    choice : the bit that chooses each mutant, by its number.
    columns : bit of a memory's read data -> what its ports are given that decides about it.
    """

    gates: list[tuple[int, int, int | None]]
    registers: dict[int, tuple[int | str, int | None]]
    inputs: list[int]
    outputs: list[int | str]
    choice: dict[int, int]
    columns: dict[int, list[int | str]] = field(default_factory=dict)
    readers: dict[int, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for index, (_, *sources) in enumerate(self.gates):
            for source in sources:
                if isinstance(source, int):
                    self.readers.setdefault(source, []).append(index)

    @classmethod
    def read(cls, text: str, top: str) -> "Netlist":
        """What ``write_json`` wrote: gates of one and two inputs, $_MUX_, $_DFF_P_ and $mem_v2."""
        module = module_of(text, top)
        initial = initial_values(module)
        inputs, outputs, choice = [], [], {}
        for name, port in module["ports"].items():
            if port["direction"] == "output":
                outputs += port["bits"]
            elif name[1:].isdigit():
                choice[int(name[1:])] = port["bits"][0]
            else:
                inputs += port["bits"]
        made, registers, columns = _Gates(module), {}, {}
        for cell in module["cells"].values():
            pins = cell["connections"]
            if cell["type"] in made.kinds:
                made.kinds[cell["type"]](*(pins[name][0] for name in "YABS" if name in pins))
            elif cell["type"] == "$_DFF_P_":
                registers[pins["Q"][0]] = (pins["D"][0], initial.get(pins["Q"][0]))
            elif cell["type"] == "$mem_v2":
                inputs += pins["RD_DATA"]
                width = int(cell["parameters"]["WIDTH"], 2)
                common = [*pins["RD_ADDR"], *pins["RD_EN"], *pins["WR_ADDR"]]
                for index, bit in enumerate(pins["RD_DATA"]):
                    own = [pins[name][index % width :: width] for name in ("WR_DATA", "WR_EN")]
                    columns[bit] = [*common, *own[0], *own[1]]
            else:
                raise ValueError(f"no gate: {cell['type']}")
        # What is read beyond the words of a memory.
        driven = {*inputs, *choice.values(), *registers, *made.made}
        read = [bit for pins in made.made.values() for bit in pins if isinstance(bit, int)]
        read += [d for d, _ in registers.values() if isinstance(d, int)]
        inputs += dict.fromkeys(bit for bit in read if bit not in driven)
        return cls(_sorted(made.made), registers, inputs, outputs, choice, columns)

    def live(self) -> tuple[set[int], list[int | str]]:
        """Registers that a pin depends on, sooner or later; and pins and what memories are given
        of which the same holds."""
        sources = {out: (a, b) for out, a, b in self.gates}
        seen: set = set()
        stack: list = list(self.outputs)
        sinks = dict.fromkeys(self.outputs)
        while stack:
            bit = stack.pop()
            if not isinstance(bit, int) or bit in seen:
                continue
            seen.add(bit)
            if bit in sources:
                stack += sources[bit]
            elif bit in self.registers:
                stack.append(self.registers[bit][0])
            elif bit in self.columns:
                stack += self.columns[bit]
                sinks |= dict.fromkeys(self.columns[bit])
        return seen & self.registers.keys(), list(sinks)

    def constants(self) -> dict[int, int]:
        """Registers that keep their initial value whatever the inputs are: by simulation of three
        values, from the initial values on, until no more registers become unknown."""
        state = {q: value for q, (_, value) in self.registers.items() if value is not None}
        while True:
            values: dict = {"0": 0, "1": 1} | state
            for out, a, b in self.gates:
                x = values.get(a)
                if b is None:
                    if x is not None:
                        values[out] = 1 - x
                    continue
                y = values.get(b)
                if x == 0 or y == 0:
                    values[out] = 0
                elif x == 1 and y == 1:
                    values[out] = 1
            kept = {q: v for q, v in state.items() if values.get(self.registers[q][0]) == v}
            if len(kept) == len(state):
                return kept
            state = kept

    def evaluate(self, graph: Graph, values: dict) -> None:
        """Add the literal of every gate to ``values``, which has those of inputs and registers."""
        values.update({"0": FALSE, "1": TRUE, "x": FALSE, "z": FALSE})
        both = graph.both
        for out, a, b in self.gates:
            values[out] = values[a] ^ 1 if b is None else both(values[a], values[b])

    def changed(self, graph: Graph, values: dict, changes: dict) -> dict:
        """Literals that differ from ``values`` when those of ``changes`` do."""
        found = {bit: lit for bit, lit in changes.items() if values[bit] != lit}
        waiting = sorted({index for bit in found for index in self.readers.get(bit, ())})
        queued = set(waiting)
        while waiting:
            out, a, b = self.gates[heapq.heappop(waiting)]
            lit = found.get(a, values[a])
            lit = lit ^ 1 if b is None else graph.both(lit, found.get(b, values[b]))
            if lit != values[out]:
                found[out] = lit
                for index in self.readers.get(out, ()):
                    if index not in queued:
                        queued.add(index)
                        heapq.heappush(waiting, index)
        return found


class _Gates:
    """Gates of two kinds, of which the others are made; ``made``: output -> (a, b or None)."""

    def __init__(self, module: dict):
        nets = [each["bits"] for each in (*module["netnames"].values(), *module["ports"].values())]
        pins = [bits for cell in module["cells"].values() for bits in cell["connections"].values()]
        self._next = max(
            (bit for bits in nets + pins for bit in bits if isinstance(bit, int)), default=0
        )
        self.made: dict[int, tuple] = {}
        self.kinds = {
            "$_NOT_": self._not, "$_AND_": self._and, "$_OR_": self._or, "$_XOR_": self._xor,
            "$_XNOR_": self._xnor, "$_MUX_": self._mux,
        }  # fmt: skip

    def _new(self) -> int:
        self._next += 1
        return self._next

    def _put(self, y: int | None, a, b=None) -> int:
        y = self._new() if y is None else y
        self.made[y] = (a, b)
        return y

    def _not(self, y: int | None, a) -> int:
        return self._put(y, a)

    def _and(self, y: int | None, a, b) -> int:
        return self._put(y, a, b)

    def _or(self, y: int | None, a, b) -> int:
        return self._not(y, self._and(None, self._not(None, a), self._not(None, b)))

    def _xor(self, y: int | None, a, b) -> int:
        left = self._and(None, a, self._not(None, b))
        return self._or(y, left, self._and(None, self._not(None, a), b))

    def _xnor(self, y: int | None, a, b) -> int:
        return self._not(y, self._xor(None, a, b))

    def _mux(self, y: int | None, a, b, s) -> int:
        left = self._and(None, b, s)
        return self._or(y, left, self._and(None, a, self._not(None, s)))


def _sorted(made: dict) -> list[tuple[int, int, int | None]]:
    """Gates after those that they read."""
    order, done = [], set()
    for begin in made:
        stack = [(begin, False)]
        while stack:
            out, ready = stack.pop()
            if ready:
                order.append((out, *made[out]))
            elif out not in done:
                done.add(out)
                stack.append((out, True))
                stack += [(bit, False) for bit in made[out] if bit in made and bit not in done]
    return order
