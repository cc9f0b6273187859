"""Choice of hardware for a model: engines of many shapes on every board, and the best of them."""

from .candidates import COLS, ROWS, Candidate, candidates
from .clocks import Clock, estimated, measured
from .demand import Demand, Short, demand, shortages
from .needs import Needs
from .point import Point, Used, front
from .predict import predict
from .sweep import Exploration, explore, port_limit

__all__ = [
    "COLS",
    "ROWS",
    "Candidate",
    "Clock",
    "Demand",
    "Exploration",
    "Needs",
    "Point",
    "Short",
    "Used",
    "candidates",
    "demand",
    "estimated",
    "explore",
    "front",
    "measured",
    "port_limit",
    "predict",
    "shortages",
]
