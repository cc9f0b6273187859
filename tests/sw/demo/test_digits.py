"""The bundled digits: drawn as MNIST draws, split the same way every time."""

import sys

import numpy as np
import pytest

from celosia.demo.digits import draw, load_digits
from celosia.support.errors import CelosiaError


def test_shape_range_and_split():
    data = load_digits()
    assert data.name == "digits" and data.source == "scikit-learn's 8x8 digits, enlarged"
    x = np.concatenate([data.x_train, data.x_test])
    assert x.shape == (1797, 28, 28) and x.dtype == np.uint8 and (x.min(), x.max()) == (0, 255)
    train, test = np.bincount(data.y_train), np.bincount(data.y_test)
    np.testing.assert_allclose(test / (train + test), 0.2, atol=0.005)
    seen = {image.tobytes() for image in data.x_train}
    assert not seen & {image.tobytes() for image in data.x_test}


def test_always_the_same():
    one, two = load_digits("a"), load_digits("b")
    np.testing.assert_array_equal(one.x_test, two.x_test)
    np.testing.assert_array_equal(one.y_train, two.y_train)
    assert two.source.endswith("(b)")


def test_border_is_background():
    inside = np.zeros((28, 28), bool)
    inside[4:24, 4:24] = True
    x = load_digits().x_train
    assert not x[:, ~inside].any() and x[:, inside].any()


def test_drawing_keeps_flat_areas_exact():
    full = draw(np.full((1, 8, 8), 16.0))[0]
    assert (full[4:24, 4:24] == 255).all() and full.sum() == 255 * 400
    assert not draw(np.zeros((2, 8, 8))).any()


def test_drawing_is_centred_and_upright():
    corner = np.zeros((1, 8, 8))
    corner[0, 0, 0] = 16
    image = draw(corner)[0]
    assert image[4, 4] == 255 and image[4, 5] == 230  # 9/10 of 255 is 229.5
    assert not image[10:].any() and not image[:, 10:].any()
    np.testing.assert_array_equal(draw(corner[:, ::-1])[0], image[::-1])
    np.testing.assert_array_equal(draw(corner.transpose(0, 2, 1))[0], image.T)


def test_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(CelosiaError, match=r"not installed; pip install 'celosia\[train\]'"):
        load_digits("no network")
