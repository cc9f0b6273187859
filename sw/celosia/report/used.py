"""A bar that says how full a memory is."""

from collections.abc import Iterable

from .html import Raw, bar

__all__ = ["used"]


def used(
    name: str, parts: Iterable[tuple[str, float, float, str]], used: int, depth: int, size: int
) -> tuple[str, Raw, str]:
    """A row of `bars`: ``used`` of ``depth`` records of ``size`` bytes; ``parts`` as of `bar`."""
    share = f"{used / depth:.0%}" if depth else "none"
    label = f"{name}: {used:,} of {depth:,}"
    return name, bar(parts, label), f"{share} of {_size(depth * size)}"


def _size(count: int) -> str:
    for unit, factor in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= factor:
            return f"{count / factor:,.4g} {unit}"
    return f"{count:,} B"
