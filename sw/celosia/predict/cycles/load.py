"""What the engine is asked to do, as far as its control can tell."""

from dataclasses import dataclass

__all__ = ["NEVER", "ActiveLayer", "LayerLoad", "RunLoad"]

#: A cycle that does not come.
NEVER = 1 << 62


@dataclass(frozen=True)
class LayerLoad:
    """What a layer asks of the engine.

    ``src`` and ``dst`` are activation words, ``src`` with the input bank already added; ``needed``
    has, for every input word, the number of bytes to multiply (0: the word is skipped), and
    ``bytes_in`` the number of all its bytes that count.
    """

    src: int
    dst: int
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
