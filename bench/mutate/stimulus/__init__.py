"""What the engine is asked to do: networks, and requests of every kind, good and bad.

Nothing here is checked against a model: that is the test suite's part. It is the same stimulus, and
what is compared is every word and its cycle, with those of the engine without a mutation.
"""

from collections.abc import Callable

import numpy as np

from celosia.spec import Config

from ..simulation import Recorder
from .host import Host
from .networks import descriptors, factors, large_network, mixture, moved, network
from .programs import (
    counts,
    ended_counts,
    illegal,
    long_counts,
    many_runs,
    needs,
    programs,
    restarted_counts,
)
from .requests import contents, empty, headers, layouts, lengths, wild_headers

__all__ = ["STIMULI", "Host", "Stimulus", "record"]

#: Asks a host for something.
Stimulus = Callable[[Host], None]
#: Each begins with an engine that was just switched on. Cheapest first: a mutant that is killed is
#: played no more.
STIMULI: tuple[tuple[Stimulus, int], ...] = (
    (empty, 1),
    (programs, 1),
    (network, 3),
    (mixture, 1),
    (lengths, 1),
    (factors, 2),
    (moved, 2),
    (layouts, 1),
    (counts, 1),
    (contents, 1),
    (programs, 6),
    (mixture, 4),
    (illegal, 1),
    (headers, 1),
    (network, 6),
    (factors, 8),
    (descriptors, 4),
    (large_network, 6),
    (needs, 1),
    (programs, 8),
    (layouts, 3),
    (mixture, 4),
    (descriptors, 4),
    (long_counts, 1),
    (ended_counts, 1),
    (programs, 30),
    (descriptors, 12),
    (needs, 3),
    (mixture, 8),
    (network, 12),
    (programs, 60),
    (restarted_counts, 2),
    (wild_headers, 6),
    (many_runs, 1),
)


def record(
    recorder: Recorder, config: Config, seed: int, number: int, stimulus: Stimulus, times: int
) -> None:
    """Record ``stimulus`` so many times, every time after a reset; ``number`` seeds it too."""
    recorder.reset()
    for index in range(times):
        recorder.stalls = (0.0, 0.0)
        rng = np.random.default_rng([seed, number, index])
        stimulus(Host(recorder, config, rng))
        recorder.reset()
