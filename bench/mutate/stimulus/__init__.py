"""What the engine is asked to do: networks, and requests of every kind, good and bad.

Nothing here is checked against a model: that is the test suite's part. It is the same stimulus, and
what is compared is every word and its cycle, with those of the engine without a mutation.
"""

from collections.abc import Callable, Sequence

import numpy as np

from celosia.spec import Config

from ..simulation import Recorder
from .host import Host
from .networks import descriptors, factors, large_network, mixture, moved, network
from .programs import counts, illegal, long_counts, programs
from .requests import contents, empty, headers, layouts, lengths

__all__ = ["STIMULI", "Host", "Stimulus", "record_all"]

#: Asks a host for something.
Stimulus = Callable[[Host], None]
#: Cheapest first: mutants end where they differ.
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
    (long_counts, 1),
)


def record_all(
    recorder: Recorder,
    config: Config,
    seed: int,
    stimuli: Sequence[tuple[Stimulus, int]] = STIMULI,
) -> list[tuple[str, int]]:
    """Record each of ``stimuli`` as often as it says, every time with an engine that was reset; for
    each part its name and its first cycle."""
    parts = [("reset", 0)]
    recorder.reset()
    for number, (stimulus, times) in enumerate(stimuli):
        for index in range(times):
            parts.append((stimulus.__name__, recorder.recorded))
            recorder.stalls = (0.0, 0.0)
            rng = np.random.default_rng([seed, number, index])
            stimulus(Host(recorder, config, rng))
            recorder.reset()
    return parts
