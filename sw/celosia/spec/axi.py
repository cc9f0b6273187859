"""The registers of the AXI version of the engine: what its AXI4-Lite port reaches.

Registers are 32 bits wide, and the two low bits of an address are ignored. IDENTITY and COUNTERS
are the bytes of the link's responses of these names, so that one routine unpacks both. An address
without a register, and a write to a read-only one, are answered with SLVERR and change nothing.
Bytes whose strobe is 0 keep their value.
"""

from dataclasses import dataclass
from enum import StrEnum

from .fields import Field, Layout
from .link import COUNTERS, IDENTITY

__all__ = [
    "ADDRESS_BITS",
    "CONTROL",
    "INTERRUPTS",
    "REGISTERS",
    "REGISTER_BYTES",
    "RESPONSES",
    "SCRATCH",
    "STATUS",
    "Access",
    "Register",
]

#: Bytes of a register, and of the AXI4-Lite data bus.
REGISTER_BYTES = 4
#: Bits of an AXI4-Lite address: the port fills a page of 4 KiB.
ADDRESS_BITS = 12


class Access(StrEnum):
    """What software may do with a register."""

    R = "read"
    RW = "read, write"
    #: Bits are set by the hardware, and cleared by writing 1; if both happen they are set.
    W1C = "read, write 1 to clear"


CONTROL = Layout(
    "axi_control",
    REGISTER_BYTES,
    (
        Field("reset", 1, "1: the engine is held in reset, words that arrive are dropped"),
        Field("snapshot", 1, "write 1: copy all counters to COUNTERS at once; reads 0"),
    ),
)

STATUS = Layout(
    "axi_status",
    REGISTER_BYTES,
    (
        Field("busy", 1, "requests are being read, computed or answered"),
        Field(
            "receiving",
            1,
            "the last word taken from s_axis did not end its frame; 0 after CONTROL.reset",
        ),
        Field("sending", 1, "a response has begun on m_axis and not ended"),
    ),
)

#: The bits of both IRQ_ENABLE and IRQ_PENDING.
INTERRUPTS = Layout(
    "axi_interrupts",
    REGISTER_BYTES,
    (Field("response", 1, "the last word of a response was taken from m_axis"),),
)

RESPONSES = Layout(
    "axi_responses", REGISTER_BYTES, (Field("count", 32, "responses ended, modulo 2**32"),)
)

SCRATCH = Layout("axi_scratch", REGISTER_BYTES, (Field("value", 32, "anything, to test the bus"),))


@dataclass(frozen=True)
class Register:
    """``layout`` at byte ``address``; it takes as many registers as it has words."""

    name: str
    address: int
    access: Access
    layout: Layout

    @property
    def addresses(self) -> range:
        return range(self.address, self.address + self.layout.size, REGISTER_BYTES)


REGISTERS = (
    Register("IDENTITY", 0x00, Access.R, IDENTITY),
    Register("CONTROL", 0x20, Access.RW, CONTROL),
    Register("STATUS", 0x24, Access.R, STATUS),
    Register("IRQ_ENABLE", 0x28, Access.RW, INTERRUPTS),
    Register("IRQ_PENDING", 0x2C, Access.W1C, INTERRUPTS),
    Register("RESPONSES", 0x30, Access.R, RESPONSES),
    Register("SCRATCH", 0x34, Access.RW, SCRATCH),
    Register("COUNTERS", 0x40, Access.R, COUNTERS),
)
