"""Netlists of boards after synthesis, simulated with models of the family's cells.

The shipped driver runs a small perceptron, and a CNN of every operation, through the board's pins,
and every byte of every layer must equal the golden model's; mistakes in the mapping are found.
``make test`` has the CNN on one family, and single cells after synthesis (`test_cells`); ``make
netlist`` has all, for they take minutes.
"""

import re
from dataclasses import replace

import numpy as np
import pytest
from tests.helpers.board_sim import synthesized_board
from tests.helpers.hostile_tflite import everything
from tests.helpers.networks import images, network
from tests.helpers.serial_sim import SerialBoard

from celosia.boards import BOARDS
from celosia.compiler import compile
from celosia.driver import Device
from celosia.driver.rtl import verilator
from celosia.driver.serial import transport
from celosia.importer.tflite import tflite_network
from celosia.model import run as golden
from celosia.network.graph import Graph
from celosia.spec import Config
from celosia_hw.cells import TECHNOLOGIES

#: Two rows, which share multipliers, and a memory of weights too deep for iCE40's small blocks.
CONFIG = Config.default(
    2, 4, lanes=4, requantizers=1, link_bytes=1, weight_depth=512, param_depth=64, program_depth=4,
    act_depth=64, tables=2, convolution=0)  # fmt: skip
#: The same with every operation.
MAPS = replace(CONFIG, convolution=1, depthwise=1, param_depth=128, program_depth=32, act_depth=256)


def perceptron() -> Graph:
    return network(np.random.default_rng(4), [37, 10, 7])


def cnn() -> Graph:
    """Every operation of maps on 6x5 pixels: see `hostile_tflite.everything`."""
    return tflite_network(everything(), "everything").graph


#: Engine and model of a test.
MODELS = {"dense": (CONFIG, perceptron), "maps": (MAPS, cnn)}


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
    "ecp5-packed": (r"\.SIGNEDB\([^()]*pair_\d+_\d+_1[^()]*\)", ".SIGNEDB(1'h0)"),
    "gowin": (r"\.PIPE_REG\(1'h1\)", ".PIPE_REG(1'h0)"),
}
#: What ``make test`` runs, with the mistake and without: the cells of the largest engine.
QUICK = ("ulx3s-85f", "ecp5-packed", "maps")
#: The board, the technology, the model, and whether with the mistake.
CASES = [
    pytest.param(
        *(*case, model, mistaken),
        marks=[pytest.mark.netlist] if (*case, model) != QUICK else [],
    )
    for case in ALL
    for model in MODELS
    for mistaken in ([False, True] if case[1] in MUTANTS else [False])
]


@pytest.fixture(autouse=True)
def compiled_quickly(monkeypatch):
    """A netlist runs for a second only.

    Without the slow pass that takes vectors of bits apart, some look as if they hung on themselves.
    The greeting of a netlist takes a second beside other work.
    """
    monkeypatch.setattr(transport, "_LATENCY", 60)
    flags = (*verilator.VERILATOR_FLAGS, "-fno-dfg")
    monkeypatch.setattr(verilator, "VERILATOR_FLAGS", flags)
    monkeypatch.setattr(verilator, "FAST_FLAGS", ("-O0",))


def differences(verilog: str, config: Config, graph: Graph) -> int:
    """Bytes of results that are not those of the golden model, of every layer."""
    image = compile(graph, config, emit_all=True)
    x = images(np.random.default_rng(5), graph, 5)
    with SerialBoard(verilog) as board:
        with Device(transport.SerialTransport(board.port, timeout=60)) as device:
            device.load(image)
            found = zip(device.run_layers(x), golden(image, x), strict=True)
            return sum(int((mine != real).sum()) for mine, real in found)


def test_all_technologies_are_tried():
    assert {technology for _, technology in ALL} == set(TECHNOLOGIES) - {"simulation"}
    assert {BOARDS[board].family for board in FAMILIES} == {each.family for each in BOARDS.values()}


@pytest.mark.parametrize(("board", "technology", "model", "mistaken"), CASES)
def test_the_netlist_computes_what_the_model_does(board, technology, model, mistaken):
    config, graph = MODELS[model]
    netlist = synthesized_board(board, config, technology)
    if mistaken:
        netlist, count = re.subn(*MUTANTS[technology], netlist, count=1)
        assert count == 1
    assert (differences(netlist, config, graph()) > 0) == mistaken
