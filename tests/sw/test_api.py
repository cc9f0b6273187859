"""The Python API as the package's docstring shows it."""

import doctest
import sys

import numpy as np
import pytest
from tests.helpers.judges import Mlp, keras_file
from tests.helpers.random_models import random_model

import celosia


def test_the_example(monkeypatch, digits):
    # On small data and the golden model: the names and the order of calls are what is tested.
    monkeypatch.setenv("CELOSIA_DATA", str(digits))
    text = celosia.__doc__.replace('"rtl"', '"golden"')
    example = doctest.DocTestParser().get_doctest(text, {}, "celosia", None, 0)
    scope = example.globs
    results = doctest.DocTestRunner().run(example, clear_globs=False)
    assert results.failed == 0 and results.attempted >= 5
    assert scope["scores"].shape == (60, 10) and scope["scores"].dtype == np.float32
    assert (scope["scores"].argmax(axis=1) == scope["data"].y_test).mean() > 0.8


@pytest.mark.parametrize("name", celosia.__all__)
def test_every_name_is_there(name):
    assert getattr(celosia, name) is getattr(celosia, name)
    assert name in dir(celosia)


def test_unknown_names():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = celosia.nonsense


def test_former_names_work():
    assert celosia.load_graph is celosia.load_network
    assert celosia.save_graph is celosia.save_network


CONFIG = celosia.Config.default(2, 4)


def test_a_float_model_in_a_file(tmp_path, monkeypatch):
    """Compiled, run on its own inputs, it gives what the float model gives, nearly."""
    path, x = tmp_path / "model.keras", np.random.default_rng(1).uniform(0, 1, (40, 12))
    path.write_bytes(keras_file(Mlp.random(3, (12, 8, 4))))
    with pytest.raises(celosia.CelosiaError, match=r"model: is a float model .*calibration=x"):
        celosia.compile(path, CONFIG)
    image = celosia.compile(str(path), CONFIG, calibration=x)
    with celosia.open("golden", image) as device:
        y = device.run(x)
    assert y.dtype == np.float32 and np.allclose(y, celosia.load_model(path).forward(x), atol=0.05)
    same = celosia.compile(celosia.quantize(celosia.load_model(path), x), CONFIG)
    assert same.to_bytes() == image.to_bytes()


def test_a_quantized_model_in_a_file(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(random_model(np.random.default_rng(2))[0])
    config = celosia.Config.default(2, 8, tables=16)
    image = celosia.compile(path, config)
    assert image.to_bytes() == celosia.compile(celosia.load_model(path), config).to_bytes()
    image.save(tmp_path / "model.celosia")
    with pytest.raises(celosia.CelosiaError, match="model.celosia: is compiled already"):
        celosia.compile(tmp_path / "model.celosia", config)
    with pytest.raises(celosia.CelosiaError, match="cannot read"):
        celosia.compile("nowhere.tflite", config)


def test_a_device_for_an_image(files):
    image = celosia.Image.load(files.image)
    with celosia.open("golden", image) as device:
        assert device.config == image.config and device.image is image
    with pytest.raises(celosia.CelosiaError, match="no transport 'fpga'; choose golden"):
        celosia.open("fpga")
    with pytest.raises(celosia.CelosiaError, match="no RTL 'slow'; choose fast or placed"):
        celosia.open("rtl", image, rtl="slow")
    assert "celosia.driver" in sys.modules
