"""How long work reports where it is, without knowing who is watching."""

from collections.abc import Callable

__all__ = ["Progress", "silent"]

#: Called as ``progress(text, done, total)``: one line for people, then how much of the work
#: is done. ``total`` is 0 when it is not known. It may raise KeyboardInterrupt to stop the work,
#: and must raise nothing else.
Progress = Callable[[str, int, int], None]


def silent(text: str, done: int, total: int) -> None:
    """Report nothing: the default of every ``progress`` parameter."""
