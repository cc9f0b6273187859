"""What people see of a command: text, tables, progress in a terminal and outside of one."""

import io
import json

import pytest

from celosia.cli.console import Console


class Terminal(io.StringIO):
    def isatty(self):
        return True


def streams(monkeypatch, kind=io.StringIO):
    out, err = io.StringIO(), kind()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("sys.stderr", err)
    return out, err


def test_text_is_on_stdout_and_warnings_are_on_stderr(monkeypatch):
    out, err = streams(monkeypatch)
    console = Console()
    console.say("a [bold] line")
    console.warn("too wide", "layer 1")
    console.warn("too late")
    assert out.getvalue() == "a [bold] line\n"
    assert err.getvalue() == "warning: layer 1: too wide\nwarning: too late\n"


def test_quiet_leaves_warnings_and_json(monkeypatch):
    out, err = streams(monkeypatch)
    console = Console(quiet=True, json="-")
    console.say("text")
    with console.progress() as progress:
        progress("placing", 1, 2)
    console.warn("too wide")
    console.write_json({"a": 1})
    assert json.loads(out.getvalue()) == {"a": 1} and err.getvalue() == "warning: too wide\n"


def test_text_makes_way_for_json(monkeypatch):
    out, err = streams(monkeypatch)
    console = Console(json="-")
    console.say("text")
    console.write_json({"a": 1})
    assert json.loads(out.getvalue()) == {"a": 1} and err.getvalue() == "text\n"


def test_json_to_a_file(monkeypatch, tmp_path):
    out, _ = streams(monkeypatch)
    Console(json=str(tmp_path / "a.json")).write_json({"a": 1})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 1} and not out.getvalue()
    with pytest.raises(ValueError, match="JSON compliant"):
        Console(json="-").write_json({"a": float("nan")})


def test_columns_are_as_wide_as_their_cells(monkeypatch):
    out, _ = streams(monkeypatch)
    Console().table([("a", "1"), ("longer", "22")], ("name", "n"))
    assert out.getvalue() == "name    n\na       1\nlonger  22\n"


def test_progress_without_a_terminal_is_a_line_for_each_step(monkeypatch):
    _, err = streams(monkeypatch)
    with Console().progress() as progress:
        progress("placing", 0, 3)
        progress("placing", 1, 3)
        progress("packing", 0, 0)
    assert err.getvalue() == "placing (0 of 3)\npacking\n"


def test_progress_in_a_terminal_is_one_bar_that_is_gone_afterwards(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    for name in ("NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    _, err = streams(monkeypatch, Terminal)
    with Console().progress() as progress:
        progress("placing [1]", 1, 3)
        progress("placing [1]", 3, 3)
        progress("packing", 0, 0)
    shown = err.getvalue()
    assert "packing" in shown and "placing" not in shown.split("packing")[-1]
    # The cursor is back, and after the line is erased nothing is printed.
    assert shown.endswith("\x1b[?25h\r\x1b[1A\x1b[2K"), repr(shown[-60:])


def test_blocks_only_where_they_can_be_shown(monkeypatch):
    for encoding, possible in (("utf-8", True), ("ascii", False)):
        monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding))
        assert Console().unicode is possible
