"""A proof: what is claimed, of what, and how far."""

from collections.abc import Callable
from dataclasses import dataclass

from amaranth import *

__all__ = ["Proof"]


@dataclass(frozen=True, kw_only=True)
class Proof:
    """A harness, and how it is proven.

    Attributes
    ----------
    name : lower case, words joined by hyphens.
    claim : the property, in one line.
    blocks : the blocks that it is about.
    build : makes the harness; its argument is the planted mistake, a register that is stuck at its
        initial value (`formal.block.Block`), or None.
    depth : cycles. With ``bounded`` the property is proven for so many cycles after reset; else it
        is proven for ever, by induction over so many cycles. With 0 ``build`` makes no harness but
        theorems about integers, by name.
    bounded : see ``depth``.
    mistakes : registers of which the proof must find that they are stuck, or, in proofs of stream
        rules, that they have any value in any cycle.
    wide : it is about wide arithmetic, which Bitwuzla solves faster than Z3; not for memories.
    quick : `make test` runs it too.
    """

    name: str
    claim: str
    blocks: str
    build: Callable[..., Elaboratable]
    depth: int
    bounded: bool = False
    mistakes: tuple[str, ...] = ()
    wide: bool = False
    quick: bool = False

    @property
    def method(self) -> str:
        if not self.depth:
            return "integers"
        return "bounded" if self.bounded else "induction"
