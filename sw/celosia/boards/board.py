"""A board: FPGA, clocks, default engine, and documented facts about price and power."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType

from celosia.spec import Config

__all__ = ["FAMILIES", "Board", "Fact", "Resources"]

#: Families of FPGAs; each has its own tools from netlist to bitstream.
FAMILIES = ("ice40", "ecp5", "gowin")


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A statement about a board, with its source.

    Parameters
    ----------
    value : the statement, in words.
    source : document or page.
    date : of the document, or of reading it: year-month-day, year-month or year.
    estimate : True when no document states exactly this.
    limit : upper bound as a number, for comparisons: US dollars for a price, watts for power; None
        when unknown.
    """

    value: str
    source: str
    date: str
    estimate: bool = False
    limit: float | None = None

    def __str__(self) -> str:
        return f"{self.value} (estimate)" if self.estimate else self.value


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Resources of an FPGA, in the cells that place and route counts.

    Parameters
    ----------
    luts, ffs : number of four-input lookup tables, and of flip-flops.
    multiplier : name of the multiplier cell.
    multipliers : number of multiplier cells.
    products : int8 products of one of them per cycle.
    block_rams : number of dual-port memories.
    block_ram_bits : bits of one.
    single_port_rams : number of memories with one port.
    single_port_ram_bits : bits of one.

    Raises
    ------
    ValueError : a count is negative or not an integer.
    """

    luts: int
    ffs: int
    multiplier: str
    multipliers: int
    products: int
    block_rams: int
    block_ram_bits: int
    single_port_rams: int = 0
    single_port_ram_bits: int = 0

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if each.type is int and (type(value) is not int or value < 0):
                raise ValueError(f"{each.name} = {value!r} is not an integer of at least 0")


@dataclass(frozen=True, kw_only=True)
class Board:
    """A board, its FPGA, and the default engine for it.

    Parameters
    ----------
    name : on the command line.
    title : for people, with the FPGA.
    family : one of `FAMILIES`.
    device, package : in the options of the family's place and route tool.
    oscillator_mhz : MHz of the clock source, on the board or in the FPGA.
    clock_mhz : MHz of the default engine.
    resources : of the FPGA.
    config : arguments of `Config` for the default engine.
    baud : bits per second of the serial port to the USB bridge.
    price, power : None where nothing is documented.

    Raises
    ------
    ValueError : an unknown family, a frequency that is not positive, or an illegal configuration.
    """

    name: str
    title: str
    family: str
    device: str
    package: str
    oscillator_mhz: float
    clock_mhz: float
    resources: Resources
    config: Mapping[str, int] = field(hash=False)
    baud: int
    price: Fact | None = None
    power: Fact | None = None

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise ValueError(f"unknown family {self.family!r}; known: {', '.join(FAMILIES)}")
        for name in ("oscillator_mhz", "clock_mhz", "baud"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} = {value!r} is not a positive number")
        try:
            Config(**self.config)
        except TypeError as error:
            raise ValueError(f"config: {error}") from error
        object.__setattr__(self, "config", MappingProxyType(dict(self.config)))

    def engine(self, **overrides: int) -> Config:
        """The board's `Config`, with ``overrides`` in place of its own values."""
        return Config(**{**self.config, **overrides})
