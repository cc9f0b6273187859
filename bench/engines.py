"""The engines that ``make report`` places and routes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from celosia.boards import BOARDS, Placement
from celosia.spec import Config

__all__ = ["ENGINES", "SEEDS", "SMALL", "Engine"]

#: Seeds for engines whose clock is a goal; their clock is the median.
SEEDS = (1, 2, 3)


@dataclass(frozen=True, kw_only=True)
class Engine:
    """One engine on one board.

    Parameters
    ----------
    name : in tables and on the command line.
    board : name in `celosia.boards.BOARDS`.
    technology : name of the cells (`celosia_hw.cells`).
    clock_mhz : requested MHz; None for the default of the board.
    overrides : arguments of `Config` that differ from those of the board.
    seeds : of place and route.
    cycles : MLPerf Tiny's convolutional networks that fit (VWW folded) -> cycles an image of full
        batches by the cycle model, no zeros skipped, as ``make bench`` measures them.
    """

    name: str
    board: str
    technology: str
    clock_mhz: float | None = None
    overrides: Mapping[str, int] = field(default_factory=dict, hash=False)
    seeds: tuple[int, ...] = SEEDS
    cycles: Mapping[str, int] = field(default_factory=dict, hash=False)

    @property
    def config(self) -> Config:
        return BOARDS[self.board].engine(**self.overrides)

    def is_of(self, placement: Placement) -> bool:
        """Whether ``placement`` is of this engine."""
        mine = (self.board, self.technology, self.config.to_dict())
        return mine == (placement.board, placement.technology, dict(placement.config))


#: A test limits its size: tests/hw/test_size.py.
SMALL = Engine(name="icebreaker 1x8", board="icebreaker", technology="ice40")

ENGINES = (
    SMALL,
    Engine(name="ulx3s-85f 8x8", board="ulx3s-85f", technology="ecp5", clock_mhz=135),
    Engine(
        name="ulx3s-85f 8x16",
        board="ulx3s-85f",
        technology="ecp5",
        clock_mhz=110,
        # MLPerf Tiny AD needs 16,576 words of weights and 840 of parameters.
        overrides={"cols": 16, "weight_depth": 16576, "param_depth": 1024},
    ),
    Engine(
        name="ulx3s-85f 16x16",
        board="ulx3s-85f",
        technology="ecp5-packed",
        clock_mhz=90,
        overrides={"rows": 16, "cols": 16, "weight_depth": 8192, "requantizers": 4},
    ),
    Engine(
        name="ulx3s-85f 8x8 maps",
        board="ulx3s-85f",
        technology="ecp5",
        clock_mhz=115,
        # What KWS, IC and VWW need. The program is deep enough for block RAM.
        overrides={
            "lanes": 8,
            "weight_depth": 10000,
            "param_depth": 144,
            "program_depth": 64,
            "act_depth": 1904,
            "requantizers": 8,
            "convolution": 1,
            "depthwise": 1,
        },
        cycles={"KWS": 43_866, "IC": 206_143, "VWW": 61_830},
    ),
    Engine(
        name="ulx3s-85f 16x16 maps",
        board="ulx3s-85f",
        technology="ecp5-packed",
        clock_mhz=85,
        # With words of one byte on the link, the input of VWW would take longer than its layers.
        # With 16 lanes and requantizers it takes 22,733 cycles, but the wires cannot be routed.
        overrides={
            "rows": 16,
            "cols": 16,
            "lanes": 8,
            "link_bytes": 4,
            "weight_depth": 5120,
            "param_depth": 160,
            "program_depth": 32,
            "act_depth": 1280,
            "tables": 0,
            "requantizers": 8,
            "convolution": 1,
            "depthwise": 1,
        },
        cycles={"KWS": 14_941, "IC": 55_921, "VWW": 33_357},
    ),
    Engine(
        name="tang-nano-20k 3x8 maps",
        board="tang-nano-20k",
        technology="gowin",
        # What KWS needs.
        overrides={
            "rows": 3,
            "weight_depth": 2916,
            "param_depth": 656,
            "program_depth": 16,
            "act_depth": 1402,
            "convolution": 1,
            "depthwise": 1,
        },
        seeds=(1,),
        cycles={"KWS": 133_047},
    ),
    Engine(name="tang-nano-20k 2x8", board="tang-nano-20k", technology="gowin", seeds=(1,)),
)
