"""A plain Verilog testbench of an engine that runs a program image."""

from .frames import Recording, record
from .verilog import testbench

__all__ = ["Recording", "record", "testbench"]
