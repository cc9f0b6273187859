"""Netlists of boards after synthesis, simulated with models of the family's cells.

The shipped driver runs a small network through the board's pins, and every byte must equal the
golden model; mistakes in the mapping are found. ``make netlist`` runs these tests, ``make test``
does not: it has single cells after synthesis (`test_cells`).
"""

import re

import numpy as np
import pytest
from tests.helpers.board_sim import synthesized_board
from tests.helpers.networks import images, network
from tests.helpers.serial_sim import SerialBoard

from celosia.boards import BOARDS
from celosia.compiler import compile
from celosia.driver import Device
from celosia.driver.rtl import verilator
from celosia.driver.serial.transport import SerialTransport
from celosia.model import run as golden
from celosia.spec import Config
from celosia_hw.cells import TECHNOLOGIES

#: Two rows, which share multipliers, and a memory of weights too deep for iCE40's small blocks.
CONFIG = Config.default(
    2, 4, lanes=4, requantizers=1, link_bytes=1, weight_depth=512, param_depth=64, program_depth=4,
    act_depth=64, tables=2, convolution=0)  # fmt: skip

#: A board of each family, and the technologies to try on it.
FAMILIES = {
    "icebreaker": ("ice40", "portable"),
    "ulx3s-85f": ("ecp5", "ecp5-packed", "portable"),
    "tang-nano-9k": ("gowin", "portable"),
}
ALL = [(board, technology) for board, names in FAMILIES.items() for technology in names]

#: A mistake in the mapping of one multiplier: what to find in the netlist, and what to make of it.
MUTANTS = {
    "ice40": (r"\.B_SIGNED\(1'h1\)", ".B_SIGNED(1'h0)"),
    "ecp5": (r'\.REG_PIPELINE_CLK\("NONE"\)', '.REG_PIPELINE_CLK("CLK0")'),
    "ecp5-packed": (r"\.SIGNEDB\(1'h1\)", ".SIGNEDB(1'h0)"),
    "gowin": (r"\.PIPE_REG\(1'h1\)", ".PIPE_REG(1'h0)"),
}
#: The board, the technology, and whether with the mistake.
CASES = [(*case, False) for case in ALL] + [(*case, True) for case in ALL if case[1] in MUTANTS]


@pytest.fixture(autouse=True)
def compiled_quickly(monkeypatch):
    """A netlist runs for a second only.

    Without the slow pass that takes vectors of bits apart, some look as if they hung on themselves.
    """
    flags = (*verilator.VERILATOR_FLAGS, "-fno-dfg")
    monkeypatch.setattr(verilator, "VERILATOR_FLAGS", flags)
    monkeypatch.setattr(verilator, "FAST_FLAGS", ("-O0",))


def differences(verilog: str) -> int:
    """Bytes of results that are not those of the golden model."""
    rng = np.random.default_rng(4)
    graph = network(rng, [37, 10, 7])
    image, x = compile(graph, CONFIG), images(rng, graph, 9)
    with SerialBoard(verilog) as board, Device(SerialTransport(board.port, timeout=5)) as device:
        device.load(image)
        return int((device.run(x) != golden(image, x)[-1]).sum())


def test_all_technologies_are_tried():
    assert {technology for _, technology in ALL} == set(TECHNOLOGIES) - {"simulation"}
    assert {BOARDS[board].family for board in FAMILIES} == {each.family for each in BOARDS.values()}


@pytest.mark.netlist
@pytest.mark.parametrize(("board", "technology", "mistaken"), CASES)
def test_the_netlist_computes_what_the_model_does(board, technology, mistaken):
    netlist = synthesized_board(board, CONFIG, technology)
    if mistaken:
        netlist, count = re.subn(*MUTANTS[technology], netlist, count=1)
        assert count == 1
    assert (differences(netlist) > 0) == mistaken
