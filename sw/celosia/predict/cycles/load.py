"""What the engine is asked to do, as far as its control can tell."""

from dataclasses import dataclass

__all__ = ["NEVER", "ActiveLayer", "LayerLoad", "RunLoad"]

#: A cycle that does not come.
NEVER = 1 << 62


@dataclass(frozen=True)
class LayerLoad:
    """What a layer asks of the engine.

    Input word j is read when ``lead + j`` words of the layer before are stored; at once when
    ``lead`` is None, because it reads none of these. ``needed`` has, for every input word, the
    number of bytes to multiply (0: the word is skipped), and ``bytes_in`` the number of all its
    bytes that count.
    """

    lead: int | None
    tiles: int
    store: bool
    emit: bool
    needed: tuple[int, ...]
    bytes_in: int


@dataclass(frozen=True)
class RunLoad:
    """One INFER: ``images`` of ``input_words`` words through ``layers``."""

    images: int
    input_words: int
    layers: tuple[LayerLoad, ...]


@dataclass(frozen=True)
class ActiveLayer:
    """A layer that was started: ``last`` of its run, for ``images``."""

    load: LayerLoad
    last: bool
    images: int
