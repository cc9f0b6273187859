"""What people see: text on stdout, progress on stderr, plain where there is no terminal."""

import contextlib
import json
import sys
import time
from collections.abc import Iterator, Sequence

import rich.console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.text import Text

from celosia.support.files import atomic_write
from celosia.support.progress import Progress, silent

__all__ = ["Console"]

#: Without a terminal, progress is a line now and then.
_LINE_SECONDS = 10


class Console:
    """The output of one command.

    Parameters
    ----------
    quiet : print neither text nor progress; errors, warnings and JSON remain.
    json : "-" when stdout is for JSON alone, so that text is on stderr; else a file or None.
    """

    def __init__(self, quiet: bool = False, json: str | None = None):
        self.quiet, self._json = quiet, json
        self._text = _Rich(
            file=sys.stderr if json == "-" else sys.stdout, highlight=False, soft_wrap=True
        )
        self._progress = _Rich(file=sys.stderr, highlight=False)

    def say(self, text: str | Text = "", style: str = "") -> None:
        """A line for people, as it is."""
        if not self.quiet:
            self._text.print(text, style=style, markup=False)

    def warn(self, text: str, where: str = "") -> None:
        """A warning, ``where`` it is from and what to do; on stderr, whether quiet or not."""
        said = f"warning: {where}: {text}" if where else f"warning: {text}"
        self._progress.print(said, markup=False, soft_wrap=True)

    def table(self, rows: Sequence[tuple[str, ...]], header: tuple[str, ...] = ()) -> None:
        """Rows of text in columns; nothing is cut short, however narrow the terminal."""
        lines = [header, *rows] if header else rows
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            self.say("  ".join(cells).rstrip(), style="bold" if line is header else "")

    @property
    def unicode(self) -> bool:
        """Can the output show block characters?"""
        return (self._text.encoding or "").lower().startswith("utf")

    @contextlib.contextmanager
    def progress(self) -> Iterator[Progress]:
        """A `Progress` to hand to long work; its display is gone afterwards."""
        if self.quiet:
            yield silent
        elif not self._progress.is_terminal or self._progress.is_dumb_terminal:
            yield _Lines()
        else:
            columns = (
                TextColumn("{task.description}", markup=False),
                *(BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()),
            )
            with Bar(*columns, console=self._progress, transient=True) as bar:
                yield _OneLine(bar)

    def write_json(self, document: dict) -> None:
        """Write ``document`` to where --json says, if it was given."""
        text = json.dumps(document, indent=2, allow_nan=False) + "\n"
        if self._json == "-":
            sys.stdout.write(text)
        elif self._json:
            atomic_write(self._json, text.encode())


class _Rich(rich.console.Console):
    def on_broken_pipe(self) -> None:
        """Leave it to `cli.main`: rich would exit with the status that means wrong results."""
        raise BrokenPipeError


class _OneLine:
    """One bar that turns to whatever is being done."""

    def __init__(self, bar: Bar):
        self.bar, self.task, self.total = bar, bar.add_task("", total=None, visible=False), -1

    def __call__(self, text: str, done: int, total: int) -> None:
        if total != self.total:
            self.bar.reset(self.task, visible=True)
            self.total = total
        self.bar.update(self.task, description=text, completed=done, total=total or None)


class _Lines:
    """A line for every new step, and for a long one every now and then."""

    def __init__(self) -> None:
        self.text, self.when = "", 0.0

    def __call__(self, text: str, done: int, total: int) -> None:
        now = time.monotonic()
        if text != self.text or now - self.when > _LINE_SECONDS:
            self.text, self.when = text, now
            print(f"{text} ({done} of {total})" if total else text, file=sys.stderr, flush=True)
