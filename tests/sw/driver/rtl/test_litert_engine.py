"""Compiled programs of .tflite files give LiteRT's bytes, on the golden model and on the RTL."""

from collections.abc import Callable

import numpy as np
import pytest
from tests.helpers.litert import run
from tests.helpers.random_models import random_model

from celosia.compiler import compile
from celosia.compiler.image import Image
from celosia.driver import Device
from celosia.driver.rtl.transport import RtlTransport
from celosia.importer.tflite import tflite_network
from celosia.model import run as golden
from celosia.spec import Config

#: Rows that do not divide the batch, lanes that do not fill the columns, a table for every layer.
_CONFIG = Config.default(3, 8, lanes=4, tables=16, convolution=0)
_GROUPS = 8


@pytest.mark.parametrize("group", range(_GROUPS))
def test_200_random_models_on_the_golden_model(group):
    for seed in range(group, 200, _GROUPS):
        _check(seed, golden)


def test_20_random_models_in_rtl():
    with Device(RtlTransport(_CONFIG)) as device:

        def engine(image: Image, x: np.ndarray) -> list[np.ndarray]:
            device.load(image)
            return device.run_layers(x)

        for seed in range(20):
            _check(seed, engine)


def _check(seed: int, engine: Callable[[Image, np.ndarray], list[np.ndarray]]) -> None:
    rng = np.random.default_rng(seed)
    data, inputs, results = random_model(rng)
    image = compile(tflite_network(data).graph, _CONFIG, emit_all=True)
    x = rng.integers(-128, 128, (40, inputs)).astype(np.int8)
    judge = run(data, x)
    layers = engine(image, x)
    assert len(layers) == len(results)
    for y, name in zip(layers, results, strict=True):
        differ = np.argwhere(y != judge[name])
        assert not len(differ), f"seed {seed}, {name}: {len(differ)} differ, first at {differ[0]}"
