"""Simulations that count what is covered, by lines of the Python that describes the hardware."""

import contextlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

from amaranth.hdl import Module, Signal
from tb import simulators

import celosia_hw
from celosia.driver.rtl import verilator

__all__ = ["FLAGS", "Source", "instrumented", "line_of"]

#: Counters of every bit's two edges, of signals so narrow that they are control, and of the terms
#: of expressions. Lines are edges too, of a signal for each branch.
FLAGS = ("--coverage-toggle", "--coverage-max-width", "8", "--coverage-expr")

_ROOT = Path(celosia_hw.__file__).parent
#: What begins a branch.
_BRANCHES = ("If", "Elif", "Else", "Case", "Default", "State")
_PREFIX = "covered"

_WRITE = """
#include "verilated_cov.h"
extern "C" __attribute__((visibility("default")))
void celosia_coverage(Harness* harness, const char* file) { harness->write_coverage(file); }
"""
_CONTEXT = "    VerilatedContext context_;"
_METHOD = """  public:
    void write_coverage(const char* file) { context_.coveragep()->write(file); }
  private:
"""


@dataclass
class Source:
    """What was elaborated.

    Parameters
    ----------
    branches : places of ``with m.If(...)`` and the like, and which of them it is.
    statements : places of statements -> places of their innermost branches; those that are in none
        are always executed, and absent.

    A place is a file of `celosia_hw` and a line, as ("core/sequencer.py", 88).
    """

    branches: dict[tuple[str, int], str] = field(default_factory=dict)
    statements: dict[tuple[str, int], set[tuple[str, int]]] = field(default_factory=dict)


def line_of(signal: str) -> tuple[str, int] | None:
    """The place of the branch that ``signal`` of the Verilog belongs to; None for the design's."""
    found = re.search(rf"\b{_PREFIX}_(\w+)_at_(\d+)\b", signal)
    return (found[1].replace("_0_", "/") + ".py", int(found[2])) if found else None


@contextlib.contextmanager
def instrumented() -> Iterator[Source]:
    """What is emitted and compiled inside counts its coverage; what it consists of.

    cocotb's simulations write ``coverage.dat`` in their folder. Libraries of `verilator.build` have
    ``celosia_coverage(engine, file)`` beside their other functions.
    """
    source, build = Source(), verilator._Build.run

    def run(self, sources: dict[str, str], link_bytes: int):
        harness = sources["harness.cpp"].replace(_CONTEXT, _METHOD + _CONTEXT, 1) + _WRITE
        return build(self, sources | {"harness.cpp": harness}, link_bytes)

    flags = (*verilator.VERILATOR_FLAGS, *FLAGS)
    with contextlib.ExitStack() as stack:
        for patched in (
            patch.object(verilator, "VERILATOR_FLAGS", flags),
            patch.object(verilator, "CXX_FLAGS", (*verilator.CXX_FLAGS, "-DVM_COVERAGE=1")),
            patch.object(verilator, "FAST_FLAGS", ("-O0",)),
            patch.object(verilator._Build, "run", run),
            patch.object(simulators, "_VERILATOR_ARGS", [*simulators._VERILATOR_ARGS, *FLAGS]),
            patch.object(Module, "_add_statement", _adding(source, Module._add_statement)),
            *(
                patch.object(Module, name, _entering(source, name, getattr(Module, name)))
                for name in _BRANCHES
            ),
        ):
            stack.enter_context(patched)
        yield source


def _entering(source: Source, kind: str, original):
    """``m.If`` and the like, which raise a signal of their place while they are active."""

    def enter(module, *args, **more):
        place = _place()
        inner = original(module, *args, **more)
        return inner if place is None else _Branch(source, kind, module, inner, place)

    return enter


class _Branch:
    def __init__(self, source: Source, kind: str, module: Module, inner, place: tuple[str, int]):
        self.source, self.kind, self.module, self.inner = source, kind, module, inner
        self.place = place

    def __enter__(self):
        entered = self.inner.__enter__()
        self.source.branches[self.place] = self.kind
        file = self.place[0].removesuffix(".py").replace("/", "_0_")
        # Verilator spells two underscores otherwise.
        signal = Signal(name=f"{_PREFIX}_{file}_at_{self.place[1]}", attrs={"keep": 1})
        self.module.d.comb += signal.eq(1)
        self.module.__dict__.setdefault("_places", []).append(self.place)
        return entered

    def __exit__(self, *error):
        self.module._places.pop()
        return self.inner.__exit__(*error)


def _adding(source: Source, original):
    """``m.d.sync += ...``, which notes the branch that it is in."""

    def add(module, assigns, domain, depth):
        place, inside = _place(), module.__dict__.get("_places")
        if place is not None and inside:
            source.statements.setdefault(place, set()).add(inside[-1])
        return original(module, assigns, domain, depth)

    return add


def _place() -> tuple[str, int] | None:
    """Where `celosia_hw` called; None when something else did."""
    frame = sys._getframe(2)
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(_ROOT):
            return path.relative_to(_ROOT).as_posix(), frame.f_lineno
        if path.name == "coverage_build.py" and frame.f_code.co_name == "__enter__":
            return None
        frame = frame.f_back
    return None
