"""Does a model fit an engine, and if not, which engine would hold it."""

from dataclasses import fields, replace

from celosia.network.folding import fold_channels
from celosia.network.graph import Graph
from celosia.network.outline import Outline
from celosia.ops import OPERATIONS
from celosia.ops.pack import element_table
from celosia.spec import Config, memories, record
from celosia.support.errors import DoesNotFit, Unsupported

from .maps.choose import Goal
from .maps.choose import needs as map_needs
from .maps.mapped import Mapped, map_graph
from .maps.plan import Plan
from .maps.walk import walk
from .memory import allocate
from .operations import lacking

__all__ = ["check_fit", "check_maps_fit", "needs", "smallest"]


def needs(
    graph: Graph | Outline, config: Config, goal: Goal = "throughput", fold: bool = True
) -> dict[str, int]:
    """Depth needed of each memory, by the name of its parameter in `Config`.

    ``goal`` and ``fold`` are those of `celosia.compile`.

    Raises
    ------
    Unsupported : the engine lacks an operation; it and the layer are named.
    CelosiaError : a map, kernel, stride or padding beyond a descriptor's fields, naming the layer.

    It depends on ``cols``, ``lanes`` and ``requantizers`` only, with convolution also on ``rows``
    and the operations; tables shared by layers count once.
    """
    if config.convolution:
        if isinstance(graph, Outline):
            graph = graph.folded if fold else graph.graph
        elif fold:
            graph = fold_channels(graph).graph
        mapped = map_graph(graph, config, goal)
        needed = _map_needs(graph, mapped, config)
        assert mapped.plan is not None  # else its needs were refused
        for index in range(len(mapped.program.kernels)):
            walk(mapped.program, mapped.plan, config, index)
        return needed
    for layer in graph.layers:
        if layer.kind != "Dense":
            raise Unsupported(
                f"needs {layer.kind}, an operation that the {config} engine lacks",
                where=layer.name,
                todo="choose an engine with convolution=1 (--convolution 1)",
            )
    return {
        "weight_depth": sum(OPERATIONS[x.op].weight_words(x, config) for x in graph.layers),
        "param_depth": sum(OPERATIONS[x.op].param_words(x, config) for x in graph.layers),
        "program_depth": len(graph.layers),
        "act_depth": allocate(graph, config).depth,
        "tables": len({element_table(layer) for layer in graph.layers} - {None}),
    }


def smallest(graph: Graph | Outline, config: Config) -> dict[str, int] | None:
    """The fewest changes to ``config`` that make the model fit, ``{}`` if it already does.

    Operations that it lacks are added. Memories are deepened to exactly what is needed. Where a
    memory cannot be that deep, the array is widened by powers of two first. None: no engine of
    these ``lanes`` holds the model.
    """
    change = lacking(graph.graph if isinstance(graph, Outline) else graph, config)
    wider = replace(config, **change)
    while True:
        depths = {k: v for k, v in needs(graph, wider).items() if v > getattr(wider, k)}
        if _exists(wider, **depths):
            return change | depths
        change |= {"cols": 2 * wider.cols}
        if not _exists(config, **change):
            return None
        wider = replace(config, **change)


def _map_needs(graph: Graph, mapped: Mapped, config: Config) -> dict[str, int]:
    if mapped.plan is None:
        raise DoesNotFit(
            "has a map of more activation words than 16 bits number",
            where=graph.name,
            todo="choose an engine with more lanes",
        )
    return map_needs(mapped.program, mapped.plan, config)


def _exists(config: Config, **changes: int) -> bool:
    try:
        replace(config, **changes)
    except ValueError:
        return False
    return True


def check_fit(graph: Graph, config: Config) -> None:
    """Refuse a model that ``config`` cannot hold.

    Raises
    ------
    DoesNotFit
        saying for each memory that is too small what is needed and what there is, and the
        smallest configuration that fits.
    """
    _check(graph, needs(graph, config), config)


def check_maps_fit(graph: Graph, mapped: Mapped, config: Config) -> Plan:
    """The plan of ``mapped``, made of ``graph``; refused as in `check_fit`."""
    _check(graph, _map_needs(graph, mapped, config), config)
    assert mapped.plan is not None  # else its needs were refused
    return mapped.plan


def _check(graph: Graph, needed: dict[str, int], config: Config) -> None:
    short = [name for name in needed if needed[name] > getattr(config, name)]
    if not short:
        return
    records = (record(config, memory) for memory in memories(config))
    units = {each.parameter: each.unit for each in records}
    texts = [f"{needed[name]} {units[name]} (has {getattr(config, name)})" for name in short]
    change = smallest(graph, config)
    if change is None:
        todo = "no engine holds it; split the model"
    else:
        order = [field.name for field in fields(Config) if field.name in change]
        todo = "it fits with " + ", ".join(f"{name}={change[name]}" for name in order)
    raise DoesNotFit(
        f"needs {' and '.join(texts)}, too much for the {config} engine",
        where=graph.name,
        todo=todo,
    )
