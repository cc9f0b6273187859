"""Every command, from digits to results and Verilog."""

import json

import numpy as np
import pytest
from tests.helpers.judges import Mlp, keras_file, onnx_file, torch_file, torch_module
from tests.sw.conftest import ENGINE

from celosia import model
from celosia.compiler.image import Image
from celosia.model import evaluate
from celosia.network.float_network import FloatNetwork
from celosia.network.network_file import load_network

KEYS = {
    *("dataset", "images", "accuracy_float", "accuracy_int8", "mismatches", "macs_per_image"),
    *("cycles", "cycles_per_image", "utilization", "skipped", "seconds", "verified"),
    "sim_cycles_per_second",
}


def test_from_training_to_results(celosia, digits, tmp_path):
    trained, graph = tmp_path / "model.npz", tmp_path / "new folder" / "graph.npz"
    image, results = tmp_path / "model.celosia", tmp_path / "results.npy"
    data = ("--data", digits)

    ran = celosia("train", *data, "--epochs", 2, "-o", trained)
    assert ran.status == 0 and ran.out.startswith("dataset: digits0 (not MNIST), 300 images")
    assert FloatNetwork.load(trained).sizes == (784, 128, 64, 10)

    ran = celosia("quantize", trained, "--calibrate", "mnist", *data, "-o", graph)
    assert ran.status == 0 and "3 int8 layers, 109,184 MACs" in ran.out

    ran = celosia("compile", graph, *ENGINE, "--lanes", 2, "--emit-all", "-o", image)
    assert ran.status == 0 and "2x4 engine" in ran.out
    loaded = Image.load(image)
    assert (loaded.config.rows, loaded.config.cols, loaded.config.lanes) == (2, 4, 2)
    assert all(layer.emitted for layer in loaded.model.layers)

    inputs = tmp_path / "inputs.npy"
    x = np.random.default_rng(0).uniform(0, 1, (5, 784)).astype(np.float32)
    np.save(inputs, x)
    ran = celosia("run", image, "--input", inputs, "-o", results)
    assert ran.status == 0
    network, y = load_network(graph), np.load(results)
    assert y.dtype == np.float32 and y.shape == (5, 10)
    expected = evaluate(network.graph, network.prepare(x))[-1]
    assert np.array_equal(y, network.finish(expected))


def test_compile_a_float_model(celosia, files, tmp_path):
    image = tmp_path / "m.celosia"
    ran = celosia("compile", files.model, "--calibrate", files.inputs, *ENGINE, "-o", image)
    assert ran.status == 0
    assert Image.load(image).model.name == "m"


