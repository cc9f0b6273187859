"""What `quantize`, `compile`, `run` and `check` say about precision, samples and inputs."""

import json

import numpy as np
import pytest

from celosia.cli import main
from celosia.network.float_layers import FloatConvolution, FloatDense, FloatMean, FloatScale
from celosia.network.float_network import FloatNetwork
from celosia.network.functions import clip

RNG = np.random.default_rng(8)
X = RNG.uniform(0, 1, (300, 100)).astype(np.float32)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    layers = (
        FloatDense(rng.normal(0, 0.2, (100, 8)), np.zeros(8), function=clip(0)),
        FloatDense(rng.normal(0, 0.4, (8, 3)), np.zeros(3)),
    )
    FloatNetwork("m", layers).save("m.npz")
    np.save("x.npy", X)
    return tmp_path


def test_quantize_and_compile_say_what_int8_costs(folder, capsys):
    assert main(["quantize", "m.npz", "--calibrate", "x.npy", "-o", "q.npz"]) == 0
    text, errors = capsys.readouterr()
    assert "precision on 256 inputs of the sample: " in text and "same class 9" in text
    for row in ("input  ", "dense_0", "dense_1"):
        assert any(line.startswith(row) for line in text.splitlines()), text
    assert "loses most" in text and "warning" not in text + errors
    command = ["compile", "m.npz", "--calibrate", "x.npy", "--rows", "2", "--cols", "4"]
    assert main([*command, "-o", "m.celosia", "--json", "p.json"]) == 0
    said = json.loads((folder / "p.json").read_text())
    assert said["precision"]["total_db"] > 30 and len(said["precision"]["results_db"]) == 3
    assert [each["name"] for each in said["precision"]["tensors"]] == [
        "input",
        "dense_0",
        "dense_1",
    ]
    assert said["memory"]["weight_depth"]["used"] > 0
    # Of a quantized model there is nothing to measure.
    assert main(["compile", "q.npz", "--rows", "2", "--cols", "4", "-o", "q.celosia",
                 "--json", "p.json"]) == 0  # fmt: skip
    assert json.loads((folder / "p.json").read_text())["precision"] is None


def test_a_sample_that_cannot_be_right(folder, capsys):
    np.save("one.npy", X[:1])
    assert main(["quantize", "m.npz", "--calibrate", "one.npy", "-o", "q.npz", "-q"]) == 0
    text, errors = capsys.readouterr()
    assert text == "" and "warning: one.npy: the sample is one input" in errors
    np.save("nan.npy", np.where(X > 0.99, np.nan, X))
    assert main(["quantize", "m.npz", "--calibrate", "nan.npy", "-o", "n.npz"]) == 2
    error = capsys.readouterr().err
    assert "% of the values" in error and "not finite" in error
    assert not (folder / "n.npz").exists()


def test_inputs_and_labels_that_cannot_be_right(folder, capsys):
    command = ["compile", "m.npz", "--calibrate", "x.npy", "--rows", "2", "--cols", "4"]
    assert main([*command, "-o", "m.celosia"]) == 0
    np.save("pixels.npy", np.rint(X * 255))
    np.save("labels.npy", RNG.integers(1, 4, 300))
    capsys.readouterr()
    assert main(["run", "m.celosia", "--input", "pixels.npy", "--labels", "labels.npy"]) == 0
    errors = capsys.readouterr().err
    assert "warning: pixels.npy: 99." in errors and "of the input values are outside" in errors
    assert "warning: labels.npy: the labels are 1..3" in errors and "subtract 1" in errors


def test_classes_of_results_that_the_host_scales(folder, capsys):
    rng = np.random.default_rng(1)
    dense = FloatDense(rng.normal(0, 0.2, (100, 3)), np.zeros(3))
    model = FloatNetwork("m", (dense, FloatScale(np.float32([1, 3, -2]), np.zeros(3))))
    model.save("m.npz")
    np.save("labels.npy", model.predict(X))
    command = ["run", "m.npz", "--calibrate", "x.npy", "--rows", "2", "--cols", "4"]
    assert main([*command, "--input", "x.npy", "--labels", "labels.npy", "--json", "r.json"]) == 0
    assert json.loads((folder / "r.json").read_text())["accuracy_int8"] > 0.95


def test_check_of_a_float_network_on_maps(folder, capsys):
    rng = np.random.default_rng(1)
    conv = FloatConvolution(
        rng.normal(0, 0.3, (6, 3, 3, 2)), np.zeros(6), (8, 8, 2), (8, 8), padding=(1, 1),
        function=clip(0), origin="conv",
    )  # fmt: skip
    head = FloatDense(rng.normal(0, 0.3, (6, 3)), np.zeros(3))
    FloatNetwork("m", (conv, FloatMean((8, 8, 6)), head), (8, 8, 2)).save("maps.npz")
    command = ["check", "maps.npz", "--rows", "4", "--cols", "4", "--convolution", "1"]
    assert main([*command, "--depthwise", "1"]) == 0
    text = capsys.readouterr().out
    assert "8x8x2 -> 8x8x6" in text and "mean_1" in text
