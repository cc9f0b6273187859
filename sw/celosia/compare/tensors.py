"""The differences between two tensors."""

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["First", "TensorDiff"]


@dataclass(frozen=True)
class First:
    """The first element that differs, in the order of images, lines, pixels, then channels.

    ``y`` and ``x`` are 0 of a vector.
    """

    image: int
    y: int
    x: int
    channel: int
    ours: float
    theirs: float


@dataclass(frozen=True, eq=False)
class TensorDiff:
    """The differences between the engine's tensor and the reference's, both [images, values].

    Parameters
    ----------
    name : of the layer, or "input" and "output" for the tensors before and after host steps.
    place : "engine" or "host", whichever computed it.
    shape : (height, width, channels) of an image's values.
    elements, bytes : how many were compared.
    differing : elements that differ.
    largest : the largest absolute difference.
    first : None when all are equal.
    histogram : number of elements by difference, ours minus theirs, without 0; in order.
    channels : number of differing elements by channel, without those that have none; in order.
    """

    name: str
    place: str
    shape: tuple[int, int, int]
    elements: int
    bytes: int
    differing: int
    largest: float
    first: First | None
    histogram: dict[float, int]
    channels: dict[int, int]

    @classmethod
    def of(
        cls,
        name: str,
        place: str,
        ours: np.ndarray,
        theirs: np.ndarray,
        shape: tuple[int, int, int] | None = None,
    ) -> "TensorDiff":
        """Compare arrays [images, values]; NaN equals NaN. Without a ``shape`` they are vectors."""
        shape = shape or (1, 1, ours.shape[1])
        kind = np.float64 if ours.dtype.kind == "f" else np.int64
        differs = ours != theirs
        if ours.dtype.kind == "f":
            differs &= ~(np.isnan(ours) & np.isnan(theirs))
        at = np.argwhere(differs)
        first: First | None = None
        histogram: dict[float, int] = {}
        channels: dict[int, int] = {}
        if len(at):
            image, value = map(int, at[0])
            y, x, channel = map(int, np.unravel_index(value, shape))
            values = ours[image, value].item(), theirs[image, value].item()
            first = First(image, y, x, channel, *values)
            steps = ours[differs].astype(kind) - theirs[differs].astype(kind)
            histogram = _counts(steps)
            channels = _counts(at[:, 1] % shape[2])
        largest = max((abs(step) for step in histogram), default=0)
        return cls(
            name,
            place,
            shape,
            elements=ours.size,
            bytes=ours.nbytes,
            differing=len(at),
            largest=largest,
            first=first,
            histogram=histogram,
            channels=channels,
        )

    def to_dict(self) -> dict:
        """All of it for JSON, whose keys are strings."""
        first = self.first
        return {
            "name": self.name,
            "place": self.place,
            "shape": list(self.shape),
            "elements": self.elements,
            "bytes": self.bytes,
            "differing": self.differing,
            "largest": self.largest,
            "first": first and vars(first),
            "histogram": {f"{step:g}": count for step, count in self.histogram.items()},
            "channels": {str(channel): count for channel, count in self.channels.items()},
        }


def _counts(values: np.ndarray) -> dict[Any, int]:
    """How often each value occurs, in order."""
    found, counts = np.unique(values, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))
