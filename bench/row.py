"""One figure of the table."""

from dataclasses import dataclass

__all__ = ["Row"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A measured value and what it is held against.

    Parameters
    ----------
    name : what was measured, and how.
    value : the figure.
    unit : of the figure and the goal.
    goal : to be reached; None when the figure only informs.
    at_most : True when the value must not exceed the goal, False when it must reach it.
    peers : what others reach, one line.
    """

    name: str
    value: float
    unit: str
    goal: float | None = None
    at_most: bool = True
    peers: str = ""

    @property
    def reached(self) -> bool | None:
        if self.goal is None:
            return None
        return self.value <= self.goal if self.at_most else self.value >= self.goal

    def to_dict(self) -> dict:
        return {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "goal": self.goal,
            "reached": self.reached,
            "peers": self.peers,
        }
