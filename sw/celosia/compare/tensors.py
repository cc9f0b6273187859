"""The difference of two tensors."""

from dataclasses import dataclass

import numpy as np

__all__ = ["First", "TensorDiff"]


@dataclass(frozen=True)
class First:
    """The first element that differs: of the first such image the first channel."""

    image: int
    channel: int
    ours: float
    theirs: float


@dataclass(frozen=True, eq=False)
class TensorDiff:
    """What differs between the engine's tensor and the reference's, both [images, channels].

    Parameters
    ----------
    name : of the layer, or "input" and "output" for the tensors before and after host steps.
    place : "engine" or "host", which computed it.
    elements, bytes : compared.
    differing : elements that differ.
    largest : the largest difference there is.
    first : None when all are equal.
    histogram : number of elements by difference, ours minus theirs, without 0; in order.
    channels : number of differing elements by channel, without 0; in order.
    """

    name: str
    place: str
    elements: int
    bytes: int
    differing: int
    largest: float
    first: First | None
    histogram: dict[float, int]
    channels: dict[int, int]

    @classmethod
    def of(cls, name: str, place: str, ours: np.ndarray, theirs: np.ndarray) -> "TensorDiff":
        """Compare arrays of the same shape [images, channels]; NaN equals NaN."""
        kind = np.float64 if ours.dtype.kind == "f" else np.int64
        differs = ours != theirs
        if ours.dtype.kind == "f":
            differs &= ~(np.isnan(ours) & np.isnan(theirs))
        at = np.argwhere(differs)
        first, histogram, channels = None, {}, {}
        if len(at):
            image, channel = map(int, at[0])
            first = First(
                image, channel, ours[image, channel].item(), theirs[image, channel].item()
            )
            steps = ours[differs].astype(kind) - theirs[differs].astype(kind)
            histogram = _counts(steps)
            channels = _counts(at[:, 1])
        largest = max((abs(step) for step in histogram), default=0)
        size = ours.size
        return cls(
            *(name, place, size, size * ours.itemsize, len(at), largest),
            *(first, histogram, channels),
        )

    def to_dict(self) -> dict:
        """Everything, ready for JSON, whose keys are strings."""
        first = self.first
        return {
            "name": self.name,
            "place": self.place,
            "elements": self.elements,
            "bytes": self.bytes,
            "differing": self.differing,
            "largest": self.largest,
            "first": first and vars(first),
            "histogram": {f"{step:g}": count for step, count in self.histogram.items()},
            "channels": {str(channel): count for channel, count in self.channels.items()},
        }


def _counts(values: np.ndarray) -> dict:
    found, counts = np.unique(values, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))
