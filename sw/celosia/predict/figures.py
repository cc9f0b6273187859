"""What a prediction says of a model on an engine."""

from dataclasses import dataclass

__all__ = ["Estimate"]


@dataclass(frozen=True)
class Estimate:
    """What the cycle model says of runs in which no byte is zero, the slowest there are.

    Parameters
    ----------
    latency : cycles of one image alone, from its first input word to its last result.
    per_run : cycles between the results of full batches when runs follow each other.
    layers : of these, cycles from the start of each layer to the start of the next.
    images : of a full batch.
    exact : False when not every cycle of a large model was gone through.
    """

    latency: int
    per_run: float
    layers: tuple[float, ...]
    images: int
    exact: bool

    @property
    def per_image(self) -> float:
        return self.per_run / self.images
