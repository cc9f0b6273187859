"""How long-running work reports its progress, without knowing how it is displayed."""

from collections.abc import Callable

__all__ = ["Progress", "silent"]

#: Called as ``progress(text, done, total)``: one line for people, then how much of the work is
#: done. ``total`` is 0 when it is unknown. It may raise KeyboardInterrupt to stop the work, and no
#: other exception.
Progress = Callable[[str, int, int], None]


def silent(text: str, done: int, total: int) -> None:
    """Do nothing: the default of every ``progress`` parameter."""
