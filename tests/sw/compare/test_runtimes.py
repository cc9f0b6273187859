"""`--reference`: whose bytes commands give, what the image records, and why two runtimes differ."""

import json

import numpy as np
import pytest
from tests.helpers.litert import Op, Tensor, build
from tests.helpers.random_cnns import Cnn
from tests.helpers.random_models import fully_connected

import celosia as api
from celosia.compiler.image import Image
from celosia.numerics.runtime import Runtime
from celosia.spec import Config

ENGINE = ("--rows", 2, "--cols", 8)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """FULLY_CONNECTED of scales that make ties, and a TANH, in both of which the two differ."""
    rng = np.random.default_rng(3)
    tensors = [
        Tensor((1, 24), "int8", 0.25, 3),
        Tensor((16, 24), "int8", 0.25, 0, rng.integers(-9, 10, (16, 24)).astype(np.int8)),
        Tensor((16,), "int32", 0.0625, 0, np.zeros(16, np.int32)),
        Tensor((1, 16), "int8", 0.5, -7, name="sums"),
        Tensor((10, 16), "int8", 0.03, 0, rng.integers(-90, 91, (10, 16)).astype(np.int8)),
        Tensor((10,), "int32", 0.015, 0, np.zeros(10, np.int32)),
        Tensor((1, 10), "int8", 0.02, 0, name="wide"),
        Tensor((1, 10), "int8", 1 / 128, 0, name="tanh"),
    ]
    ops = [
        Op("FULLY_CONNECTED", [0, 1, 2], [3], fully_connected()),
        Op("FULLY_CONNECTED", [3, 4, 5], [6], fully_connected()),
        Op("TANH", [6], [7]),
    ]
    path = tmp_path_factory.mktemp("runtimes") / "model.tflite"
    path.write_bytes(build(tensors, ops, [0], [7]))
    return path


@pytest.fixture(scope="module")
def only_tanh(tmp_path_factory):
    """A convolution, which both compute alike, and TANH with a scale that only LiteRT heeds."""
    cnn = Cnn(np.random.default_rng(4), (6, 6, 2), tame=True)
    path = tmp_path_factory.mktemp("runtimes") / "tanh.tflite"
    last = cnn.activation(cnn.convolution(0, 5, (3, 3)), "TANH")
    cnn.tensors[last].scale = 1 / 64
    path.write_bytes(cnn.build(last))
    return path


@pytest.mark.parametrize("reference", Runtime)
def test_each_equals_its_own_runtime(model, celosia, reference):
    ran = celosia("diff", model, "--random", 50, "--reference", reference, *ENGINE)
    assert ran.status == 0 and f"against {reference.label}" in ran.out and "equal: all" in ran.out
    assert "made for" not in ran.out


@pytest.mark.parametrize(
    "reference, against, why",
    [
        ("tflm", "litert", "made for TFLite Micro: LiteRT rounds sums once"),
        ("litert", "tflm", "made for LiteRT: TFLite Micro rounds sums twice"),
    ],
)
def test_the_other_runtime_and_why(model, celosia, reference, against, why):
    options = ("--reference", reference, "--against", against, *ENGINE)
    ran = celosia("diff", model, "--random", 50, *options)
    assert ran.status == 1 and why in " ".join(ran.out.split())
    ran = celosia("diff", model, "--random", 50, *options, "--json", "-")
    found = json.loads(ran.out)
    assert found["bytes_of"] == reference and found["first"]["runtime"].startswith(why)


def test_a_table_is_named(only_tanh, celosia):
    ran = celosia("diff", only_tanh, "--random", 50, "--against", "tflm", *ENGINE)
    assert ran.status == 1
    why = "made for LiteRT: TFLite Micro computes LOGISTIC and TANH in fixed point"
    assert why in " ".join(ran.out.split())


