"""Random int8 networks as files: every tensor of the program is that of the network's layers."""

import os

import numpy as np
import pytest
from tests.helpers.random_cnns import random_cnn, random_inputs
from tests.helpers.random_graphs import MAP_CONFIGS

from celosia.compiler import compile
from celosia.importer import model_from_bytes
from celosia.model import run

#: Networks for each engine; many for a long search.
COUNT = int(os.environ.get("CELOSIA_CNNS", "5"))


@pytest.mark.parametrize("name", MAP_CONFIGS)
def test_random_networks(name):
    config = MAP_CONFIGS[name]
    for seed in range(COUNT):
        rng = np.random.default_rng([seed, config.rows, config.cols])
        network = model_from_bytes(random_cnn(rng), f"cnn{seed}", ".tflite")
        x = random_inputs(rng, (int(np.prod(network.graph.shapes[0])),), 3)
        expected = network.graph.evaluate(x)
        for goal in ("throughput", "latency"):
            image = compile(network, config, emit_all=True, goal=goal)
            for index, y in enumerate(run(image, x)):
                note = f"{seed=} {name} {goal} {network.graph.layers[index].name}"
                assert (y == expected[index]).all(), note
