"""Damaged and hostile model files: a CelosiaError or a model, soon, in little memory."""

import io
import json
import resource
import zipfile

import numpy as np
import pytest
from bench.fuzz import good
from tests.helpers import float_cnns, networks
from tests.helpers.hostile import mutate, outcome
from tests.helpers.judges import Mlp, needs, onnx_file

from celosia.compiler import compile
from celosia.importer import load_model, model_from_bytes
from celosia.spec import Config
from celosia.support.errors import CelosiaError, Unsupported

_MUTATIONS = 500
_CNN_MUTATIONS = 200


@pytest.mark.parametrize("suffix", [".onnx", ".keras", ".pt2", ".celosia"])
def test_mutations(suffix, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = good(suffix)
    assert outcome(data, suffix) == "model"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    counts = {"model": 0, "error": 0}
    for index in range(_MUTATIONS):
        try:
            counts[outcome(mutate(data, suffix, [1, index]), suffix)] += 1
        except BaseException:
            print(f"seed [1, {index}]")
            raise
    assert min(counts.values()) > 3, counts
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 1 << 20, f"{grown} KiB more"
    assert not list(tmp_path.iterdir())


def cnn_file(suffix: str) -> bytes:
    """A CNN with a convolution, batch normalization, a pool, a branch and a dense layer."""
    rng = np.random.default_rng([7, 6])
    cnn = float_cnns.random_cnn(rng, common=True)
    if suffix == ".onnx":
        return float_cnns.onnx_bytes(cnn)
    if suffix == ".keras":
        return float_cnns.saved_keras(float_cnns.keras_model(cnn))
    return float_cnns.torch_bytes(cnn, float_cnns.torch_module(cnn))


@pytest.mark.parametrize("suffix", [".onnx", ".keras", ".pt2"])
def test_mutated_cnns(suffix):
    data = cnn_file(suffix)
    assert outcome(data, suffix) == "model"
    counts = {"model": 0, "error": 0}
    for index in range(_CNN_MUTATIONS):
        try:
            counts[outcome(mutate(data, suffix, [2, index]), suffix)] += 1
        except BaseException:
            print(f"seed [2, {index}]")
            raise
    assert min(counts.values()) > 1, counts


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\3\4" + b"\0" * 60, b"\x08", b"\x08\x07" * 99])
@pytest.mark.parametrize("suffix", [".onnx", ".keras", ".pt2", ".celosia", ".tflite", ".bin"])
def test_what_is_no_model(data, suffix):
    assert outcome(data, suffix) == "error"


def zipped(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return file.getvalue()


def test_zip_bomb():
    data = zipped(**{"config.json": b" " * (300 << 20), "model.weights.h5": b""})
    with pytest.raises(CelosiaError, match="config.json: unpacks to more"):
        model_from_bytes(data, "bomb")


def test_names_that_climb_reach_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    members = {"../evil": b"x", "/tmp/evil": b"x", "config.json": b"{}"}
    with pytest.raises(CelosiaError):
        model_from_bytes(zipped(**members), "climb")
    assert not list(tmp_path.iterdir()) and not (tmp_path.parent / "evil").exists()


def test_pickles_are_refused(tmp_path):
    needs("torch")
    import torch

    path = tmp_path / "weights.pt"
    torch.save({"a": torch.zeros(2)}, path)
    with pytest.raises(Unsupported, match="could run code.*export"):
        load_model(path)
    plain = tmp_path / "old.pt"
    plain.write_bytes(b"\x80\x02}q\x00.")
    with pytest.raises(Unsupported, match="could run code"):
        load_model(plain)


def test_code_in_keras_is_refused():
    source = zipfile.ZipFile(io.BytesIO(good(".keras")))
    config = json.loads(source.read("config.json"))
    config["config"]["layers"].insert(
        1,
        {"module": "keras.layers", "class_name": "Lambda", "config": {"name": "evil"}},
    )
    weights = source.read("model.weights.h5")
    data = zipped(**{"config.json": json.dumps(config).encode(), "model.weights.h5": weights})
    with pytest.raises(Unsupported, match="Lambda 'evil'.*never run"):
        model_from_bytes(data, "code")
    config["config"]["layers"][1] = config["config"]["layers"][2] | {"module": "evil.layers"}
    data = zipped(**{"config.json": json.dumps(config).encode(), "model.weights.h5": weights})
    with pytest.raises(Unsupported, match="a layer of your own; code"):
        model_from_bytes(data, "code")


def outside(location: str, length: int | None = None) -> bytes:
    """A model whose first weights are in another file."""
    import onnx

    model = onnx.load_from_string(onnx_file(Mlp.random(1)))
    first = model.graph.initializer[0]
    first.ClearField("raw_data")
    first.data_location = onnx.TensorProto.EXTERNAL
    first.external_data.add(key="location", value=location)
    if length is not None:
        first.external_data.add(key="length", value=str(length))
    return model.SerializeToString()


def test_external_data_stay_in_the_folder(tmp_path):
    """Only plain files beside the model are opened, by names without a way up and without links."""
    folder = tmp_path / "models"
    folder.mkdir()
    path, secret = folder / "m.onnx", tmp_path / "secret"
    weights = np.ones(20 * 16, np.float32).tobytes()
    for place in (secret, folder / "right.data", folder / "short.data"):
        place.write_bytes(weights[:100] if place.name == "short.data" else weights)
    (folder / "link.data").symlink_to(secret)
    (folder / "sub").symlink_to(tmp_path)
    for location, says in (
        ("../secret", "not in the model's folder"),
        (str(secret), "not in the model's folder"),
        ("a\\..\\..\\secret", "not in the model's folder"),
        ("", "not in the model's folder"),
        ("link.data", "which is a link"),
        ("sub/secret", "which is a link"),
        ("none.data", "keep that file beside the model"),
        ("short.data", "shape .* but 25 values"),
        (".", "keep that file beside the model|not in the model's folder"),
    ):
        path.write_bytes(outside(location))
        with pytest.raises(CelosiaError, match=says):
            load_model(path)
    path.write_bytes(outside("right.data", 1 << 30))
    with pytest.raises(CelosiaError, match="fewer than"):
        load_model(path)
    path.write_bytes(outside("right.data"))
    assert (load_model(path).layers[0].weights == 1).all()
    with pytest.raises(Unsupported, match="give the path of the model"):
        model_from_bytes(outside("right.data"), "outside", ".onnx")


def test_one_tensor_used_many_times_does_not_multiply_the_work():
    import onnx
    from onnx import helper

    model = onnx.load_from_string(onnx_file(Mlp.random(1, (256, 256)), "matmul", softmax=False))
    name, previous = model.graph.initializer[0].name, "input"
    del model.graph.node[:]
    for index in range(5000):
        model.graph.node.append(helper.make_node("MatMul", [previous, name], [f"y{index}"]))
        previous = f"y{index}"
    model.graph.output[0].name = previous
    with pytest.raises(CelosiaError, match="far beyond the file's size"):
        model_from_bytes(model.SerializeToString(), "many", ".onnx")


def test_expressions_that_double_end():
    import onnx
    from onnx import helper

    model = onnx.load_from_string(onnx_file(Mlp.random(1, (4, 4)), softmax=False))
    previous = model.graph.output[0].name
    for index in range(64):
        model.graph.node.append(helper.make_node("Mul", [previous, previous], [f"y{index}"]))
        previous = f"y{index}"
    model.graph.output[0].name = previous
    with pytest.raises(Unsupported, match="more than 64 parts"):
        model_from_bytes(model.SerializeToString(), "double", ".onnx")


def test_an_image_with_a_wrong_host_step():
    data = good(".celosia")
    at = data.index(b'"Dequantize"')
    import hashlib

    changed = data[: at + 1] + b"Deduantize" + data[at + 11 : -32]
    with pytest.raises(CelosiaError, match="host step 'Deduantize' is unknown"):
        from celosia.compiler.image import Image

        Image.from_bytes(changed + hashlib.sha256(changed).digest())


def test_a_bare_graph_has_no_host_steps():
    graph = networks.network(np.random.default_rng(0), [4, 3])
    assert compile(graph, Config.default(1, 4)).model.host is None


def test_models_that_call_models_many_times_end():
    def layer(kind: str, calls: int, **config) -> dict:
        history = [["before", 0, 0]] * calls
        nodes = [
            {"args": [{"class_name": "__keras_tensor__", "config": {"keras_history": each}}]}
            for each in history
        ]
        config = {"name": kind, **config}
        base = {"module": "keras.layers", "class_name": kind, "name": kind, "config": config}
        return base | {"inbound_nodes": nodes}

    model = layer("Dropout", 100)
    for _ in range(7):
        entry = layer("InputLayer", 0, batch_shape=[None, 4]) | {"name": "before"}
        ends = {"input_layers": ["before", 0, 0], "output_layers": ["before", 0, 0]}
        model = layer("Functional", 100, layers=[entry, model], **ends)
    weights = zipfile.ZipFile(io.BytesIO(good(".keras"))).read("model.weights.h5")
    data = zipped(**{"config.json": json.dumps(model).encode(), "model.weights.h5": weights})
    with pytest.raises(CelosiaError, match="far beyond the file's size"):
        model_from_bytes(data, "calls")
