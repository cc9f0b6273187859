"""What the emitted Verilog promises to simulators, beyond its logic."""

import re
import subprocess
import sys

import pytest

from celosia.spec import Config
from celosia_hw.boards.design import design
from celosia_hw.emit import TOP, emit, verilog
from celosia_hw.postprocess.requantizer import Requantizer

CONFIG = Config.default(
    2, 4, weight_depth=16, param_depth=8, act_depth=16, program_depth=4, convolution=0
)


@pytest.fixture(scope="module")
def engine() -> str:
    """The Verilog of the engine."""
    return verilog(CONFIG)


def test_ports(engine):
    header = re.search(rf"module {TOP}\s*\((.*?)\);", engine, re.DOTALL)
    ports = {name.strip() for name in header[1].split(",")}
    streams = {f"{side}__{part}" for side in "io" for part in ("payload", "valid", "ready")}
    assert ports == {"clk", "rst"} | streams


def test_no_block_waits_for_a_change(engine):
    """Icarus would not run one at time zero (Amaranth issue 594)."""
    for text in (engine, emit(Requantizer(CONFIG), "dut")):
        assert "always @*" not in text and "always_comb" not in text
        assert "always @(posedge clk)" in text


def test_memories_have_no_contents(engine):
    assert "initial begin" not in engine
    assert "initial begin" not in design("icebreaker", CONFIG, baud=1_000_000).verilog


def test_an_interrupt_is_one_line(tmp_path):
    """Of the many components that were made and not elaborated, Amaranth says nothing."""
    script = f"""
from celosia.cli import main
from celosia_hw.array.mac_array import MacArray

def interrupted(self, platform):
    raise KeyboardInterrupt

MacArray.elaborate = interrupted
raise SystemExit(main(["verilog", "--rows", "1", "--cols", "4", "-o", {str(tmp_path)!r}]))
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ran.returncode == 130
    assert ran.stderr.splitlines()[1:] == ["celosia: interrupted"]  # after that it was emitting
