"""The golden model behind the interface of a real engine."""

from collections.abc import Iterator, Sequence

from celosia.model.link import LinkModel
from celosia.spec import Config

__all__ = ["GoldenTransport"]


class GoldenTransport:
    """`Transport` to a `LinkModel`; it has no clock."""

    cycles: int | None = None

    def __init__(self, config: Config):
        self.link_bytes = config.link_bytes
        self.model = LinkModel(config)

    def exchange(self, frames: Sequence[bytes]) -> list[bytes]:
        return [reply for replies in self.stream(frames) for reply in replies]

    def stream(self, frames: Sequence[bytes]) -> Iterator[list[bytes]]:
        for frame in frames:
            yield [self.model.respond(frame)]

    def close(self) -> None:
        pass
