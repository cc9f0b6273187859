"""Compiling the engine's Verilog to a shared library, once for each design and machine.

Verilator translates the Verilog to C++, which is compiled here in three parts at the same time: the
code of a clock cycle together with `harness.cpp`, optimized for speed; the initialization, which
runs once and is large; and Verilator's runtime, which is the same for every design and therefore
cached. Verilator's own makefiles are not used (`toolchain` says why).
"""

import contextlib
import hashlib
import json
import os
import platform
import shlex
import signal
import subprocess
import tempfile
import time
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from celosia.support.cache import CACHE_TODO, cache_dir, keep, kept, locked
from celosia.support.errors import CelosiaError
from celosia.support.files import require_writable
from celosia.support.guard import Guard
from celosia.support.progress import Progress, silent

from .toolchain import Toolchain, find_toolchain

__all__ = ["build"]

#: Files of this package that drive the design, in Verilog and in C++.
HARNESS = ("harness.v", "harness.cpp")
VERILATOR_FLAGS = (
    *("--cc", "--top-module", "harness", "--prefix", "Vharness", "--make", "json"),
    *("-O3", "--x-assign", "fast", "--x-initial", "fast"),
    *("--no-timing", "--no-assert", "--quiet-stats"),
    # Style warnings about emitted Verilog do not help users of the simulation, and a field of a
    # packed signal that depends on another field is not a loop.
    *("-Wno-lint", "-Wno-style", "-Wno-UNOPTFLAT"),
)
CXX_FLAGS = ("-std=gnu++17", "-fPIC", "-fvisibility=hidden", "-DVL_USER_FATAL", "-w")
#: Measured on a 16x16 engine: 0.84 of the speed without -march=native, 0.77 with -O2.
FAST_FLAGS = ("-O3", "-march=native")
#: Little of the other code runs in a clock cycle, so it is compiled quickly.
SLOW_FLAGS = ("-O0",)
RUNTIME_FLAGS = ("-O1",)
LINK_FLAGS = ("-shared", "-pthread")


def build(
    verilog: str,
    link_bytes: int,
    progress: Progress | None = None,
    harness: Traversable | None = None,
) -> Path:
    """The shared library that simulates module ``celosia`` of ``verilog``.

    It is cached under a hash of everything that determines it, and compiled only when it is not in
    the cache. When several processes need the same one, one compiles and the others wait. A build
    that fails or is killed leaves no library behind.

    Parameters
    ----------
    verilog : text of the design.
    link_bytes : width of its streams' data in bytes.
    progress : called at each step of a build.
    harness : folder with another `HARNESS` than that of this package.

    Raises
    ------
    CelosiaError : a tool is missing, the cache cannot be written, or the design does not compile
        (then the error names the log).
    """
    progress = progress or silent
    tools = find_toolchain()
    harness = harness or resources.files("celosia.driver.rtl")
    sources = {name: (harness / name).read_text() for name in HARNESS}
    sources["celosia.v"] = verilog
    folder = cache_dir() / "rtl"
    library = folder / f"{_key(sources, link_bytes, tools)}.so"
    if kept(library) is not None:
        return library
    require_writable(folder, todo=CACHE_TODO)

    def waiting(seconds: float) -> None:
        progress("waiting for another process to compile the simulation", 0, 0)

    with locked(library.with_suffix(".lock"), waiting):
        if kept(library) is None:
            log = library.with_suffix(".log")
            try:
                with tempfile.TemporaryDirectory(prefix="celosia-") as work, Guard(work) as guard:
                    build = _Build(Path(work), log, tools, progress, guard)
                    keep(library, build.run(sources, link_bytes).read_bytes())
            except OSError as error:
                raise CelosiaError(
                    f"cannot compile the engine: {error.strerror or error}",
                    where=str(error.filename or tempfile.gettempdir()),
                    todo="free some space, or set TMPDIR to another folder",
                ) from error
            with contextlib.suppress(OSError):
                log.unlink()
    return library


def _key(sources: dict[str, str], link_bytes: int, tools: Toolchain) -> str:
    flags = (VERILATOR_FLAGS, CXX_FLAGS, FAST_FLAGS, SLOW_FLAGS, RUNTIME_FLAGS, LINK_FLAGS)
    return _hash(*sources.values(), str(link_bytes), _cpu(), *_versions(tools), *sum(flags, ()))


def _runtime_key(files: list[str], tools: Toolchain) -> str:
    return _hash(*files, platform.machine(), *_versions(tools), *CXX_FLAGS, *RUNTIME_FLAGS)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _versions(tools: Toolchain) -> tuple[str, str, str]:
    return tools.verilator_version, tools.compiler, tools.compiler_version


