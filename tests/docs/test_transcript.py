"""Pages show what their commands print."""

import re
from pathlib import Path

import pytest
from scripts.transcript import commands, matches, parse, perform

from celosia.cli.parser import parse as parse_arguments

_ROOT = Path(__file__).resolve().parents[2]
#: Pages whose commands are run as they stand.
RUN = ("docs/index.md", "README.md")
PAGES = ("README.md", *(str(path.relative_to(_ROOT)) for path in _ROOT.glob("docs/**/*.md")))


@pytest.mark.simulator
@pytest.mark.parametrize("name", RUN)
def test_page_shows_what_is_printed(name, tmp_path):
    for command, real, status in perform((_ROOT / name).read_text(), tmp_path):
        text = "\n".join([command.text, *real])
        assert status == command.status, text
        assert not command.output or matches(command.output, real), text


@pytest.mark.parametrize("name", PAGES)
def test_every_printed_command_is_one(name, capsys):
    """What is not run has options that exist; shell syntax around it is left out."""
    for command in commands((_ROOT / name).read_text()):
        line = re.split(r" [>&|]|; ", command.text.replace("\\\n", " "))[0]
        words = line.replace("'", "").split()
        if words[:1] == ["celosia"] and "..." not in words and len(words) > 1:
            parse_arguments(words[1:])


def test_a_page_is_read():
    page = (
        '```python title="a.py"\nprint(1)\n```\n\n```console\n$ python a.py\n1\n'
        "$ python \\\n  b.py   # needs a board\n$ false   # exit status 1\n```\n"
    )
    file, block = parse(page)
    assert (file.name, file.text) == ("a.py", "print(1)\n")
    run, skipped, fails = block
    assert (run.text, run.output) == ("python a.py", ["1"])
    assert (skipped.text, skipped.skipped) == ("python \\\n  b.py", "needs a board")
    assert (fails.text, fails.status) == ("false", 1)


def test_outputs_are_compared(tmp_path):
    assert matches(["a", "...", "b"], ["a", "x", "y", "b"]) and not matches(["a"], ["b"])
    assert matches(["speed  12 images/s"], ["speed  7.5 images/s"])
    assert not matches(["cycles  12"], ["cycles  13"])
    page = "```console\n$ echo one\n$ echo two; exit 3   # exit status 3\n```\n"
    done = [(real, status) for _, real, status in perform(page, tmp_path)]
    assert done == [(["one"], 0), (["two"], 3)]
