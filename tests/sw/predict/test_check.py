"""`celosia check`: places of operations, memories, speed, exit statuses."""

import json

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as tfl
from bench.check import check as measured
from bench.check import large_tflite
from tests.helpers.litert import Op, Tensor, build
from tests.helpers.random_models import fully_connected, random_model
from tests.helpers.small_cnn import small_cnn

from celosia.cli.outline import read_outline
from celosia.compiler import compile
from celosia.importer.tflite import tflite_network
from celosia.importer.tflite.outline import tflite_outline
from celosia.network.network_file import save_network
from celosia.network.outline import Outline, placeholder_table
from celosia.spec import Config


def _layer(tensors: list[Tensor], source: int, k: int, n: int) -> Op:
    at = len(tensors)
    tensors += [
        Tensor((n, k), "int8", 0.01, 0, np.ones((n, k), np.int8)),
        Tensor((1, n), "int8", 0.1, 0),
    ]
    return Op("FULLY_CONNECTED", [source, at, -1], [at + 1], fully_connected())


def _model(tmp_path, *codes: str):
    """Input, one layer, and after it operators of one input each; the path of the file."""
    tensors = [Tensor((1, 6), "float32")] + [Tensor((1, 6), "int8", 0.1, 0)]
    ops = [Op("QUANTIZE", [0], [1]), _layer(tensors, 1, 6, 8)]
    for code in codes:
        if code == "FULLY_CONNECTED":
            ops.append(_layer(tensors, len(tensors) - 1, 8, 8))
            continue
        options = tfl.SoftmaxOptionsT() if code == "SOFTMAX" else None
        quant = (1 / 256, -128) if code in ("SOFTMAX", "LOGISTIC") else (0.1, 0)
        tensors.append(Tensor((1, 8), "int8", *quant))
        ops.append(Op(code, [len(tensors) - 2], [len(tensors) - 1], options))
        if options:
            options.beta = 1.0
    path = tmp_path / "model.tflite"
    path.write_bytes(build(tensors, ops, [0], [len(tensors) - 1]))
    return path


def _checked(celosia, *arguments):
    ran = celosia("check", *arguments, "--json", "-")
    return ran.status, json.loads(ran.out), ran.err


def test_places(celosia, tmp_path):
    path = _model(tmp_path, "RELU", "TANH", "RESHAPE", "LOGISTIC", "SOFTMAX")
    status, document, text = _checked(celosia, path)
    places = [(op["kind"], op["place"]) for op in document["operations"]]
    assert status == 0
    assert places == [
        ("QUANTIZE", "host"),
        ("FULLY_CONNECTED", "engine"),
        ("RELU", "engine"),
        ("TANH", "engine"),
        ("RESHAPE", "dropped"),
        ("LOGISTIC", "engine"),
        ("SOFTMAX", "host"),
    ]
    assert "fits the 16x16 engine" in text


def test_all_unsupported_operations_are_named_and_only_those(celosia, tmp_path):
    codes = ("ABS", "RELU", "FULLY_CONNECTED", "TANH", "FLOOR", "SOFTMAX")
    status, document, text = _checked(celosia, _model(tmp_path, *codes))
    bad = [op for op in document["operations"] if op["place"] == "unsupported"]
    assert status == 4
    assert [op["name"] for op in bad] == ["operator 2 (ABS)", "operator 6 (FLOOR)"]
    assert document["prediction"] is None
    assert "2 of 8 operations (ABS, FLOOR)" in text


def test_what_does_not_fit_fits_with_the_flags_said(celosia, tmp_path):
    path = _model(tmp_path, "TANH", "FULLY_CONNECTED")
    small = "--rows 2 --cols 4 --lanes 2 --weight-depth 9 --act-depth 3 --tables 0".split()
    status, document, text = _checked(celosia, path, *small)
    assert status == 3
    assert document["flags"] in text
    assert {m["name"] for m in document["memories"] if not m["fits"]} == set(document["changes"])
    status, again, _ = _checked(celosia, path, "--lanes", "2", *document["flags"].split())
    assert status == 0
    assert again["prediction"] == document["prediction"]


