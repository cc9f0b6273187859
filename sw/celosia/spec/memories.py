"""The memories a host can reach: names, record size and depth of each, for a configuration."""

from dataclasses import dataclass

from .config import Config
from .descriptor import descriptor
from .integers import ceil_div
from .link import INPUT_LAYOUT, Memory
from .params import PARAMETER

__all__ = ["Record", "memories", "record"]


@dataclass(frozen=True)
class Record:
    """One memory as the link sees it: ``depth`` records of ``size`` bytes.

    On the link every record starts on a link word and is zero-padded to ``words`` words.

    Parameters
    ----------
    title : what people call the memory.
    parameter : the parameter of `Config` that sets how deep it is.
    unit : what that parameter counts, such as "weight words of 16 bytes".
    unit_bytes : bytes of one of these.
    """

    memory: Memory
    size: int
    depth: int
    words: int
    writable: bool
    title: str
    parameter: str
    unit: str
    unit_bytes: int


#: Title, parameter and unit of each memory.
_NAMES = {
    Memory.WEIGHTS: ("weights", "weight_depth", "weight words of {} bytes"),
    Memory.PARAMS: ("parameters", "param_depth", "parameter words of {} bytes"),
    Memory.PROGRAM: ("program", "program_depth", "descriptors of {} bytes"),
    Memory.TABLES: ("tables", "tables", "element tables"),
    Memory.ACTIVATIONS: ("activations", "act_depth", "activation words of {} bytes"),
    Memory.LAYOUT: ("input layout", "convolution", "input layouts of {} bytes"),
}


def memories(config: Config) -> tuple[Memory, ...]:
    """The memories of an engine of shape ``config``."""
    return tuple(each for each in Memory if each is not Memory.LAYOUT or config.convolution)


def record(config: Config, memory: Memory) -> Record:
    """The record of ``memory`` in an engine of shape ``config``."""
    title, parameter, unit = _NAMES[memory]
    # A unit of a memory's parameter is one record, with two exceptions.
    units, records = getattr(config, parameter), 1
    size = {
        Memory.WEIGHTS: config.cols,
        Memory.PARAMS: config.requantizers * PARAMETER.size,
        Memory.PROGRAM: descriptor(config).size,
        Memory.TABLES: 1,
        Memory.ACTIVATIONS: config.lanes,
        Memory.LAYOUT: INPUT_LAYOUT.size,
    }[memory]
    if memory is Memory.TABLES:
        records = 256  # a table has an entry for every byte
    elif memory is Memory.ACTIVATIONS:
        units *= config.rows  # address = row * act_depth + word
    return Record(
        memory,
        size,
        depth=units * records,
        words=ceil_div(size, config.link_bytes),
        writable=memory is not Memory.ACTIVATIONS,
        title=title,
        parameter=parameter,
        unit=unit.format(size * records),
        unit_bytes=size * records,
    )
