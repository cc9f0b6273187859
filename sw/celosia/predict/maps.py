"""Cycles of a program of an engine with convolution, from its descriptors alone."""

from collections.abc import Sequence

from celosia.spec import Config, Memory, record
from celosia.support.progress import Progress, silent

from .cycles import MapLoad, predict
from .figures import Estimate
from .map_work import MapWork

__all__ = ["estimate_maps"]

#: Words of a run up to which the engine, which has two input banks, may need some runs until it
#: repeats itself; and runs until then, and to measure.
_SMALL, _SMALL_RUNS = 5000, (3, 2)
#: Cycles from the last multiplication of a layer to the first of one that waits for it, about.
_BOUNDARY = 20


def estimate_maps(work: MapWork, words: int, progress: Progress = silent) -> Estimate:
    """Of ``work``, by the cycle model where a run scans at most ``words`` words, else by `_pace`.

    The cycle model takes about 20 us for a word of a run, of which it goes through four. The sum
    leaves out what passes between layers: it is at most 0.6 % too small for networks of 20,000
    words and more (tests/sw/predict/test_maps.py).

    Parameters
    ----------
    progress : called after each of three predictions.
    """
    scanned = sum(load.words for load in work.loads)
    if scanned > words:
        return _estimate_by_sum(work)
    warm_up, measured = _SMALL_RUNS if scanned <= _SMALL else (1, 1)
    full = work.run(work.rows)
    counted = []
    for index, runs in enumerate(
        ([full] * warm_up, [full] * (warm_up + measured), [work.run(1)]),
    ):
        progress("predicting cycles", index, 3)
        counted.append(predict(work.config, runs))
    progress("predicting cycles", 3, 3)
    before, after, alone = counted
    counts = zip(before.layer_cycles, after.layer_cycles, strict=True)
    layers = _by_layer(work, [(b - a) / measured for a, b in counts])
    per_run = (after.cycles - before.cycles) / measured
    return Estimate(alone.cycles, per_run, layers, work.images, True)


def _estimate_by_sum(work: MapWork) -> Estimate:
    config, loads = work.config, work.loads
    full = [_pace(load, config, work.rows) for load in loads]
    alone = sum(_pace(load, config, 1) for load in loads) + _BOUNDARY * len(loads)
    puts = work.input_words * record(config, Memory.ACTIVATIONS).words
    # Memory takes a word in a cycle: of results, else of the next run's input.
    stored = sum(_results(load, config, work.rows) for load in loads if load.store)
    per_run = max(sum(full), stored + work.input_cycles)
    return Estimate(puts + alone, per_run, _by_layer(work, full), work.images, False)


def _pace(load: MapLoad, config: Config, rows: int) -> int:
    """Cycles of all tiles of all pixels of a row, ``rows`` of which have images.

    A tile takes the longest of its multiplications, its drain and the way of its results to the
    host: ``max(k, words * beats * requantizer_cycles, words * link words)``.
    """
    beat = config.beats * config.requantizer_cycles
    if load.emit:
        beat = max(beat, record(config, Memory.ACTIVATIONS).words)
    beat *= load.tile_words(config)
    cycles = (max(load.bytes_in, load.rows(p, rows) * beat) for p in range(load.pixels))
    return load.tiles * sum(cycles)


def _results(load: MapLoad, config: Config, rows: int) -> int:
    """Words of results of all rows."""
    return (
        load.tiles * load.tile_words(config) * sum(load.rows(p, rows) for p in range(load.pixels))
    )


def _by_layer(work: MapWork, cycles: Sequence[float]) -> tuple[float, ...]:
    """Cycles of descriptors, summed by layer."""
    layers = [0.0] * work.layers
    for (layer, *_), spent in zip(work.kernels, cycles, strict=True):
        layers[layer] += spent
    return tuple(layers)
