"""Boards that Celosia runs on, and results of placing engines on them."""

from .board import FAMILIES, Board, Fact, Resources
from .catalog import BOARDS, board
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
