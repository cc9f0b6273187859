"""Run what a page of the documentation shows, and compare, or renew, the output that it shows.

``python -m scripts.transcript docs/index.md`` compares; ``--write`` renews the page. A page is a
script:

- A code block with a title is a file of that name, made when the reading gets there.
- In a ``console`` block a line that starts with ``$`` is a command, up to a line that does not
  end in a backslash; what follows is its output. All commands of a page share an empty folder.
- A comment behind a command can say that it is not run: ``# needs ...`` or ``# takes ...``; or how
  it ends: ``# exit status 3``. Without that the status must be 0.
- In output a line ``...`` matches any lines; a block without any output is not compared.
- Numbers in lines that name a speed differ from machine to machine and match any number.

Progress, on the error output, is not shown; error messages are.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Command", "commands", "matches", "parse", "perform"]

ROOT = Path(__file__).resolve().parents[1]
_FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.M | re.S)
_SKIPPED = re.compile(r"\s#\s+((?:needs|takes) .*)$")
_STATUS = re.compile(r"\s#\s+exit status (\d+)$")
#: Lines whose numbers are not compared: speeds, seconds, and the lines of programs' text.
_MEASURED = re.compile(r"/s\b|\bseconds\b|\d s\b|\blines$")
_NUMBER = re.compile(r"\d[\d,.]*")


@dataclass
class Command:
    """A command of a page: its text without the comment, and the output that the page shows."""

    text: str
    output: list[str] = field(default_factory=list)
    skipped: str = ""
    status: int = 0


@dataclass(frozen=True)
class File:
    """A file that a page shows."""

    name: str
    text: str


def parse(page: str) -> Iterator[File | list[Command]]:
    """The files, and the blocks of commands, of a page's text in order."""
    for language, options, body in _FENCE.findall(page):
        if title := re.search(r'title="([^"]+)"', options):
            yield File(title[1], body)
        elif language == "console":
            yield _block(body)


def _block(body: str) -> list[Command]:
    found: list[Command] = []
    more = False
    for line in body.splitlines():
        if more:
            found[-1].text += "\n" + line
            more = line.endswith("\\")
        elif line.startswith("$ "):
            found.append(Command(line[2:]))
            more = line.endswith("\\")
        elif found:
            found[-1].output.append(line)
    for command in found:
        if skipped := _SKIPPED.search(command.text):
            command.skipped = skipped[1]
        if status := _STATUS.search(command.text):
            command.status = int(status[1])
        command.text = re.sub(r"\s+#\s.*$", "", command.text)
    return found


def commands(page: str) -> list[Command]:
    """All commands of a page."""
    return [each for block in parse(page) if isinstance(block, list) for each in block]


def matches(shown: list[str], real: list[str]) -> bool:
    """Whether a page's output is what a program wrote."""
    pattern = "".join(
        r"(?:.*\n)*" if line == "..." else re.escape(_masked(line)) + r"\n" for line in shown
    )
    return re.fullmatch(pattern, "".join(_masked(line) + "\n" for line in real)) is not None


def _masked(line: str) -> str:
    line = re.sub(r"/dev/pts/\d+", "/dev/pts/0", line.rstrip())
    if not _MEASURED.search(line):
        return line
    # A number of other length moves what is aligned to it.
    return re.sub(r" +", " ", _NUMBER.sub("0", line))


def perform(page: str, folder: Path) -> Iterator[tuple[Command, list[str], int]]:
    """Run a page in ``folder``: (command, its output, its exit status) of those that are run."""
    tools = folder / ".bin"
    tools.mkdir()
    python = shlex.quote(sys.executable)
    for name, module in (("celosia", " -m celosia"), ("python", "")):
        (tools / name).write_text(f'#!/bin/sh\nexec {python}{module} "$@"\n')
        (tools / name).chmod(0o755)
    path = os.pathsep.join(map(str, (ROOT / "hw", ROOT / "sw", ROOT)))
    env = os.environ | {"PYTHONPATH": path, "COLUMNS": "100", "NO_COLOR": "1"}
    env["PATH"] = f"{tools}{os.pathsep}{os.environ['PATH']}"
    for part in parse(page):
        if isinstance(part, File):
            (folder / part.name).parent.mkdir(parents=True, exist_ok=True)
            (folder / part.name).write_text(part.text)
            continue
        for command in part:
            if command.skipped:
                continue
            ran = subprocess.run(
                command.text, shell=True, cwd=folder, env=env, capture_output=True, text=True
            )
            said = [line for line in ran.stderr.splitlines() if re.match(r"\w+: ", line)]
            if ran.returncode != command.status:
                said = ran.stderr.splitlines()
            # Blank lines at the edges are a matter of taste.
            yield command, (ran.stdout.strip("\n").splitlines() + said), ran.returncode


def _renewed(page: str, command: Command, real: list[str]) -> str:
    """``page`` with ``real`` in place of the output that is shown behind ``command``."""
    old = "\n".join([_shown(page, command), *command.output])
    if old not in page:
        raise ValueError(f"not found in the page: {old}")
    return page.replace(old, "\n".join([_shown(page, command), *real]), 1)


def _shown(page: str, command: Command) -> str:
    """The command as the page has it, comment included."""
    start = page.index("$ " + command.text)
    end = page.index("\n", start + len(command.text))
    return page[start:end]


def main() -> int:
    """The command line; the exit status is 1 when a page shows something else than is."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--write", action="store_true", help="renew outputs that are different")
    args = parser.parse_args()
    different = 0
    for path in args.pages:
        page = path.read_text()
        with tempfile.TemporaryDirectory() as folder:
            for command, real, status in perform(page, Path(folder)):
                good = status == command.status
                same = not command.output or matches(command.output, real)
                print(f"{path}: {'ok' if good and same else 'DIFFERENT'}: {command.text}")
                if good and args.write and not same:
                    page = _renewed(page, command, real)
                elif not (good and same):
                    different += 1
                    print("\n".join([f"exit status {status}", *real]))
        if args.write:
            path.write_text(page)
    return int(bool(different))


if __name__ == "__main__":
    sys.exit(main())
