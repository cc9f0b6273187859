"""What carries frames between host and engine."""

from collections.abc import Iterator, Sequence
from typing import Protocol

__all__ = ["Transport"]


class Transport(Protocol):
    """A link to one engine.

    Attributes
    ----------
    link_bytes : bytes of a link word; all frames are whole words.
    cycles : clock cycles from the first input word of the last exchange to its last output word
        so far; None where there is no clock.
    """

    link_bytes: int
    cycles: int | None

    def exchange(self, frames: Sequence[bytes]) -> list[bytes]:
        """Send all request frames back to back; return the response to each, in order."""
        ...

    def stream(self, frames: Sequence[bytes]) -> Iterator[list[bytes]]:
        """The same exchange; hands out responses as they come, some at a time and in order."""
        ...

    def close(self) -> None:
        """Let go of the engine; further exchanges are errors."""
        ...
