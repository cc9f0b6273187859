"""Boards that Celosia runs on, and what placing engines on them gave."""

from .board import BOARDS, FAMILIES, Board, Fact, Resources, board
from .placements import PLACEMENTS, Placement, Result, load_placements, save_placements

__all__ = [
    "BOARDS",
    "FAMILIES",
    "PLACEMENTS",
    "Board",
    "Fact",
    "Placement",
    "Resources",
    "Result",
    "board",
    "load_placements",
    "save_placements",
]
