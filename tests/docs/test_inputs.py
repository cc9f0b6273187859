"""Every file that a page's command reads was made by the page, or is one that anybody can have."""

import re
import shlex
from pathlib import Path

import pytest
from scripts.transcript import Command, File, parse

from celosia.examples.example import FILES

_ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    *(str(p.relative_to(_ROOT)) for p in _ROOT.glob("docs/**/*.md")),
)
#: Files of models and arrays, programs, and what `celosia build` and `verilog` write.
_NAMED = re.compile(
    r"[\w./-]+\.(?:npz|npy|celosia|keras|onnx|pt2|tflite|py|v|bin|bit|fs|vcd|gtkw)\b"
)
_OUTPUTS = ("-o", "--output", "--json", "--report", "--plot", ">")
#: Of MLPerf Tiny; the page says where they are.
_PUBLIC = {"ad01_int8.tflite", "kws_ref_model.tflite"}
#: What a command makes beside the files that it names.
_MAKES = (
    (r"celosia example ([\w-]+)", lambda m: [f"{m[1]}/{name}" for name in FILES.values()]),
    (r"celosia verilog .*--testbench", lambda m: ["celosia.v", "celosia_tb.v"]),
    (r"celosia build ([\w-]+)", lambda m: [f"build/{m[1]}/{m[1]}-"]),
    (r"scripts\.pages\.waves (\S+)", lambda m: [f"{m[1]}/tile.vcd", f"{m[1]}/tile.gtkw"]),
)  # fmt: skip


def used(command: Command) -> tuple[list[str], list[str]]:
    """(what a command reads, what it makes), by name."""
    reads, makes, before = [], [], ""
    for word in shlex.split(command.text.replace("\\\n", " "), comments=True):
        if _NAMED.fullmatch(word):
            (makes if before in _OUTPUTS else reads).append(word)
        before = word
    for pattern, made in _MAKES:
        if found := re.search(pattern, command.text):
            makes += made(found)
    return reads, makes


def missing(page: str) -> list[str]:
    """The names of files that are read before anything made them."""
    made, absent = set(_PUBLIC), []
    for part in parse(page):
        if isinstance(part, File):
            made.add(part.name)
            continue
        for command in part:
            reads, makes = used(command)
            for name in reads:
                known = name in made or any(p.endswith("-") and name.startswith(p) for p in made)
                if not known and not (_ROOT / name).is_file():
                    absent.append(name)
            for name in reads:  # a program that the page shows has the names of what it saves
                shown = [f.text for f in parse(page) if isinstance(f, File) and f.name == name]
                makes += _NAMED.findall(" ".join(shown))
            made |= set(makes)
    return absent


@pytest.mark.parametrize("name", PAGES)
def test_every_input_is_made_by_the_page(name):
    assert missing((_ROOT / name).read_text()) == []


def test_what_is_missing_is_noticed():
    page = "```console\n$ celosia example digits\n$ celosia check {}\n```\n"
    assert missing(page.format("digits/model.npz")) == []
    assert missing(page.format("other.npz -o digits/model.npz")) == ["other.npz"]
    program = '```python title="a.py"\nnp.save("x.npy", x)\n```\n'
    page = program + "```console\n$ python a.py\n$ cat x.npy\n```\n"
    assert missing(page) == []
    assert missing(page.replace("python a.py", "true")) == ["x.npy"]
