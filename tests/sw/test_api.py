"""The Python API as the package's docstring shows it."""

import doctest
import sys

import pytest

import celosia


def test_the_example(monkeypatch, digits):
    # On small data and the golden model: the names and the order of calls are what is tested.
    monkeypatch.setenv("CELOSIA_DATA", str(digits))
    text = celosia.__doc__.replace('"rtl"', '"golden"')
    example = doctest.DocTestParser().get_doctest(text, {}, "celosia", None, 0)
    scope = example.globs
    results = doctest.DocTestRunner().run(example, clear_globs=False)
    assert results.failed == 0 and results.attempted >= 5
    assert scope["scores"].shape == (60, 10)
    assert (scope["scores"].argmax(axis=1) == scope["data"].y_test).mean() > 0.8


@pytest.mark.parametrize("name", celosia.__all__)
def test_every_name_is_there(name):
    assert getattr(celosia, name) is getattr(celosia, name)
    assert name in dir(celosia)


def test_unknown_names():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = celosia.nonsense


def test_a_device_for_an_image(files):
    image = celosia.Image.load(files.image)
    with celosia.open("golden", image) as device:
        assert device.config == image.config and device.image is image
    with pytest.raises(celosia.CelosiaError, match="no transport 'fpga'; choose golden"):
        celosia.open("fpga")
    assert "celosia.driver" in sys.modules
