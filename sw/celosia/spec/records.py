"""The memories a host can reach: record size and depth of each, for a configuration."""

from dataclasses import dataclass

from .config import Config
from .descriptor import DESCRIPTOR
from .integers import ceil_div
from .link import Memory
from .params import PARAMETER

__all__ = ["Record", "record"]


@dataclass(frozen=True)
class Record:
    """One memory as the link sees it: ``depth`` records of ``size`` bytes.

    On the link every record starts on a link word and is zero-padded to ``words`` words.
    """

    memory: Memory
    size: int
    depth: int
    words: int
    writable: bool


def record(config: Config, memory: Memory) -> Record:
    """The record of ``memory`` in an engine of shape ``config``."""
    size, depth = {
        Memory.WEIGHTS: (config.cols, config.weight_depth),
        Memory.PARAMS: (config.requantizers * PARAMETER.size, config.param_depth),
        Memory.PROGRAM: (DESCRIPTOR.size, config.program_depth),
        Memory.TABLES: (1, 256 * config.tables),
        # address = row * act_depth + word
        Memory.ACTIVATIONS: (config.lanes, config.rows * config.act_depth),
    }[memory]
    words = ceil_div(size, config.link_bytes)
    return Record(memory, size, depth, words, memory is not Memory.ACTIVATIONS)
