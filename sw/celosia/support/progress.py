"""How long-running work reports its progress, without knowing how it is displayed."""

import sys
from collections.abc import Callable

__all__ = ["Progress", "silent", "terminal"]

#: Called as ``progress(text, done, total)``: one line for people, then how much of the work is
#: done. ``total`` is 0 when it is unknown. It may raise KeyboardInterrupt to stop the work, and no
#: other exception.
Progress = Callable[[str, int, int], None]


def silent(text: str, done: int, total: int) -> None:
    """Do nothing: the default of every ``progress`` parameter."""


_said = ""


def terminal(text: str, done: int, total: int) -> None:
    """A line on stderr for every new step, if that is a terminal."""
    global _said
    if text != _said and sys.stderr.isatty():
        _said = text
        print(f"celosia: {text}", file=sys.stderr, flush=True)
