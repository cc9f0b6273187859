"""The examples run, and end as their pages say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.helpers.serial_sim import SerialBoard, engine_board

from celosia.spec import Config

_EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
pytestmark = [pytest.mark.simulator, pytest.mark.usefixtures("runs_long")]


def run(name: str, *arguments: object, **more: str) -> str:
    # As on its own: cocotb's runner behaves differently where pytest has started it.
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    ran = subprocess.run(
        [sys.executable, str(_EXAMPLES / name), *map(str, arguments)],
        capture_output=True, text=True, timeout=300, env=env | more,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_a_host_in_c(tmp_path):
    said = run("c/run.py", tmp_path)
    assert said == "8 images, 0 differ from the golden model, 11 responses\n"


def test_a_litex_soc(tmp_path):
    said = run("litex/run.py", tmp_path)
    assert said.endswith("15 responses, 196 bytes, 0 differ from the golden model\n")


def test_the_page_shows_the_class_of_the_litex_example():
    code = (_EXAMPLES / "litex" / "celosia_litex.py").read_text()
    page = (_EXAMPLES.parent / "docs" / "integration.md").read_text()
    assert code[code.index("from litex.gen") :] in page


def test_a_board(tmp_path):
    config = Config.default(
        1, 4, convolution=0, weight_depth=64, param_depth=8, program_depth=4, act_depth=16, tables=0
    )
    with SerialBoard(engine_board(config)) as board:
        said = run("board.py", board.port)
    assert said.endswith("results: (6, 4), 0 differ from the golden model\n")


def test_a_bench_of_one_block(tmp_path):
    assert run("cocotb/run.py", tmp_path).endswith("1 tests, 0 failed\n")


def test_mnist(mnist_dir):
    said = run("mnist.py", CELOSIA_DATA=str(mnist_dir))
    assert said.endswith("bytes that differ from golden: 0\n")
