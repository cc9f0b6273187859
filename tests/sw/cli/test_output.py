"""Where output goes: JSON alone on stdout, plain text into files, and places that refuse it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.sw.conftest import ENGINE

QUICK = ("--transport", "golden", "--epochs", "1", "--images", "4", *ENGINE)


def run(*arguments: object, **options) -> subprocess.CompletedProcess:
    """In a process of its own, as a user would."""
    command = [sys.executable, "-m", "celosia", *map(str, arguments)]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.run(command, text=True, timeout=120, **options)


def test_json_alone_on_stdout(digits):
    ran = run("mnist", "--data", digits, *QUICK, "--json", "-")
    assert json.loads(ran.stdout)["images"] == 4
    assert "int8 accuracy" in ran.stderr


def test_no_control_characters_without_a_terminal(digits):
    ran = run("mnist", "--data", digits, *QUICK)
    text = ran.stdout + ran.stderr
    assert ran.returncode == 0
    assert not [c for c in text if not (c.isprintable() or c == "\n")]
    assert "█" in ran.stdout


def test_plain_characters_where_blocks_cannot_be_shown(digits):
    ran = run("mnist", "--data", digits, *QUICK, env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert ran.returncode == 0 and ran.stdout.isascii() and "#####" in ran.stdout


def test_quiet(celosia, digits):
    assert celosia("mnist", "-q", "--data", digits, *QUICK) == (0, "", "")


@pytest.mark.parametrize("arguments", [("info",), ("mnist", *QUICK), ("info", "--json", "-")])
def test_stdout_that_is_full(digits, arguments):
    data = ("--data", digits) if arguments[0] == "mnist" else ()
    with open("/dev/full", "w") as full:
        ran = run(*arguments, *data, stdout=full)
    assert ran.returncode == 2
    *_, last = ran.stderr.splitlines()
    assert last == "celosia: standard output: No space left on device"
    assert "Traceback" not in ran.stderr and "Exception" not in ran.stderr


def test_a_reader_that_leaves(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as pipe:
        ran = run("info", stdout=pipe)
    assert (ran.returncode, ran.stderr) == (141, "")


def outputs(files, digits, path) -> list[tuple]:
    return [
        ("train", "--data", digits, "-o", path),
        ("quantize", files.model, "--calibrate", files.inputs, "-o", path),
        ("compile", files.graph, "-o", path),
        ("run", files.image, "--input", files.inputs, "-o", path),
        ("run", files.image, "--input", files.inputs, "--json", path),
        ("mnist", "--data", digits, *QUICK, "--json", path),
        ("info", "--json", path),
    ]


@pytest.mark.parametrize("which", range(7))
def test_outputs_that_cannot_be_written(celosia, files, digits, tmp_path, which):
    (tmp_path / "file").write_text("mine")
    for path, says in (
        (tmp_path / "file" / "out", "cannot write: "),
        (tmp_path, "cannot write: this is a folder"),
        ("/dev/full", "/dev/full: cannot write: the disk is full"),
    ):
        ran = celosia(*outputs(files, digits, path)[which])
        assert ran.status == 2
        last = ran.err.splitlines()[-1]
        assert last.startswith("celosia: ") and says in last
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
    assert Path("/dev/full").is_char_device()


def test_a_disk_that_fills_up_leaves_the_old_file(celosia, files, tmp_path, monkeypatch):
    path = tmp_path / "graph.npz"
    path.write_text("old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    ran = celosia("quantize", files.model, "--calibrate", files.inputs, "-o", path)
    assert ran.status == 2 and "the disk is full" in ran.err
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.simulator
def test_a_cache_that_cannot_be_written(celosia, digits, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("mine")
    monkeypatch.setenv("CELOSIA_CACHE", str(tmp_path / "file" / "cache"))
    for command in (
        ("mnist", "--data", digits, "--transport", "golden"),
        ("verilog", *ENGINE, "-o", tmp_path / "v"),
    ):
        ran = celosia(*command)
        assert ran.status == 2
        last = ran.err.splitlines()[-1]
        assert "cannot write" in last and "set CELOSIA_CACHE" in last
    assert not (tmp_path / "v" / "celosia.v").exists()
    assert "cache usable" in celosia("info").out
