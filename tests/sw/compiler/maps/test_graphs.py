"""Whole graphs of maps: every tensor, on every engine, with images or pixels over the rows."""

import os

import numpy as np
import pytest
from tests.helpers.random_graphs import MAP_CONFIGS, random_graph

from celosia.compiler import compile
from celosia.compiler.image import Image
from celosia.model import run

#: Graphs for each engine; many for a long search.
COUNT = int(os.environ.get("CELOSIA_GRAPHS", "12"))


@pytest.mark.parametrize("goal", ["throughput", "latency"])
@pytest.mark.parametrize("name", MAP_CONFIGS)
def test_random_graphs(name, goal):
    config, seen = MAP_CONFIGS[name], set()
    for seed in range(COUNT):
        rng = np.random.default_rng([seed, config.rows, config.cols])
        graph = random_graph(rng)
        x = rng.integers(-128, 128, (3, int(np.prod(graph.shapes[0])))).astype(np.int8)
        expected = graph.evaluate(x)
        for emit_all in (True, False):
            image = compile(graph, config, emit_all, goal)
            seen.add(image.stripes)
            emitted = [i for i, layer in enumerate(image.model.layers) if layer.emitted]
            assert emitted == (
                list(range(len(graph.layers)))
                if emit_all
                else sorted(tensor - 1 for tensor in graph.outputs)
            )
            for y, index in zip(run(image, x), emitted, strict=True):
                note = f"seed={seed} {name} {goal} {graph.layers[index].name}"
                assert (y == expected[index]).all(), note
            assert Image.from_bytes(image.to_bytes()).to_bytes() == image.to_bytes()
    assert seen == ({True} if goal == "latency" and config.rows > 1 else seen)