def test_the_image_records_it(model, celosia, tmp_path):
    results, x = {}, np.random.default_rng(5).integers(-128, 128, (60, 24)).astype(np.int8)
    np.save(tmp_path / "x.npy", x)
    for reference in (None, "litert", "tflm"):
        image, out = tmp_path / f"{reference}.celosia", tmp_path / f"{reference}.npy"
        asked = ("--reference", reference) if reference else ()
        assert celosia("compile", model, *asked, *ENGINE, "-o", image).status == 0
        own = reference or "litert"
        assert Image.load(image).model.reference == own
        assert json.loads(celosia("info", image, "--json", "-").out)["reference"] == own
        assert own in celosia("info", image).out
        options = ("--input", tmp_path / "x.npy", "-o", out, "--json", "-")
        ran = celosia("run", image, *asked, *options)
        assert ran.status == 0 and json.loads(ran.out)["reference"] == own
        results[reference] = np.load(out)
        assert celosia("run", model, *asked, *ENGINE, *options).status == 0
        assert np.array_equal(np.load(out), results[reference])
        same = api.compile(model, Config.default(2, 8), reference=reference)
        assert same.to_bytes() == image.read_bytes()
    assert np.array_equal(results[None], results["litert"])
    assert not np.array_equal(results["litert"], results["tflm"])


def test_another_reference_than_the_images_is_refused(model, celosia, tmp_path):
    image, x = tmp_path / "m.celosia", tmp_path / "x.npy"
    np.save(x, np.zeros((1, 24), np.int8))
    celosia("compile", model, "--reference", "tflm", *ENGINE, "-o", image)
    for command in (("run", image, "--input", x), ("check", image)):
        ran = celosia(*command, "--reference", "litert")
        assert ran.status == 2
        assert "was compiled with --reference tflm; compile its model again" in ran.err
    ran = celosia("diff", image, "--random", 3, "--against", "litert")
    assert ran.status == 2 and "made for TFLite Micro" in ran.err and "LiteRT's" in ran.err
    assert "--reference tflm" in ran.err


def test_a_damaged_reference_is_refused(model):
    image = api.compile(model, Config.default(2, 8))
    values = image.model.to_dict()
    for wrong in ("onnx", None, 3):
        with pytest.raises(ValueError):
            type(image.model).from_dict(values | {"reference": wrong})


def test_quantized_files_of_other_formats_have_no_choice(files, celosia, tmp_path):
    for command in ("check", "compile"):
        output = ("-o", tmp_path / "m.celosia") if command == "compile" else ()
        ran = celosia(command, files.graph, "--reference", "tflm", *output)
        assert ran.status == 2
        assert "gives the bytes of LiteRT, not those of TFLite Micro" in ran.err
        assert files.graph in ran.err and not (tmp_path / "m.celosia").exists()
    assert celosia("check", files.graph, "--reference", "litert").status in (0, 3)


def test_float_models_have_the_choice_when_they_are_calibrated(files, celosia, tmp_path):
    output = ("-o", tmp_path / "m.celosia")
    ran = celosia("compile", files.model, "--reference", "tflm", *output)
    assert ran.status == 2 and "is a float model" in ran.err
    assert celosia("check", files.model, "--reference", "tflm").status in (0, 3)


def test_what_tflite_micro_lacks(celosia, tmp_path):
    tensors = [
        Tensor((1, 4), "int8", 0.1, 0),
        Tensor((3, 4), "int8", 0.1, 0, np.ones((3, 4), np.int8)),
        Tensor((1, 3), "int8", 0.1, 0),
        Tensor((1, 3), "int8", 0.1, 0),
    ]
    ops = [
        Op("FULLY_CONNECTED", [0, 1, -1], [2], fully_connected()),
        Op("RELU_N1_TO_1", [2], [3]),
    ]
    path = tmp_path / "m.tflite"
    path.write_bytes(build(tensors, ops, [0], [3]))
    ran = celosia("check", path, "--reference", "tflm")
    assert ran.status == 4 and "TFLite Micro has no RELU_N1_TO_1" in " ".join(ran.out.split())
    ran = celosia("compile", path, "--reference", "tflm", "-o", tmp_path / "m.celosia")
    assert ran.status and "operator 1 (RELU_N1_TO_1): TFLite Micro has no" in ran.err
    ran = celosia("diff", path, "--random", 2, "--against", "tflm", *ENGINE)
    assert ran.status == 2 and "TFLite Micro refuses it: Didn't find op" in ran.err
