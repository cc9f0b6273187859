"""Pixels or images over the rows: the plan of a program for one engine."""

from typing import Literal

from celosia.spec import Config

from .kernel import Program
from .plan import Plan, plan

__all__ = ["Goal", "choose", "cycles", "needs"]

#: What is to be least: the time for many images, each by its share, or for one image.
Goal = Literal["throughput", "latency"]


def cycles(program: Program, config: Config, images: bool) -> float:
    """Estimated cycles per image, of a full run if rows are images; boundaries not counted."""
    total = sum(kernel.cycles(config, images) for kernel in program.kernels)
    return total / config.rows if images else total


def needs(program: Program, plan: Plan, config: Config) -> dict[str, int]:
    """Depth needed of each memory, by the name of its parameter in `Config`."""
    kernels = program.kernels
    return {
        "weight_depth": sum(kernel.weight_words(config) for kernel in kernels),
        "param_depth": sum(kernel.param_words(config) for kernel in kernels),
        "program_depth": len(kernels),
        "act_depth": plan.depth,
        "tables": len({kernel.table for kernel in kernels} - {None}),
    }


def choose(program: Program, config: Config, goal: Goal) -> Plan | None:
    """The plan that serves ``goal`` best among those that fit; if none fits, the smallest.

    None where no plan exists, as word numbers are too large for every one.
    """
    plans = [plan(program, config, images) for images in (False, True)]
    found = [each for each in plans if each is not None]
    if not found:
        return None
    fitting = [each for each in found if each.depth <= config.act_depth]
    if not fitting:
        return min(found, key=lambda each: each.depth)
    if config.rows == 1:
        return fitting[-1]  # the same walk, without the flag of stripes
    if goal == "latency":
        return fitting[0]
    # Images first: of equals they leave more to skip.
    return min(reversed(fitting), key=lambda each: cycles(program, config, each.images))