def test_a_model_that_no_engine_holds(celosia, tmp_path):
    path = tmp_path / "wide.tflite"
    path.write_bytes(large_tflite((1100000, 4)))
    engine = ("--target", "1x4", "--link-bytes", "1")
    status, document, text = _checked(celosia, path, *engine, "--convolution", "0")
    assert (status, document["changes"]) == (3, None)
    assert "no engine holds it" in text
    ran = celosia("check", path, *engine)
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert "dense1: weight_stride = 1100000 does not fit a descriptor" in ran.err


def test_every_kind_of_file_has_the_same_outline(files):
    model, graph, image = map(read_outline, (files.model, files.graph, files.image))
    shapes = [(layer.inputs, layer.outputs) for layer in graph.layers]
    for other in (model, image):
        assert [(layer.inputs, layer.outputs) for layer in other.layers] == shapes
    assert image.config.cols == 4


def test_a_program_image_is_judged_on_its_own_engine(celosia, files):
    status, document, _ = _checked(celosia, files.image)
    assert (status, document["engine"]["rows"]) == (0, 2)


def _onnx(path, *codes: str):
    import onnx

    helper, array = onnx.helper, onnx.numpy_helper.from_array
    nodes, constants, current = [], [], "x"
    for index, code in enumerate(codes):
        inputs = [current]
        if code == "Gemm":
            constants.append(array(np.eye(6, dtype=np.float32), f"w{index}"))
            inputs.append(f"w{index}")
        current = f"y{index}"
        nodes.append(helper.make_node(code, inputs, [current], name=f"{code.lower()}{index}"))
    ends = ([helper.make_tensor_value_info(n, 1, ["n", 6])] for n in ("x", current))
    graph = helper.make_graph(nodes, "g", *ends, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def test_float_onnx_needs_no_calibration(celosia, tmp_path):
    path = _onnx(tmp_path / "m.onnx", "Gemm", "Relu", "Gemm", "Tanh", "Gemm", "Tanh", "Softmax")
    status, document, _ = _checked(celosia, path)
    places = [(op["kind"], op["place"]) for op in document["operations"]]
    assert status == 0
    assert [kind for kind, place in places if place == "engine"].count("Dense") == 3
    assert places[-1] == ("softmax", "host")
    tables = next(each for each in document["memories"] if each["name"] == "tables")
    assert tables["needed"] == 2


def test_all_unsupported_operators_of_onnx_are_named(celosia, tmp_path):
    status, document, _ = _checked(
        celosia, _onnx(tmp_path / "m.onnx", "Gemm", "Acosh", "Gemm", "Relu", "Det", "Acosh")
    )
    assert status == 4
    names = [op["name"] for op in document["operations"]]
    assert [name.split()[0] for name in names] == ["Acosh", "Det", "Acosh"]
    assert len(set(names)) == 3


@pytest.mark.parametrize("seed", range(25))
def test_the_outline_is_that_of_the_imported_network(seed):
    data, _, _ = random_model(np.random.default_rng(seed))
    graph = tflite_network(data).graph
    found, wanted = tflite_outline(data), Outline.of(graph, "")
    assert not found.unsupported
    for a, b in zip(found.layers, wanted.layers, strict=True):
        assert (a.name, a.inputs, a.outputs, a.clamp) == (b.name, b.inputs, b.outputs, b.clamp)
        assert (a.input, a.output, a.table_output) == (b.input, b.output, b.table_output)
        assert (a.table is None) == (b.table is None)
        assert a.table is None or np.array_equal(a.table, b.table)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--target", "16"], "'16' is not ROWSxCOLS"),
        (["--target", "0x4"], "rows = 0"),
        (["--clock", "nan"], "nan MHz is not a positive frequency"),
        (["--clock", "0"], "0 MHz is not a positive frequency"),
    ],
)
def test_bad_arguments(celosia, files, arguments, said):
    ran = celosia("check", files.graph, *arguments)
    assert ran.status == 2 and said in ran.err and ran.err.count("\n") == 1


