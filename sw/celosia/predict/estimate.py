"""Cycles of a model from its structure alone, for any size of model in seconds."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from celosia.compiler.maps.mapped import map_graph
from celosia.compiler.memory import allocate
from celosia.network.outline import AnyLayer, Outline
from celosia.ops import OPERATIONS
from celosia.spec import Config, Memory, record

from .cycles import LayerLoad, RunLoad, predict
from .figures import Estimate
from .map_work import MapWork
from .maps import estimate_maps
from .workload import layer_load

__all__ = ["Estimate", "estimate"]

#: Words of input, over all tiles and layers, up to which every cycle is gone through.
_EXACT_WORDS = 6000
#: The same of a run of an engine with convolution: about a second.
_EXACT_MAP_WORDS = 12_000
#: Runs until the engine repeats itself, and runs to measure: it has two input banks.
_WARM_UP, _MEASURED = 3, 2
#: Tiles of a layer that are gone through when there are more.
_TILES = 4


def estimate(outline: Outline, config: Config) -> Estimate:
    """Of ``outline`` on an engine of this shape; its memories are taken to be deep enough.

    Raises
    ------
    CelosiaError : see `MapWork.of`.
    """
    if config.convolution:
        graph = outline.folded
        work = MapWork.of(graph, map_graph(graph, config, "throughput"), config)
        return estimate_maps(work, _EXACT_MAP_WORDS)
    loads = _layers(outline, config)
    first = outline.layers[0]
    words = OPERATIONS[first.op].input_words(first, config)
    if sum(load.tiles * len(load.needed) for load in loads) <= _EXACT_WORDS:
        latency = predict(config, [RunLoad(1, words, loads)]).cycles
        per_run, layers = _steady(loads, words, config, _WARM_UP, _MEASURED)
        return Estimate(latency, per_run, layers, config.rows, True)
    stands_for = _repeated(outline.layers)
    kept = sorted(set(stands_for))
    loads = _layers(replace(outline, layers=tuple(outline.layers[i] for i in kept)), config)
    alone, among = (
        [cycles[kept.index(i)] for i in stands_for] + cycles[-1:]
        for cycles in (_scaled(_alone, loads, config), _scaled(_among_others, loads, config))
    )
    # The first word of the input was counted; the others come before the first layer starts, or
    # while the run before is computed.
    puts = (words - 1) * record(config, Memory.ACTIVATIONS).words
    per_run = max(sum(among), config.rows * puts)
    return Estimate(round(sum(alone)) + puts, per_run, tuple(among[:-1]), config.rows, False)


def _repeated(layers: Sequence[AnyLayer]) -> list[int]:
    """For every layer the one whose cycles it shares: an earlier one in a row of equal layers."""
    stands_for: list[int] = []
    shapes = [(layer.op, OPERATIONS[layer.op].shape(layer)) for layer in layers]
    for index in range(len(layers)):
        # The first ones of a row still feel what is before it, and the last what is after it.
        around = shapes[max(index - 3, 0) : index + 2]
        same = len(around) == 5 and len(set(around)) == 1
        stands_for.append(stands_for[-1] if same else index)
    return stands_for


def _layers(outline: Outline, config: Config) -> tuple[LayerLoad, ...]:
    places, loads = allocate(outline, config), []
    layers = zip(outline.layers, outline.reads, places.words[1:], strict=True)
    for index, (layer, reads, dst) in enumerate(layers):
        sources = list(map(places.source, reads))
        d = OPERATIONS[layer.op].describe(layer, config, sources, weights=0)
        d |= {"op": layer.op, "store": dst is not None, "emit": dst is None}
        d["waits"] = index > 0 and index in reads
        loads.append(layer_load(d, config))
    return tuple(loads)


def _steady(
    loads: tuple[LayerLoad, ...], words: int, config: Config, warm_up: int, measured: int
) -> tuple[float, tuple[float, ...]]:
    """Cycles of a run in the midst of others, in all and layer by layer."""
    runs = [RunLoad(config.rows, words, loads)] * (warm_up + measured)
    before, after = predict(config, runs[:warm_up]), predict(config, runs)
    layers = zip(before.layer_cycles, after.layer_cycles, strict=True)
    return (
        (after.cycles - before.cycles) / measured,
        tuple((b - a) / measured for a, b in layers),
    )


def _alone(loads: tuple[LayerLoad, ...], config: Config) -> list[float]:
    """Cycles of one image, layer by layer, and at last those outside of any layer."""
    prediction = predict(config, [RunLoad(1, 1, loads)])
    layers = prediction.layer_cycles
    return [*layers, prediction.cycles - sum(layers)]


def _among_others(loads: tuple[LayerLoad, ...], config: Config) -> list[float]:
    """The same of a full batch in the midst of others."""
    per_run, layers = _steady(loads, 1, config, 1, 1)
    return [*layers, per_run - sum(layers)]


def _scaled(
    measure: Callable[[tuple[LayerLoad, ...], Config], list[float]],
    loads: tuple[LayerLoad, ...],
    config: Config,
) -> list[float]:
    """``measure(loads, config)``, of which only a few tiles of a few words are gone through.

    What is left out of a layer are its first tiles and the first words of its input, so that the
    next layer waits for the same last words as in the whole. A tile of that many words takes as
    long as its multiplications, and another word adds a cycle for each of its bytes.
    """
    # Long enough that a tile of them outlasts the drain of two, and the whole pipeline.
    drain = config.rows * config.params_per_tile * config.requantizer_cycles
    keep = (2 * drain + 220) // config.lanes + 2
    few, more = (
        measure(tuple(_cut(loads, tiles, keep, config)), config) for tiles in (_TILES, _TILES + 1)
    )
    cycles = []
    for load, a, b in zip(loads, few, more, strict=False):
        whole, rest = sum(load.needed), sum(load.needed[:-keep])
        kept = min(load.tiles, _TILES)
        # Where layers overlap, what one gains by a tile another may lose.
        tile = whole if whole > 2 * drain else b - a + rest
        cycles.append(a + kept * rest + (load.tiles - kept) * tile)
    return [*cycles, few[-1]]


def _cut(
    loads: tuple[LayerLoad, ...], tiles: int, words: int, config: Config
) -> Iterator[LayerLoad]:
    """The last ``tiles`` of each layer, with the last ``words`` of its input."""
    dropped_results = 0  # of the layer before
    for load in loads:
        dropped_words = max(0, len(load.needed) - words)
        needed = load.needed[dropped_words:]
        lead = None if load.lead is None else load.lead + dropped_words - dropped_results
        kept = min(load.tiles, tiles)
        dropped_results = (load.tiles - kept) * config.words_per_tile
        yield replace(load, lead=lead, tiles=kept, needed=needed, bytes_in=sum(needed))
