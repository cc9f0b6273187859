"""Files whose parts contradict each other: PyTorch's JSON and tensors, Keras's HDF5."""

import io
import warnings

import pytest
from tests.helpers.archives import changed, in_json
from tests.helpers.judges import needs

from celosia.importer import load_model
from celosia.support.errors import CelosiaError


@pytest.fixture(scope="module")
def program() -> bytes:
    needs("torch")
    import torch

    module = torch.nn.Sequential(torch.nn.Linear(6, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(module.eval(), (torch.zeros(3, 6),)), file)
    return file.getvalue()


def weights(key, value):
    def edit(document):
        next(iter(document["config"].values()))["tensor_meta"][key] = value

    return in_json("model_weights_config.json", edit)


def graph(edit):
    return in_json("models/model.json", lambda document: edit(document["graph_module"]))


def first_node(key, value):
    return graph(lambda module: module["graph"]["nodes"][0].update({key: value}))


def argument(kind, value):
    return graph(lambda module: module["graph"]["nodes"][0]["inputs"][0].update(arg={kind: value}))


def gone(ending):
    def edit(parts):
        for name in [each for each in parts if each.endswith(ending)]:
            del parts[name]

    return edit


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (gone("models/model.json"), "a zip file, but of no known model format"),
        (lambda p: p.update({next(n for n in p if "byteorder" in n): b"big"}), "big endian"),
        (weights("dtype", 99), "scalar type 99"),
        (weights("sizes", [{"as_int": -1}, {"as_int": 6}]), r"size -1 is not in 0..2\*\*40"),
        (weights("sizes", [{"as_int": 4}]), "with strides"),
        (weights("sizes", [{"as_int": 4000}, {"as_int": 6}]), "does not fit 96 bytes"),
        (weights("strides", [{"as_int": 600}, {"as_int": 1}]), "does not fit 96 bytes"),
        (weights("storage_offset", {"as_int": 9}), "does not fit 96 bytes"),
        (in_json("weights_config.json",
                 lambda d: next(iter(d["config"].values())).update(use_pickle=True)),
         "stored as a pickle"),
        (lambda p: p.update({"data.pkl": p.pop(next(n for n in p if n.endswith("model.json")))}),
         "a pickled PyTorch file, .* which could run code"),
        (gone("model_weights_config.json"), "is not computed before it"),
        (graph(lambda m: m["graph"]["tensor_values"][
            m["signature"]["input_specs"][-1]["user_input"]["arg"]["as_tensor"]["name"]
        ].update(dtype=77)), "an input of scalar type 77"),
        (graph(lambda m: m["graph"]["nodes"][0]["inputs"][1].update(arg={"as_int": 3})),
         "its argument 'weight' is not a tensor"),
        (graph(lambda m: m["graph"]["nodes"][0]["inputs"][1].update(
            arg=m["graph"]["nodes"][0]["inputs"][0]["arg"])), "depends on the input"),
        (first_node("target", "torch.ops.aten.nothing.default"), "this operator is not supported"),
        (argument("as_tensor", {"name": "nowhere"}), "tensor nowhere is not computed before it"),
        (argument("as_strange", 1), "is of kind as_strange"),
        (argument("as_string", "x"), "is not a tensor"),
        (argument("as_none", True), "is not a tensor"),
        (graph(lambda m: m["graph"]["nodes"][0]["inputs"].append(
            {"name": "colour", "arg": {"as_int": 3}, "kind": 1})), "argument colour = 3"),
        (graph(lambda m: m["graph"]["tensor_values"][
            m["signature"]["input_specs"][-1]["user_input"]["arg"]["as_tensor"]["name"]
        ].update(sizes=[{"as_int": 6}])), "has 1 axes, not 2 or more"),
        (graph(lambda m: m["graph"]["tensor_values"][
            m["signature"]["input_specs"][-1]["user_input"]["arg"]["as_tensor"]["name"]
        ].update(sizes=[{"as_int": 3}, {"as_expr": {"expr_str": "s0"}}])), "a dynamic axis"),
        (graph(lambda m: m["graph"]["tensor_values"][
            m["signature"]["input_specs"][-1]["user_input"]["arg"]["as_tensor"]["name"]
        ].update(dtype=11)), "an input of complex128"),
        (graph(lambda m: m["signature"]["input_specs"].append(
            m["signature"]["input_specs"][-1])), r"the model has 2 inputs \(.*\), not 1"),
        (graph(lambda m: m["signature"].update(output_specs=[])), "the model has 0 outputs"),
    ],
)  # fmt: skip
def test_of_pytorch(program, edit, reason, tmp_path):
    (tmp_path / "model.pt2").write_bytes(changed(program, edit))
    with pytest.raises(CelosiaError, match=reason):
        load_model(tmp_path / "model.pt2")


@pytest.fixture(scope="module")
def keras_file(tmp_path_factory) -> bytes:
    needs("keras")
    import keras

    path = tmp_path_factory.mktemp("keras") / "model.keras"
    keras.Sequential([keras.Input((6,)), keras.layers.Dense(4, name="one")]).save(path)
    return path.read_bytes()


def in_weights(edit):
    """An edit of the HDF5 file of weights."""

    def apply(parts):
        import h5py

        file = io.BytesIO(parts["model.weights.h5"])
        with h5py.File(file, "r+") as h5:
            edit(h5, h5py)
        parts["model.weights.h5"] = file.getvalue()

    return apply


def dataset(**form):
    def edit(h5, h5py):
        group = h5["layers/dense/vars"]
        del group["0"]
        group.create_dataset("0", **form)

    return in_weights(edit)


def link(h5, h5py):
    group = h5["layers/dense/vars"]
    del group["0"]
    group["0"] = h5py.SoftLink("/layers/dense/vars/1")


def folder(h5, h5py):
    group = h5["layers/dense/vars"]
    del group["0"]
    group.create_group("0")


def model(edit):
    return in_json("config.json", edit)


def layers(document):
    return document["config"]["layers"]


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (in_weights(link), "a link to another place"),
        (in_weights(folder), "layers/dense/vars/0: not an array"),
        (dataset(shape=(6, 4), dtype="i4"), "int32 with 2 axes; use float32"),
        (dataset(shape=(6, 4), dtype="f4", chunks=(2, 2)), "not stored in one piece"),
        (dataset(shape=(600, 400), dtype="f4"), "fewer bytes than shape"),
        (gone("model.weights.h5"), "model.weights.h5"),
        (gone("config.json"), "a zip file, but of no known model format"),
        (lambda p: p.update({"model.weights.h5": b"no HDF5"}), "model.weights.h5 is damaged"),
        (lambda p: p.update({"config.json": b"{"}), "config.json"),
        (model(lambda d: d.update(class_name="Mine")), "a model of class 'Mine'"),
        (model(lambda d: layers(d)[0]["config"].update(batch_shape=[None])), "no input shape"),
        (model(lambda d: layers(d)[0]["config"].update(batch_shape=[None, None])),
         "an axis without a fixed length"),
        (model(lambda d: layers(d).insert(0, layers(d)[0])), "the model has 2 inputs, not 1"),
        (model(lambda d: layers(d).pop()), "the model has no layer"),
        (model(lambda d: layers(d)[1].update(module="mine")), "a layer of your own"),
    ],
)  # fmt: skip
def test_of_keras(keras_file, edit, reason, tmp_path):
    (tmp_path / "model.keras").write_bytes(changed(keras_file, edit))
    with pytest.raises(CelosiaError, match=reason):
        load_model(tmp_path / "model.keras")
