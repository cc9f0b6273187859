"""The packages that Celosia is developed with: their lock, the oldest and the newest allowed.

    python -m scripts.supply lock              write requirements.lock anew
    python -m scripts.supply lowest|highest    test with the lowest, or newest, versions allowed

The lock is for Python 3.11 on Linux, with hashes. PyTorch is not in it: its CPU build has no hash
on PyPI, and `scripts/setup.sh` knows its version.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["LOCK", "TESTS", "compiled", "main"]

_ROOT = Path(__file__).resolve().parents[1]
LOCK = _ROOT / "requirements.lock"
_PYTHON = "3.11"
#: What both versions are tested with: every package is used, no synthesis is started.
TESTS = (
    *("tests/test_project.py", "tests/test_layering.py", "tests/test_generated.py"),
    *("tests/sw/importer", "tests/sw/model", "tests/sw/numerics", "tests/sw/quant"),
    *("tests/sw/explore", "tests/sw/demo", "tests/sw/driver/test_device.py"),
    *("tests/sw/driver/serial/test_session.py", "tests/sw/driver/rtl/test_litert_engine.py"),
    *("tests/hw/test_emit.py", "tests/hw/util", "tests/test_tb.py::test_bench[link-3x4b4-icarus]"),
    *("tests/test_tb.py::test_bench[axi-2x7-verilator]", "tests/sw/flow", "tests/sw/boards"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=("lock", "lowest", "highest"))
    args = parser.parse_args()
    if args.what == "lock":
        LOCK.write_text(compiled("highest", "--generate-hashes"))
        return 0
    return _test(args.what)


def compiled(resolution: str, *options: str) -> str:
    """Versions of all packages of the extra ``dev`` without PyTorch, by uv's ``resolution``."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as overrides:
        overrides.write("torch; sys_platform == 'never'\n")
        # 1.3 is for Python below 3.11, an upper bound that uv does not look at.
        overrides.write("backports-strenum<1.3\n")
        overrides.flush()
        command = [
            *(sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--extra", "dev"),
            *("--python-version", _PYTHON, "--overrides", overrides.name, "--quiet"),
            *("--no-annotate", "--no-header", "--resolution", resolution, *options),
        ]
        done = subprocess.run(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(done.returncode)
    head = "# Written by `python -m scripts.supply lock`; see CONTRIBUTING.md.\n"
    return (head if resolution == "highest" else "") + done.stdout


def _test(resolution: str) -> int:
    """Install the versions beside each other and run tests with them; the exit status."""
    folder = _ROOT / "build/supply" / resolution
    python = folder / "bin/python"
    wanted = folder.with_suffix(".txt")
    folder.parent.mkdir(parents=True, exist_ok=True)
    name = "lowest-direct" if resolution == "lowest" else "highest"
    wanted.write_text(compiled(name))
    print(wanted.read_text(), end="", flush=True)
    torch = next(
        word
        for line in (_ROOT / "pyproject.toml").read_text().splitlines()
        for word in line.split('"')
        if word.startswith("torch==")
    )
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [*pip, torch],  # first, as pip takes a CPU build where it is configured to find one
        [*pip, "-r", str(wanted)],
        [*pip, "--no-deps", "-e", str(_ROOT)],
        # Old packages warn of the new ones that they use, which is no error of this project.
        [str(python), "-m", "pytest", "-q", "-W", "default", *TESTS],
    ):
        environment = os.environ | {"PYTHONPATH": ""}
        if status := subprocess.run(command, cwd=_ROOT, env=environment).returncode:
            return status
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
