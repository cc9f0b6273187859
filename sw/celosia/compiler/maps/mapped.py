"""A graph as kernels and places in memory: what an engine with convolution is to run."""

from dataclasses import dataclass

from celosia.network.graph import Graph
from celosia.spec import Config

from .choose import Goal, choose
from .kernel import Program
from .lower import lower
from .plan import Plan, plan
from .stack import may_stack, most, stack

__all__ = ["Mapped", "map_graph"]


@dataclass(frozen=True)
class Mapped:
    """A lowered graph with its plan.

    Parameters
    ----------
    program : its kernels.
    plan : ranges and places; None where no plan exists, as word numbers are too large.
    images_per_row : images that follow each other in each row in one run; 1 where rows share an
        image, or have one each.
    """

    program: Program
    plan: Plan | None
    images_per_row: int = 1


def map_graph(graph: Graph, config: Config, goal: Goal, emit_all: bool = False) -> Mapped:
    """Kernels and places of ``graph`` that serve ``goal`` best, even if they do not fit.

    ``emit_all`` and the errors are those of `lower`.
    """
    images = most(config) if goal == "throughput" and may_stack(graph) else 1
    while images > 1:
        program = lower(stack(graph, images), config, emit_all, packed=False)
        found = plan(program, config, images=True)
        if found is not None and found.depth <= config.act_depth:
            return Mapped(program, found, images)
        images //= 2
    program = lower(graph, config, emit_all)
    return Mapped(program, choose(program, config, goal))
