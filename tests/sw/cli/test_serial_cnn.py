"""Keyword spotting over the serial line: `celosia run MODEL.tflite --port` and a simulated board.

LiteRT is the judge, besides the golden model to which the command itself compares the answers.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.helpers.simulated_board import simulated

from celosia.boards import BOARDS
from celosia.compare.reference import litert
from celosia.importer.tflite import read_tflite

#: An engine of 4x8 with every operation, in whose memories the model fits.
ENGINE = {
    "rows": 4, "cols": 8, "convolution": 1, "depthwise": 1, "tables": 0,
    "weight_depth": 4096, "param_depth": 512, "act_depth": 4096,
}  # fmt: skip
OPTIONS = [f"--{name.replace('_', '-')}={value}" for name, value in ENGINE.items()]
#: More than one run of 4 rows, and a last one that is not full.
IMAGES = 6
#: One byte in 2,000, in each direction.
FAULTS = ("--faults", 0.0005, "--seed", 3)


@pytest.fixture
def ask(celosia, models_dir, tmp_path, monkeypatch):
    """Run the samples on ``board``, judge every byte; what was printed, and the figures."""
    monkeypatch.chdir(tmp_path)
    path = models_dir / "kws_ref_model.tflite"
    x = np.load(models_dir / "samples" / "kws_ref_model.npy")

    def check(board, images=IMAGES):
        np.save("x.npy", x[:images])
        run = ("run", path, "--input", "x.npy", "--port", board["port"], "-o", "y.npy")
        ran = celosia(*run, "--json", "run.json")
        assert ran.status == 0, ran.err
        y = np.load("y.npy")
        (judge,) = litert(path, read_tflite(path), x[:images]).outputs
        assert y.dtype == judge.dtype and np.array_equal(y.reshape(judge.shape), judge)
        facts = json.loads(Path("run.json").read_text())
        assert facts["images"] == images and facts["mismatches"] == 0
        assert facts["transport"] == "serial" and facts["engine"] == board["engine"]
        return ran.out, facts

    return check


def mended(out, facts):
    """How many faults the results tell, in the text and as JSON the same."""
    (line,) = [line for line in out.splitlines() if line.startswith("line faults, mended")]
    for name, count in facts["faults"].items():
        assert f"{count} {name}" in line
    return sum(facts["faults"].values())


def test_a_clean_line(ask):
    with simulated("ulx3s-85f", *OPTIONS) as board:
        out, facts = ask(board)
    assert "a 4x8 engine, at 3,000,000 baud" in out
    assert not facts["faults"] and "line faults" not in out
    assert "faults" not in board["said"]


def test_line_faults_are_mended(ask):
    """On a board of one's own, named by the file of its configuration."""
    engine = BOARDS["ulx3s-85f"].engine(**ENGINE).to_dict()
    Path("own.json").write_text(json.dumps({"config": engine, "baud": 1_000_000}))
    with simulated("own.json", *FAULTS) as board:
        out, facts = ask(board)
    assert "a 4x8 engine, at 1,000,000 baud" in out
    assert mended(out, facts) > 10
    assert "faults to the board: " in board["said"] and "(seed 3)" in board["said"]


@pytest.mark.netlist
@pytest.mark.simulator
@pytest.mark.parametrize("faults", [(), FAULTS], ids=["clean", "faults"])
def test_the_rtl(ask, faults):
    """That of the serial engine. It is slower than a board: the host may count silences too."""
    with simulated("ulx3s-85f", *OPTIONS, *faults, transport="rtl", patience=600) as board:
        out, facts = ask(board, images=5)
    assert board["transport"] == "rtl" and "RTL of the 4x8 engine" in board["said"]
    if faults:
        assert mended(out, facts) > 10
    else:
        assert set(facts["faults"]) <= {"silences"}