@pytest.mark.parametrize("data", [b"", b"1234TFL3", b"no model"])
def test_bad_files(celosia, tmp_path, data):
    path = tmp_path / "bad.tflite"
    path.write_bytes(data)
    ran = celosia("check", path)
    assert ran.status == 2 and str(path) in ran.err and ran.err.count("\n") == 1


def test_a_model_of_many_megabytes_is_checked_in_little_time_and_memory(tmp_path):
    path = tmp_path / "large.tflite"
    path.write_bytes(large_tflite((784, *[1024] * 21, 10)))
    answer = measured(path)
    # Generous: the other core may be busy. bench/check.py measures with 100 MB.
    assert answer.status == 3 and answer.seconds < 10
    # ru_maxrss begins with the size of this process, so it only shows copies of the weights.
    assert answer.document["macs"] > 20 << 20


def test_operations_that_cost_nothing_are_named(celosia, tmp_path):
    path = tmp_path / "m.onnx"
    _onnx(path, "Identity", "Gemm", "Dropout", "Relu")
    _, document, _ = _checked(celosia, path)
    dropped = [op["why"] for op in document["operations"] if op["place"] == "dropped"]
    assert dropped == ["changes nothing"] * 2


def test_tables_that_are_not_known_yet_are_all_different_and_never_constant():
    tables = [placeholder_table(index) for index in range(256)]
    assert len({table.tobytes() for table in tables}) == 256
    assert all(len(set(table.tolist())) == 256 for table in tables)


@pytest.fixture
def cnn(tmp_path):
    """A file of a small graph of maps, and of its program for a 4x8 engine."""
    config = Config.default(4, 8)
    save_network(small_cnn(), tmp_path / "cnn.npz")
    compile(small_cnn(), config).save(tmp_path / "cnn.celosia")
    return tmp_path / "cnn.npz", tmp_path / "cnn.celosia"


def test_a_program_on_maps_is_judged_as_its_model(celosia, cnn):
    model, image = (_checked(celosia, path, *more) for path, more in
                    zip(cnn, (("--target", "4x8"), ()), strict=True))  # fmt: skip
    assert model[0] == image[0] == 0
    assert image[1]["prediction"]["cycles_per_image"] == model[1]["prediction"]["cycles_per_image"]
    assert image[1]["prediction"]["exact"]
    for name in ("shape", "weight_words", "param_words", "activation_words", "cycles"):
        found = [[layer[name] for layer in each[1]["layers"]] for each in (model, image)]
        assert found[0] == found[1]
    needs = [{m["name"]: m["needed"] for m in each[1]["memories"]} for each in (model, image)]
    assert needs[0] == needs[1]
    assert all(0 < layer["busy"] <= 1 for layer in model[1]["layers"])


def test_a_program_on_maps_runs_on_no_other_engine(celosia, cnn):
    for command in (("check", cnn[1], "--target", "8x8"), ("explore", cnn[1])):
        ran = celosia(*command)
        assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
        assert "a program for the 4x8 engine runs on no other" in ran.err


def test_all_memories_that_are_short_are_named(celosia, cnn):
    short = ("--weight-depth", "20", "--act-depth", "16", "--program-depth", "2")
    status, document, text = _checked(celosia, cnn[0], "--target", "4x8", *short)
    assert status == 3
    for name in ("weights", "activations", "program"):
        use = next(m for m in document["memories"] if m["name"] == TITLES[name])
        missing = use["needed"] - use["available"]
        assert f"short of {name}: {missing:,} of {use['needed']:,} words are missing" in text
    again = _checked(celosia, cnn[0], *document["flags"].split())
    assert again[0] == 0


TITLES = {"weights": "weight_depth", "activations": "act_depth", "program": "program_depth"}
