"""Cycle model: predicts, to the cycle, what the engine does with its time.

It moves the engine's control (receiver, sequencer, scanner, walker, origins, drain, responder; one
file each) from cycle to cycle without any data; of the data only the number of nonzero bytes per
activation word matters. The host is taken to offer a word and to accept a word in every cycle.
Tests hold every number here equal to the engine's own counters and to the count of cycles at its
pins.
"""

from .engine import predict
from .load import LayerLoad, MapLoad, RunLoad
from .prediction import Prediction

__all__ = ["LayerLoad", "MapLoad", "Prediction", "RunLoad", "predict"]
