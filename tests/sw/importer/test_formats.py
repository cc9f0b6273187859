"""What a file is: every format by its content, whatever its name, and what is no model."""

import io

import numpy as np
import pytest
from tests.helpers.judges import Mlp, keras_file, onnx_file, torch_file, torch_module
from tests.helpers.networks import network
from tests.helpers.random_models import random_model

from celosia.compiler import compile
from celosia.importer import load_model, model_from_bytes
from celosia.importer.formats import Format, identify
from celosia.network.float_network import FloatNetwork
from celosia.network.network_file import network_to_bytes
from celosia.spec import Config
from celosia.support.errors import CelosiaError

GRAPH = network(np.random.default_rng(3), [9, 7, 5])
FLOAT = FloatNetwork.from_arrays([np.ones((4, 3))], [np.zeros(3)], ["relu"])


def content(kind: Format) -> bytes:
    mlp = Mlp.random(1, (12, 8, 4))
    return {
        Format.IMAGE: lambda: compile(GRAPH, Config.default(1, 4)).to_bytes(),
        Format.NETWORK: lambda: network_to_bytes(GRAPH),
        Format.FLOAT: lambda: FLOAT.to_bytes(),
        Format.TFLITE: lambda: random_model(np.random.default_rng(1))[0],
        Format.ONNX: lambda: onnx_file(mlp),
        Format.KERAS: lambda: keras_file(mlp),
        Format.TORCH: lambda: torch_file(torch_module(mlp), 12),
    }[kind]()


@pytest.mark.parametrize("kind", Format)
def test_content_decides(kind):
    data = content(kind)
    for suffix in ("", ".bin", ".npz", ".keras"):
        assert identify(data, suffix) is kind
    if kind is not Format.IMAGE:
        model_from_bytes(data, "m")


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [(".celosia", Format.IMAGE), (".tflite", Format.TFLITE), (".onnx", Format.ONNX)],
)
def test_the_suffix_decides_what_content_leaves_open(suffix, kind):
    assert identify(b"\x0a\x03abc", suffix) is kind


def npz(**arrays) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "suffix", "says"),
    [
        (b"", "", "not a model of a known format; give .tflite"),
        (b"hello", ".npz", "not a model of a known format"),
        (b"PK\3\4nonsense", ".npz", "not a zip file, or cut short or damaged"),
        (npz(x=np.zeros(3)), ".npz", "a zip file, but of no known model format"),
        (b"\x80\x04pickle", "", "a pickled PyTorch file, which could run code"),
        (b"text", ".pt", "a pickled PyTorch file, which could run code"),
    ],
)
def test_what_is_no_model(data, suffix, says):
    with pytest.raises(CelosiaError, match=says):
        identify(data, suffix)


def test_one_way_in(tmp_path):
    """Also for Celosia's own files; a float network is named after its file."""
    FLOAT.save(tmp_path / "digits.npz")
    model = load_model(tmp_path / "digits.npz")
    assert isinstance(model, FloatNetwork) and model.name == "digits"
    (tmp_path / "graph.npz").write_bytes(network_to_bytes(GRAPH))
    assert load_model(tmp_path / "graph.npz").name == "random"
    (tmp_path / "m.celosia").write_bytes(content(Format.IMAGE))
    with pytest.raises(CelosiaError, match="m.celosia: is compiled already; give the model"):
        load_model(tmp_path / "m.celosia")
