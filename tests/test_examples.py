"""The examples run, in small."""

import runpy
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
#: Enough to see that a network learns, and that its bytes are the golden model's.
SMALL = "--train 3000 --test 10 --epochs 2 --rows 2 --cols 8".split()


@pytest.mark.simulator
@pytest.mark.parametrize("name", ["keras_cnn", "pytorch_cnn"])
def test_cnn(name, mnist_dir, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CELOSIA_DATA", str(mnist_dir))
    monkeypatch.setattr(sys, "argv", [name, *SMALL])
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    printed = capsys.readouterr().out
    figures = dict(line.split(": ") for line in printed.splitlines() if ": " in line)
    assert figures["bytes that differ from golden"] == "0 of 100"
    assert float(figures["float accuracy"].rstrip("%")) > 30
