"""The AXI version as others instantiate it: names, widths and attributes of its ports."""

import re

import pytest

from celosia.driver.rtl.source import engine_verilog
from celosia.spec import Config
from celosia_hw.axi.engine import AXI_TOP

#: Ports that a slave or master cannot do without, as AMBA names them.
_STREAM = {"tdata": 64, "tkeep": 8, "tlast": 1, "tvalid": 1, "tready": 1}
_LITE = {
    **{"awaddr": 12, "awvalid": 1, "awready": 1, "wdata": 32, "wstrb": 4, "wvalid": 1},
    **{"wready": 1, "bresp": 2, "bvalid": 1, "bready": 1, "araddr": 12, "arvalid": 1},
    **{"arready": 1, "rdata": 32, "rresp": 2, "rvalid": 1, "rready": 1},
}


@pytest.fixture(scope="module")
def top() -> str:
    """The text of the top module."""
    text = engine_verilog(Config.default(1, 4, convolution=0), axi=True)
    return re.search(rf"^module {AXI_TOP}\(.*?^endmodule", text, re.S | re.M)[0]


def ports(top: str) -> dict[str, tuple[str, int]]:
    found = re.findall(r"^  (input|output) (?:\[(\d+):0\] )?(\w+);", top, re.M)
    return {name: (direction, int(high or 0) + 1) for direction, high, name in found}


def test_ports(top):
    named = {"aclk": 1, "aresetn": 1, "irq": 1}
    for prefix, pins in (("s_axis", _STREAM), ("m_axis", _STREAM), ("s_axil", _LITE)):
        named |= {f"{prefix}_{pin}": width for pin, width in pins.items()}
    assert {name: width for name, (_, width) in ports(top).items()} == named


def test_directions(top):
    outputs = {name for name, (direction, _) in ports(top).items() if direction == "output"}
    lite = ("awready", "wready", "bresp", "bvalid", "arready", "rdata", "rresp", "rvalid")
    assert outputs == {
        "irq", "s_axis_tready", *(f"s_axil_{pin}" for pin in lite),
        *(f"m_axis_{pin}" for pin in _STREAM if pin != "tready"),
    }  # fmt: skip


def test_vivado_is_told_what_names_do_not_say(top):
    assert re.search(r"ASSOCIATED_BUSIF s_axis:m_axis:s_axil.*\n  input aclk;", top)
    assert re.search(r"signal:interrupt:1.0 irq INTERRUPT.*\n  output irq;", top)