def _cpu() -> str:
    """The features of the CPU, which ``-march=native`` depends on.

    A cache in a home folder may be shared by machines with different CPUs.
    """
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(("flags", "Features")):
                return " ".join(sorted(line.partition(":")[2].split()))
    return f"{platform.machine()} {platform.processor()}"


class _Build:
    """One build in folder ``work``. The tools' output is in ``log``, which is kept on failure."""

    _STEPS = 3

    def __init__(self, work: Path, log: Path, tools: Toolchain, progress: Progress, guard: Guard):
        self.work, self.log, self.tools, self.progress = work, log, tools, progress
        self.guard = guard

    def run(self, sources: dict[str, str], link_bytes: int) -> Path:
        """Build the library of ``sources``, text by file name; its path in `work`."""
        self.log.write_text("")
        for name, text in sources.items():
            (self.work / name).write_text(text)

        self.progress("translating the engine to C++", 0, self._STEPS)
        verilate = [self.tools.verilator, *VERILATOR_FLAGS, f"-GBYTES={link_bytes}"]
        self._all([[*verilate, "--Mdir", ".", "harness.v", "celosia.v"]])

        self.progress("compiling the simulation", 1, self._STEPS)
        made = json.loads((self.work / "Vharness.json").read_text())["sources"]
        fast = ["harness.cpp", *made["classes_fast"], *made.get("support_fast", [])]
        slow = [*made["classes_slow"], *made.get("support_slow", [])]
        compilers = [
            self._compiler("fast", fast, (*FAST_FLAGS, f"-DLINK_BYTES={link_bytes}")),
            self._compiler("slow", slow, SLOW_FLAGS),
        ]
        runtime = self.log.parent / f"runtime-{_runtime_key(made['global'], self.tools)}.o"
        if known := kept(runtime):
            (self.work / "runtime.o").write_bytes(known)
        else:
            compilers.append(self._compiler("runtime", made["global"], RUNTIME_FLAGS))
        self._all(compilers)
        if not known:
            keep(runtime, (self.work / "runtime.o").read_bytes())

        self.progress("linking the simulation", 2, self._STEPS)
        objects = ["fast.o", "slow.o", "runtime.o"]
        self._all([[self.tools.compiler, *LINK_FLAGS, *objects, "-o", "celosia.so"]])
        self.progress("the simulation is ready", self._STEPS, self._STEPS)
        return self.work / "celosia.so"

    def _compiler(self, part: str, files: list[str], flags: tuple[str, ...]) -> list[str]:
        """The command that compiles a part, as one C++ file so that the compiler can inline."""
        source = self.work / f"{part}.cpp"
        source.write_text("".join(f'#include "{file}"\n' for file in files))
        include = self.tools.root / "include"
        where = ("-I.", f"-I{include}", f"-I{include / 'vltstd'}")
        return [self.tools.compiler, *CXX_FLAGS, *flags, *where, "-c", source.name]

    def _all(self, commands: list[list[str]]) -> None:
        """Run ``commands`` at the same time; after a failure or Ctrl-C, end the others."""
        with open(self.log, "a") as log:
            running: list[subprocess.Popen[bytes]] = []
            try:
                for command in commands:
                    log.write(f"$ {shlex.join(command)}\n")
                    log.flush()
                    running.append(
                        subprocess.Popen(
                            command,
                            cwd=self.work,
                            env=self.tools.environment,
                            stdin=subprocess.DEVNULL,
                            stdout=log,
                            stderr=subprocess.STDOUT,
                            # A compiler has children of its own: all are ended together.
                            process_group=0,
                        )
                    )
                    self.guard.watch(running[-1].pid)
                waiting = list(running)
                while waiting:
                    for process in [p for p in waiting if p.poll() is not None]:
                        waiting.remove(process)
                        if process.returncode:
                            tool = Path(commands[running.index(process)][0]).name
                            raise self._failed(tool, process.returncode)
                    time.sleep(0.01)
            finally:
                for process in running:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
                self.guard.forget()

    def _failed(self, tool: str, status: int) -> CelosiaError:
        lines = self.log.read_text(errors="replace").splitlines()
        # The first line with "error" is the cause; without one, the last line.
        said = [line.strip() for line in lines if line.strip() and not line.startswith("$ ")]
        errors = [line for line in said if "error" in line.lower()]
        cause = (errors[:1] or said[-1:] or [f"exit status {status}"])[0]
        return CelosiaError(
            f"{tool} cannot compile the engine: {cause}", todo=f"the whole log is {self.log}"
        )
