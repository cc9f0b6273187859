"""An output that cannot be written is found before the work, by every command that writes."""

import errno
import os
from pathlib import Path

import pytest

from celosia.cli.parser import _COMMANDS

#: Arguments with {out} for the output, by command; `{model}` and others are files that exist.
OUTPUTS = {
    "mnist": ("--data", "{digits}", "--json", "{out}"),
    "example": ("digits", "-o", "{out}"),
    "train": ("--data", "{digits}", "-o", "{out}"),
    "quantize": ("{model}", "--calibrate", "{inputs}", "-o", "{out}"),
    "check": ("{model}", "--json", "{out}"),
    "explore": ("{model}", "--json", "{out}"),
    "compile": ("{graph}", "-o", "{out}"),
    "run": ("{image}", "--input", "{inputs}", "-o", "{out}"),
    "run --report": ("{image}", "--input", "{inputs}", "--report", "{out}"),
    "explore --plot": ("{model}", "--plot", "{out}.svg"),
    "diff": ("{graph}", "--input", "{inputs}", "--json", "{out}"),
    "verilog": ("--rows", "1", "--cols", "4", "-o", "{out}"),
    "build": ("icebreaker", "-o", "{out}"),
    "board": ("--simulate", "icebreaker", "--json", "{out}"),
    "info": ("--json", "{out}"),
}


def test_every_command_is_tried():
    names = {"completion"}  # it prints
    names ^= {module.__name__.rpartition(".")[2] for module in _COMMANDS}
    assert {name.partition(" ")[0] for name in OUTPUTS} == names


@pytest.fixture
def refused(celosia, files, digits):
    """Run a command with its output at a path; what it says, which is one line."""

    def run(name: str, out: Path) -> str:
        known = {"digits": digits, "out": out} | files._asdict()
        arguments = [each.format(**known) for each in OUTPUTS[name]]
        ran = celosia(name.partition(" ")[0], *arguments)
        assert ran.status == 2 and ran.out == ""
        (line,) = ran.err.splitlines()  # progress would be other lines
        return line

    return run


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_folder_that_cannot_be(refused, tmp_path, name):
    (tmp_path / "file").write_text("mine")
    said = refused(name, tmp_path / "file" / "folder" / "out")
    assert "cannot write: a part of this path is a file, not a folder" in said
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_full_disk(refused, tmp_path, monkeypatch, name):
    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    said = refused(name, tmp_path / "out")
    assert "cannot write: the disk is full; free some space, or choose another folder" in said
