"""What is inside of a block, read from its RTL: submodules and registers, and what feeds what."""

import re
from collections import defaultdict
from collections.abc import Iterator

from amaranth._unused import MustUse
from amaranth.hdl import Module, Signal, Value
from amaranth.hdl._ast import Assign, Switch
from amaranth.lib import wiring

__all__ = ["Graph", "datapath"]

# Amaranth warns of components that never become part of a design; to look at them, none needs to.
MustUse._MustUse__silence = True

#: The widest registers that a picture shows; narrower ones are drawn as part of the wires.
_REGISTERS = 9

#: ``{node: kind}`` with kind "in", "out", "block" or "register", and the edges between nodes.
Graph = tuple[dict[str, str], set[tuple[str, str]]]


def datapath(block: wiring.Component) -> Graph:
    """Nodes and edges of ``block``'s data: conditions and resets are left out.

    Nodes are its ports, its submodules, and its widest registers; those whose names differ in a
    number only are one node.
    """
    module = block.elaborate(None)
    owner: dict[int, str] = {}
    nodes: dict[str, str] = {}
    module._flush()
    for name, (submodule, _) in module._named_submodules.items():
        inner = getattr(submodule, "_elaboratable_", submodule)
        stem = _stem(name)
        nodes[stem] = "block"
        for signal in _signals(inner):
            owner.setdefault(id(signal), stem)
    for path, _, value in block.signature.flatten(block):
        port = str(path[0])
        nodes[f"port {port}"] = "in" if _incoming(block, port) else "out"
        for signal in Value.cast(value)._rhs_signals():
            # The ready of a stream flows against its data.
            if path[-1] not in ("ready", "valid"):
                owner[id(signal)] = f"port {port}"
    blocks = len(nodes) - len(block.signature.members)
    sources, registered = _assignments(module)
    registers: dict[str, list] = defaultdict(list)
    for signal in registered.values():
        if id(signal) not in owner and not signal.name.endswith(("valid", "ready")):
            registers[_stem(signal.name)].append(signal)
    widest = sorted(registers, key=lambda stem: (-sum(map(len, registers[stem])), stem))
    for stem in widest[: 0 if blocks > 2 else _REGISTERS - 2 * blocks]:
        nodes.setdefault(stem, "register")
        for signal in registers[stem]:
            owner[id(signal)] = stem
    edges = set()
    for target, feeding in sources.items():
        if target in owner:
            for source in _reached(feeding, sources, owner):
                if source != owner[target]:
                    edges.add((source, owner[target]))
    edges -= _shortcuts(edges)
    used = {node for edge in edges for node in edge}
    return {node: kind for node, kind in nodes.items() if node in used}, edges


def _shortcuts(edges: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Edges from or to a port, whose target is also reached through other nodes."""
    after = defaultdict(set)
    for source, target in edges:
        after[source].add(target)

    def reaches(source: str, target: str) -> bool:
        seen, todo = set(), [*(after[source] - {target})]
        while todo:
            node = todo.pop()
            if node == target:
                return True
            if node not in seen:
                seen.add(node)
                todo += after[node]
        return False

    found = set()
    for source, target in sorted(edges):
        if "port" in (source[:4], target[:4]) and reaches(source, target):
            after[source].discard(target)
            found.add((source, target))
    return found


def _incoming(block: wiring.Component, port: str) -> bool:
    return block.signature.members[port].flow is wiring.In


def _stem(name: object) -> str:
    """Without the numbers of one of many."""
    return re.sub(r"(_\d+)+$", "", str(name))


def _signals(thing: object) -> Iterator[Signal]:
    """The ports of a submodule that carry data."""
    if isinstance(thing, wiring.Component):
        for path, _, value in thing.signature.flatten(thing):
            if path[-1] not in ("ready", "valid"):
                yield from Value.cast(value)._rhs_signals()
    for value in list(getattr(thing, "__dict__", {}).values()):
        for each in value.values() if isinstance(value, dict) else [value]:
            for item in each if isinstance(each, list | tuple) else [each]:
                if isinstance(item, wiring.PureInterface):
                    for _, _, port in item.signature.flatten(item):
                        yield from Value.cast(port)._rhs_signals()
                elif isinstance(item, Value):
                    yield from item._rhs_signals()


def _assignments(module: Module) -> tuple[dict[int, dict[int, Signal]], dict[int, Signal]]:
    """(for every signal that is assigned, those of the values that it may be given; registers)."""
    sources: dict[int, dict[int, Signal]] = defaultdict(dict)
    registers: dict[int, Signal] = {}

    def walk(statements: object, domain: str) -> None:
        for statement in statements:
            if isinstance(statement, Assign):
                feeding = _read(statement.rhs)
                for target in statement.lhs._lhs_signals():
                    sources[id(target)] |= {id(each): each for each in feeding}
                    if domain != "comb":
                        registers[id(target)] = target
            elif isinstance(statement, Switch):
                for case in statement.cases:
                    walk(case[1], domain)

    for domain, statements in module._statements.items():
        walk(statements, domain)
    return sources, registers


def _read(value: Value) -> list[Signal]:
    """The signals of ``value``; none when it has a clock or a reset, which is no data."""
    try:
        return list(value._rhs_signals())
    except NotImplementedError:
        return []


def _reached(feeding: dict[int, Signal], sources: dict, owner: dict[int, str]) -> set[str]:
    """The nodes behind the signals ``feeding``, through signals that belong to none."""
    found, seen, todo = set(), set(), list(feeding)
    while todo:
        signal = todo.pop()
        if signal in seen:
            continue
        seen.add(signal)
        if signal in owner:
            found.add(owner[signal])
        else:
            todo += sources.get(signal, {})
    return found
