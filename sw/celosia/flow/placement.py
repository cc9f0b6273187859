"""Results of place and route in the form in which the project keeps them."""

import datetime
from collections.abc import Sequence

from celosia.boards import Placement, Result

from .place import Placed

__all__ = ["placement"]


def placement(placed: Sequence[Placed], config: dict[str, int]) -> Placement:
    """The `Placement` of one netlist that was placed with one or more seeds.

    Parameters
    ----------
    placed : one for each seed, at least one, in any order.
    config : of the engine, as `Config.to_dict`.
    """
    netlist = placed[0].netlist
    board, design = netlist.board, netlist.design
    return Placement(
        board=board.name,
        family=board.family,
        device=board.device,
        config=config,
        technology=design.technology,
        options=netlist.options,
        clock_mhz=design.clock,
        results=tuple(
            Result(seed=each.seed, fmax_mhz=round(each.fmax_mhz, 2))
            for each in sorted(placed, key=lambda each: each.seed)
        ),
        used=dict(netlist.counts.used),
        available=dict(netlist.counts.available),
        tools=placed[0].tools,
        date=datetime.date.today().isoformat(),
    )