@pytest.mark.parametrize("suffix", [".keras", ".onnx", ".pt2", ".npz"])
def test_quantize_then_compile_is_compile_with_calibration(celosia, tmp_path, suffix):
    """Softmax, shapes and notes survive the file in between."""
    mlp = Mlp.random(3, (12, 8, 4))
    data = {
        ".keras": lambda: keras_file(mlp),
        ".onnx": lambda: onnx_file(mlp),
        ".pt2": lambda: torch_file(torch_module(mlp), 12),
        ".npz": lambda: float_network(mlp).to_bytes(),
    }[suffix]()
    model = tmp_path / f"model{suffix}"
    model.write_bytes(data)
    x = np.random.default_rng(1).uniform(-1, 1, (50, 12)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    sample = ("--calibrate", tmp_path / "x.npy")
    once, middle, twice = (tmp_path / name for name in ("1.celosia", "m.npz", "2.celosia"))
    assert celosia("compile", model, *sample, *ENGINE, "-o", once).status == 0
    assert celosia("quantize", model, *sample, "-o", middle).status == 0
    assert celosia("compile", middle, *ENGINE, "-o", twice).status == 0
    assert once.read_bytes() == twice.read_bytes()
    host = Image.load(once).model.host
    assert host is not None and (host.input_shape, host.output_dtype) == ((12,), "float32")


def float_network(mlp: Mlp) -> FloatNetwork:
    activations = ["relu"] * (len(mlp.weights) - 1) + ["none"]
    return FloatNetwork.from_arrays(mlp.weights, mlp.biases, activations)


def test_run_reports_figures(celosia, files, tmp_path):
    labels, report = tmp_path / "labels.npy", tmp_path / "report.json"
    np.save(labels, np.zeros(60, int))
    ran = celosia("run", files.image, "--input", files.inputs, "--labels", labels, "--json", report)
    assert ran.status == 0 and "input 0: class " in ran.out
    figures = json.loads(report.read_text())
    assert KEYS < set(figures)
    assert (figures["images"], figures["mismatches"], figures["cycles"]) == (60, 0, None)
    assert 0 < figures["skipped"] < 1 and 0 <= figures["accuracy_int8"] <= 1


def test_run_takes_floats_or_bytes_of_any_shape(celosia, files, tmp_path):
    x = np.load(files.inputs)
    results = []
    for name, array in (
        ("double", x.astype(np.float64)),
        ("square", x.reshape(-1, 28, 28)),
        ("int8", Image.load(files.image).model.input.quantize(x)),
    ):
        inputs, out = tmp_path / f"{name}.npz", tmp_path / f"{name}-out.npy"
        np.savez(inputs, array)
        assert celosia("run", files.image, "--input", inputs, "-o", out).status == 0
        results.append(np.load(out))
    assert all(np.array_equal(each, results[0]) for each in results)


@pytest.mark.simulator
def test_both_forms_of_the_rtl_agree(celosia, files, tmp_path):
    """What is simulated fast and what is placed: the same bytes in the same cycles."""
    x = tmp_path / "x.npy"
    np.save(x, np.load(files.inputs)[:7])
    found = {}
    for rtl in ("fast", "placed"):
        out = tmp_path / f"{rtl}.npy"
        arguments = ("--input", x, "-o", out, "--transport", "rtl", "--rtl", rtl, "--json", "-")
        ran = celosia("run", files.image, *arguments)
        assert ran.status == 0, ran.err
        document = json.loads(ran.out)
        assert document["rtl"] == rtl
        found[rtl] = np.load(out).tobytes(), document["cycles"], document["skipped"]
    assert found["fast"] == found["placed"] and found["fast"][1] > 0

    ran = celosia("diff", files.graph, "--input", x, "--transport", "rtl", *ENGINE)
    assert ran.status == 0 and "rtl (placed) 2x4 engine against NumPy reference" in ran.out
    golden = celosia("run", files.image, "--input", x, "--json", "-")
    assert json.loads(golden.out)["rtl"] is None


@pytest.mark.simulator
@pytest.mark.parametrize("options", [(), ("--jobs", 2), ("--batch", 1, "--no-skip")])
def test_mnist_on_rtl(celosia, digits, tmp_path, options):
    report = tmp_path / "report.json"
    arguments = ("--data", digits, "--epochs", 2, "--images", 11, *ENGINE, *options)
    ran = celosia("mnist", *arguments, "--json", report)
    assert ran.status == 0, ran.err
    first, *rest = ran.out.splitlines()
    assert first.startswith("dataset: digits0 (not MNIST)")
    assert any(line.startswith("images") and line.endswith("11 on rtl (fast)") for line in rest)
    assert any(line.startswith("bytes that differ from golden  0 of 110") for line in rest)
    assert any("test image 0: " in line for line in rest)
    figures = json.loads(report.read_text())
    assert KEYS < set(figures)
    assert (figures["images"], figures["mismatches"], figures["complete"]) == (11, 0, True)
    assert figures["macs_per_image"] == 109_184
    assert figures["cycles_per_image"] == figures["cycles"] / 11
    assert figures["utilization"] == pytest.approx(109_184 * 11 / (figures["cycles"] * 8))
    assert (figures["skipped"] == 0) == ("--no-skip" in options)


def test_mnist_says_first_that_it_uses_other_digits(celosia, cache):
    arguments = ("--transport", "golden", "--epochs", 1, "--images", 3)
    ran = celosia("mnist", *arguments, "--json", "-")
    assert ran.err.splitlines()[0].startswith("dataset: NOT MNIST but scikit-learn's 8x8 digits")
    figures = json.loads(ran.out)
    assert (figures["dataset"], figures["is_mnist"]) == ("digits", False)
    assert "could not be downloaded" in figures["dataset_source"]


def test_wrong_results_are_status_1(celosia, files, monkeypatch):
    right = model.run
    monkeypatch.setattr(model, "run", lambda image, x: [right(image, x)[-1] ^ 1])
    assert celosia("run", files.image, "--input", files.inputs).status == 1


@pytest.mark.simulator
@pytest.mark.parametrize("name", ["folder", "file.v"])
def test_verilog(celosia, tmp_path, name):
    ran = celosia("verilog", *ENGINE, "-o", tmp_path / name)
    assert ran.status == 0, ran.err
    source = tmp_path / ("folder/celosia.v" if name == "folder" else name)
    assert "module celosia(" in source.read_text()
    document = json.loads(source.with_suffix(".json").read_text())
    assert (document["top"], document["config"]["rows"], document["config"]["cols"]) == (
        "celosia", 2, 4,
    )  # fmt: skip


@pytest.mark.simulator
def test_verilog_with_axi_pins(celosia, tmp_path):
    ran = celosia("verilog", "--axi", *ENGINE, "-o", tmp_path)
    assert ran.status == 0, ran.err
    assert "module celosia_axi(" in (tmp_path / "celosia_axi.v").read_text()
    assert json.loads((tmp_path / "celosia_axi.json").read_text())["top"] == "celosia_axi"


def test_info_about_files(celosia, files):
    for path, kind in (
        (files.model, "float model"),
        (files.graph, "quantized graph"),
        (files.image, "program image"),
    ):
        document = json.loads(celosia("info", path, "--json", "-").out)
        assert (document["kind"], document["macs"]) == (kind, 784 * 12 + 120)
        assert kind in celosia("info", path).out


def test_info_about_the_installation(celosia, cache):
    ran = celosia("info", "--json", "-")
    document = json.loads(ran.out)
    assert ran.status == 0 and document["cache"] == str(cache)
    assert document["cache usable"] == "yes" and document["rtl simulation"].startswith("yes")


def test_help_and_version(celosia):
    assert "mnist" in celosia("--help").out
    assert celosia("--version").out.startswith("celosia ")
    for command in ("mnist", "train", "quantize", "compile", "run", "verilog", "info"):
        ran = celosia(command, "--help")
        assert ran.status == 0 and command in ran.out
