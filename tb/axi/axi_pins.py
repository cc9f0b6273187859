"""AXI pins as the streams that `tb.stream.Monitor` watches."""

from collections.abc import Callable

from cocotb.handle import HierarchyObject

__all__ = ["AxiPins", "channel", "packets"]


class _Value:
    """A value made of those of other pins, as text of 0, 1, X and Z."""

    def __init__(self, make: Callable[[], str]):
        self._make = make

    @property
    def value(self) -> str:
        return self._make()


class AxiPins:
    """One handshake ``prefix``valid, ``prefix``ready, and the text ``payload`` makes."""

    def __init__(self, dut: HierarchyObject, prefix: str, payload: Callable[[], str]):
        self.name, self.clk = prefix, dut.aclk
        self.valid = getattr(dut, f"{prefix}valid")
        self.ready = getattr(dut, f"{prefix}ready")
        self.rst = _Value(lambda: "0" if str(dut.aresetn.value) == "1" else "1")
        self.payload = _Value(payload)

    @property
    def is_ready(self) -> str:
        """As `tb.stream.Pins.is_ready`."""
        return str(self.ready.value)


def packets(dut: HierarchyObject, name: str) -> AxiPins:
    """AXI4-Stream ``name``: a word, with 0 where TKEEP is 0, and TLAST above it."""
    data, keep, last = (getattr(dut, f"{name}_{pin}") for pin in ("tdata", "tkeep", "tlast"))

    def payload() -> str:
        bits = str(data.value)
        kept = (
            bits[8 * n : 8 * n + 8] if one == "1" else "0" * 8
            for n, one in enumerate(str(keep.value))
        )
        return str(last.value) + "".join(kept)

    return AxiPins(dut, f"{name}_t", payload)


def channel(dut: HierarchyObject, name: str, *pins: str) -> AxiPins:
    """Channel ``name`` of the registers with the ``pins`` it carries."""
    signals = [getattr(dut, f"s_axil_{name}{pin}") for pin in pins]
    return AxiPins(dut, f"s_axil_{name}", lambda: "".join(str(pin.value) for pin in signals))
