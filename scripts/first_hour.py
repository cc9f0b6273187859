"""Follow a page as somebody with nothing prepared: every printed command, every exit status.

``python -m scripts.first_hour`` clones the last commit into an empty folder, with an empty HOME
and no caches, and types the commands of README.md into one shell, in order, as printed. It stops
at the first exit status that is not the one the page names, 0 if it names none. Named pages, such
as ``docs/index.md``, are followed in its place, each in a clone of its own. Pages are read as
`scripts.transcript` reads them; beyond that

- comments such as ``# takes minutes`` leave nothing out,
- a command that ``needs another terminal`` goes on behind the others until the page ends, and is
  then interrupted; the next command waits until it has said how it is used,
- Python code without a title runs as a program.

MNIST is taken from CELOSIA_DATA, if that is set. Packages come from pip's index.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from scripts.transcript import Command, File, parse

__all__ = ["Shell", "environment", "follow", "steps"]

ROOT = Path(__file__).resolve().parents[1]
_PYTHON = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)
_PROMPT = re.compile(r"^\$ ", re.M)
_BEHIND = "another terminal"
#: What `celosia board` says when it can be used.
_READY = "--port auto"
#: Seconds until a command behind the others must be ready.
_PATIENCE = 900
_TAIL = 30  # lines of a failed command's output


def environment(home: Path, own: Mapping[str, str]) -> dict[str, str]:
    """``own`` without what this checkout or an earlier hour left behind, and with an empty HOME."""
    stale = ("XDG_", "PYTEST", "PYTHON", "MAKE", "MFLAGS", "VIRTUAL_ENV", "CELOSIA_", "COVERAGE")
    env = {name: value for name, value in own.items() if not name.startswith(stale)}
    if "CELOSIA_DATA" in own:
        env["CELOSIA_DATA"] = str(Path(own["CELOSIA_DATA"]).absolute())
    path = own.get("PATH", "").split(os.pathsep)
    clean = [part for part in path if not Path(part).resolve().is_relative_to(ROOT)]
    if "VIRTUAL_ENV" in own:
        clean = [part for part in clean if not Path(part).is_relative_to(own["VIRTUAL_ENV"])]
    return env | {"HOME": str(home), "PATH": os.pathsep.join(clean), "COLUMNS": "100"}


def steps(page: str) -> list[File | Command]:
    """Files and commands of a page in order; code without a title is a file and its command.

    Raises
    ------
    ValueError : a line that looks like a command is in none of its console blocks.
    """
    programs = iter(range(1, 100))

    def titled(match: re.Match) -> str:
        name = f"page{next(programs)}.py"
        return f'```python title="{name}"\n{match[1]}```\n\n```console\n$ python {name}\n```'

    found: list[File | Command] = []
    for part in parse(_PYTHON.sub(titled, page)):
        found += [part] if isinstance(part, File) else part
    typed = sum(isinstance(each, Command) for each in found)
    if typed != len(_PROMPT.findall(page)) + next(programs) - 1:
        raise ValueError("some commands of the page are in no console block")
    return found


class Shell:
    """One bash into which commands are typed.

    Parameters
    ----------
    folder : where it starts.
    env : its environment.
    log : file for the output of the command that runs now.
    """

    def __init__(self, folder: Path, env: Mapping[str, str], log: Path):
        self._folder, self.log = folder, log
        self._behind: list[tuple[str, str]] = []
        out, self._status_end = os.pipe()
        self._statuses = os.fdopen(out)
        self._bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc"], cwd=folder, env=dict(env), text=True,
            stdin=subprocess.PIPE, pass_fds=[self._status_end],
        )  # fmt: skip
        os.close(self._status_end)

    def run(self, text: str) -> int:
        """Type ``text``; its exit status."""
        return int(self._type(f"{{ {text}\n}} >'{self.log}' 2>&1 </dev/null", "$?"))

    def start(self, text: str) -> int:
        """Type ``text`` into another terminal; 0 when it is ready, else its exit status."""
        log = f"{self.log}.{len(self._behind)}"
        process = self._type(f"{text} >'{log}' 2>&1 </dev/null &", "$!")
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            time.sleep(0.5)
            self.log.write_text(Path(log).read_text())
            if _READY in self.log.read_text():
                self._behind.append((text, process))
                return 0
            if self.run(f"kill -0 {process}"):
                self.log.write_text(Path(log).read_text())
                return int(self._type(f"wait {process}", "$?")) or 1
        return 124

    def close(self) -> list[tuple[str, int]]:
        """End what is behind, as Ctrl-C does; each command with its exit status."""
        ended = [
            (text, int(self._type(f"kill {process}; wait {process}", "$?")))
            for text, process in self._behind
        ]
        assert self._bash.stdin is not None
        self._bash.stdin.close()
        self._bash.wait()
        self._statuses.close()
        return ended

    def _type(self, text: str, answer: str) -> str:
        assert self._bash.stdin is not None
        self._bash.stdin.write(f'{text}\necho "{answer}" >&{self._status_end}\n')
        self._bash.stdin.flush()
        return self._statuses.readline().strip()


def follow(page: str, folder: Path, env: Mapping[str, str], without: list[str]) -> int:
    """Follow a page in ``folder``; the number of commands that did not end as it says: 0 or 1.

    Commands in ``without`` are left out, and named.
    """
    shell = Shell(folder, env, Path(env["HOME"]).with_name("output"))
    left, bad, began = [], 0, time.monotonic()
    for step in steps(page):
        if isinstance(step, File):
            (folder / step.name).parent.mkdir(parents=True, exist_ok=True)
            (folder / step.name).write_text(step.text)
            continue
        if step.text in without:
            left.append(step.text)
            continue
        print(f"$ {step.text}", flush=True)
        start = time.monotonic()
        run = shell.start if _BEHIND in step.skipped else shell.run
        status = run(step.text)
        print(f"    exit status {status}, {time.monotonic() - start:.1f} s", flush=True)
        if status != step.status:
            print("\n".join(shell.log.read_text().splitlines()[-_TAIL:]))
            bad = 1
            break
    for text, status in shell.close():
        print(f"ended: {text}: exit status {status}")
        bad |= bool(status)
    for text in left:
        print(f"left out: {text}: as --without asks")
    print(f"{'FAILED' if bad else 'all as printed'}, {time.monotonic() - began:.0f} s")
    return bad


def main() -> int:
    """The command line; the exit status is 1 when a command did not end as a page says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pages", nargs="*", default=["README.md"])
    parser.add_argument("--without", action="append", default=[], metavar="COMMAND")
    args = parser.parse_args()
    bad = 0
    for name in args.pages:
        with tempfile.TemporaryDirectory() as top:
            home, clone = Path(top, "home"), Path(top, "celosia")
            home.mkdir()
            subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
            env = environment(home, os.environ)
            print(f"{name}, in a fresh clone", flush=True)
            bad += follow((clone / name).read_text(), clone, env, args.without)
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
