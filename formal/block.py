"""A block opened for a proof: its registers by name, its inputs free, and mistakes in it."""

import itertools
from contextlib import suppress

from amaranth import *
from amaranth.asserts import AnySeq
from amaranth.hdl import Fragment
from amaranth.hdl._ast import Switch
from amaranth.hdl._mem import MemoryInstance
from amaranth.lib import wiring

__all__ = ["Block", "free", "loose"]


class Block(Elaboratable):
    """A component that was elaborated at once, so that invariants can name what is inside.

    Parameters
    ----------
    component : anything with `elaborate`.
    platform : see `cells_of`.
    stuck : a register or signal that keeps its initial value, a planted mistake; by the name that
        it has in `signals`.
    cut : one that has no driver: the harness says what it is.

    Attributes
    ----------
    signals : driven signals by ``submodule.name``, without the name of the block itself; a second
        one of a name is called ``name_1``, and so on.
    memories : `MemoryInstance` by the name of its submodule.

    Raises
    ------
    KeyError : nothing is called ``stuck`` or ``cut``.
    """

    def __init__(self, component, platform=None, *, stuck: str | None = None, cut=None):
        self.component = component
        self.signals: dict[str, Signal] = {}
        self.memories: dict[str, MemoryInstance] = {}
        self._fragment = Fragment.get(component, platform)
        self._collect(self._fragment, "")
        for name in filter(None, (stuck, cut)):
            _release(self._fragment, self.signals[name])

    def __getitem__(self, name: str) -> Signal:
        return self.signals[name]

    def state(self, *labels: str, name: str = "fsm_state") -> Value:
        """1 while the state machine is in one of the states ``labels``."""
        signal = self.signals[name]
        known: dict[str, int] = {}
        with suppress(KeyError):  # there is no state of the next number
            for number in range(1 << len(signal)):
                known[signal.decoder(number).partition("/")[0]] = number
        return signal.matches(*(known[label] for label in labels))

    def word(self, m: Module, name: str, addr: Value) -> Signal:
        """The word at ``addr`` of a memory, in the same cycle: a port for invariants."""
        instance = self.memories[name]
        contents = instance._data
        data = Signal(Shape.cast(contents.shape).width, name=f"{name}_word")
        port = Signal(range(contents.depth), name=f"{name}_addr")
        m.d.comb += port.eq(addr)
        instance.read_port(domain="comb", addr=port, data=data, en=Const(1), transparent_for=())
        return data

    def _collect(self, fragment, path: str) -> None:
        if isinstance(fragment, MemoryInstance):
            self.memories[path.rstrip(".")] = fragment
            return
        for statements in fragment.statements.values():
            for statement in statements:
                for signal in statement._lhs_signals():
                    self._name(f"{path}{signal.name}", signal)
        for number, (inner, name, _) in enumerate(fragment.subfragments):
            self._collect(inner, f"{path}{name or number}.")

    def _name(self, name: str, signal: Signal) -> None:
        names = itertools.chain([name], (f"{name}_{number}" for number in itertools.count(1)))
        unused = next(each for each in names if self.signals.get(each, signal) is signal)
        self.signals[unused] = signal

    def elaborate(self, platform):
        return self._fragment


def _release(fragment, signal: Signal) -> None:
    """Take away every statement that gives ``signal`` a value."""
    for domain, statements in fragment.statements.items():
        fragment.statements[domain] = _without(statements, signal)
    for inner, _, _ in fragment.subfragments:
        if not isinstance(inner, MemoryInstance):
            _release(inner, signal)


def _without(statements, signal):
    left = type(statements)()
    for statement in statements:
        if isinstance(statement, Switch):
            cases = [(p, _without(inner, signal), loc) for p, inner, loc in statement.cases]
            left.append(Switch(statement.test, cases, src_loc=statement.src_loc))
        elif signal not in statement._lhs_signals():
            left.append(statement)
    return left


def loose(m: Module, component, name: str | None) -> Block:
    """The component as a submodule of ``m``; register ``name`` has any value in any cycle."""
    m.submodules.dut = block = Block(component, cut=name)
    if name is not None:
        m.d.comb += block[name].eq(AnySeq(len(block[name])))
    return block


def free(m: Module, component, *but: str) -> None:
    """Any value in any cycle at every input of ``component``, except those named in ``but``."""
    for path, member, value in component.signature.flatten(component):
        if member.flow == wiring.In and str(path[0]) not in but and not isinstance(value, Const):
            value = Value.cast(value)
            if not isinstance(value, Const):
                m.d.comb += value.eq(AnySeq(len(value)))
