"""One figure of the table."""

from dataclasses import dataclass

__all__ = ["Row"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A measured value and what it is compared with.

    Parameters
    ----------
    name : what was measured, and how.
    value : the measured value.
    unit : of value and goal.
    goal : the value to reach; None when there is none.
    at_most : True when the value must not exceed the goal, False when it must reach it.
    peers : values of other projects, in one line.
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
