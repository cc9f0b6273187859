"""Lowering: what becomes of each layer, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from tests.helpers.random_graphs import MAP_CONFIGS, map_config, random_graph

from celosia.compiler import compile, needs, smallest
from celosia.compiler.maps.lower import lower
from celosia.model import run
from celosia.network.graph import Graph
from celosia.network.layers import (
    Add,
    AveragePool,
    Concatenation,
    Convolution,
    Depthwise,
    MaxPool,
    Mean,
    Pad,
)
from celosia.numerics.quant import Quant
from celosia.spec import Memory, Op, Rounding
from celosia.support.errors import CelosiaError, DoesNotFit, Unsupported

Q = Quant(0.5, 3)
CONFIG = MAP_CONFIGS["8x8"]
SHAPE = (5, 4, 3)
REVERSED = np.arange(-128, 128).astype(np.int8)[::-1]


def factors(n: int) -> dict:
    return {"multiplier": np.full(n, 1 << 30), "shift": np.full(n, -6), "bias": np.zeros(n, int)}


def convolution(name="conv", shape=SHAPE, n=6, kernel=(1, 1), size=None, **more) -> Convolution:
    weights = np.random.default_rng(0).integers(-128, 128, (n, *kernel, shape[2])).astype(np.int8)
    common = {"input": Q, "output": Q, "input_shape": shape, "output_size": size or shape[:2]}
    return Convolution(name, weights, **common, **factors(n), **more)


def depthwise(name="depthwise", shape=SHAPE, copies=1) -> Depthwise:
    weights = np.random.default_rng(0).integers(-128, 128, (3, 3, shape[2] * copies))
    common = {"input": Q, "output": Q, "input_shape": shape, "output_size": shape[:2]}
    more = factors(weights.shape[2]) | {"padding": (1, 1)}
    return Depthwise(name, weights.astype(np.int8), **common, **more)


def pool(kind, name="pool", shape=SHAPE, **more):
    window = {"kernel": (2, 2), "stride": (2, 2), "output_size": (2, 2)} | more
    return kind(name, Q, Q, shape, **window)


def same(graph: Graph, config=CONFIG, **more) -> None:
    x = np.random.default_rng(1).integers(-128, 128, (2, int(np.prod(graph.shapes[0]))))
    for goal in ("latency", "throughput"):
        image = compile(graph, config, goal=goal, **more)
        want = graph.evaluate(x.astype(np.int8))
        emitted = [i for i, layer in enumerate(image.model.layers) if layer.emitted]
        for y, index in zip(run(image, x.astype(np.int8)), emitted, strict=True):
            assert (y == want[index]).all()


@pytest.mark.parametrize(
    "layer",
    [
        depthwise(),
        depthwise(copies=2),
        pool(AveragePool),
        pool(MaxPool),
        Mean("mean", Q, Q, SHAPE),
        Add("sum", Q, Q, Q, SHAPE),
    ],
    ids=lambda layer: layer.kind,
)
def test_operations_that_an_engine_lacks(layer):
    reads = ((0, 0),) if layer.kind == "Add" else None
    without = replace(CONFIG, depthwise=0)
    with pytest.raises(Unsupported, match=f"{layer.name}: needs DEPTHWISE, an operation"):
        compile(Graph("g", (layer,), reads), without)
    dense = replace(without, convolution=0)
    with pytest.raises(Unsupported, match=f"{layer.name}: needs {layer.kind}, an operation"):
        compile(Graph("g", (layer,), reads), dense)


def test_what_convolution_alone_does():
    """Convolution, a depth multiplier on one channel, padding and concatenation."""
    shape = (5, 4, 1)
    pad = Pad("pad", Q, (5, 4, 8), top=1, left=2)
    concat = Concatenation("concat", Q, ((5, 4, 8), (5, 4, 1)))
    layers = (depthwise(shape=shape, copies=8), concat, pad)
    graph = Graph("g", layers, ((0,), (1, 0), (1,)), (2, 3))
    for name in ("8x8", "4x12-lanes4", "5x9-lanes3"):
        config = replace(MAP_CONFIGS[name], depthwise=0)
        assert {kernel.op for kernel in lower(graph, config).kernels} == {Op.CONVOLUTION}
        same(graph, config)


def test_padding_is_folded_into_its_readers():
    wide = (7, 6, 3)
    pad = Pad("pad", Q, SHAPE, top=1, bottom=1, left=1, right=1)
    window = convolution(shape=wide, kernel=(3, 3), size=(5, 4))
    graph = Graph("g", (pad, window))
    kernels = lower(graph, CONFIG).kernels
    assert [kernel.name for kernel in kernels] == ["conv"]
    assert kernels[0].padding == (1, 1) and kernels[0].outside == 3 + 128
    same(graph)
    # A maximum has another byte outside, and to compare tensors all of them are made.
    assert len(lower(graph, CONFIG, emit_all=True).kernels) == 2
    maximum = Graph("g", (pad, pool(MaxPool, shape=wide, output_size=(3, 3))))
    assert lower(maximum, CONFIG).kernels[0].name == "pad"
    same(maximum)


def test_parts_of_a_concatenation_are_made_in_place():
    one, two = convolution("one"), convolution("two", n=3)
    concat = Concatenation("concat", Q, ((5, 4, 6), (5, 4, 3)))
    last = convolution("last", shape=(5, 4, 9), kernel=(2, 2))
    layers = (one, two, replace(concat, shapes=concat.shapes[::-1]), last)
    graph = Graph("g", layers, ((0,), (0,), (2, 1), (3,)))
    program = lower(graph, CONFIG)
    assert [kernel.name for kernel in program.kernels] == ["one", "two", "last"]
    # Words of 8: the second part begins a word of its own, and the holes have no weight.
    assert program.kernels[2].weights.shape == (6, 4, 11)
    assert not program.kernels[2].weights[..., 6:8].any()
    same(graph)
    same(graph, emit_all=True)


@pytest.mark.parametrize("changes", [{"table": REVERSED, "table_output": Q}, {"clamp": (-20, 30)}])
def test_a_concatenation_that_changes_bytes_beside_its_own_inputs(changes):
    """Its inputs are in the map of the next concatenation, where its output is too."""
    one, two = convolution("one"), convolution("two", n=3)
    parts = ((5, 4, 6), (5, 4, 3))
    changed = replace(Concatenation("changed", Q, parts), **changes)
    joined = Concatenation("joined", Q, (*parts, (5, 4, 9)))
    graph = Graph("g", (one, two, changed, joined), ((0,), (0,), (1, 2), (1, 2, 3)))
    same(graph)
    same(graph, emit_all=True)


def test_sums_of_different_layouts_are_repacked():
    one, two = convolution("one", n=5), convolution("two", n=4)
    concat = Concatenation("concat", Q, ((5, 4, 5), (5, 4, 4)))
    straight, add = convolution("straight", n=9), Add("sum", Q, Q, Q, (5, 4, 9))
    reads = ((0,), (0,), (1, 2), (0,), (3, 4))
    graph = Graph("g", (one, two, concat, straight, add), reads)
    names = [kernel.name for kernel in lower(graph, CONFIG).kernels]
    assert names == ["one", "two", "straight", "sum", "sum"]
    same(graph)


def test_packed_inputs():
    def packed(config, *layers) -> int:
        return lower(Graph("g", layers), config).maps[0].packed

    assert packed(CONFIG, convolution()) == 3
    assert packed(MAP_CONFIGS["3x5"], convolution()) == 0
    assert packed(CONFIG, depthwise()) == 0
    assert packed(CONFIG, depthwise(shape=(5, 4, 1), copies=2)) == 1
    assert packed(CONFIG, convolution(shape=(5, 4, 8))) == 0


def test_an_average_with_several_divisors():
    window = {"kernel": (3, 2), "stride": (1, 1), "padding": (1, 0), "output_size": (5, 4)}
    graph = Graph("g", (pool(AveragePool, **window),))
    # Lines at the top, in the middle and below; the last column of each again.
    assert len(lower(graph, CONFIG).kernels) == 6
    same(graph)


def test_overflow_names_layer_and_channel():
    layer = replace(convolution(), bias=np.full(6, (1 << 31) - 1))
    with pytest.raises(CelosiaError, match=r"conv, channel \d: the folded bias"):
        compile(Graph("g", (layer,)), CONFIG)


def test_what_does_not_fit():
    graph = Graph("g", (convolution(kernel=(3, 3), padding=(1, 1)), depthwise(shape=(5, 4, 6))))
    # Pixels over the rows need less than images.
    assert (
        needs(graph, CONFIG)["act_depth"] > needs(graph, replace(CONFIG, act_depth=2))["act_depth"]
    )
    exact = replace(CONFIG, **needs(graph, replace(CONFIG, act_depth=2)) | {"tables": 0})
    assert smallest(graph, exact) == {}
    compile(graph, exact)
    for short in ("weight_depth", "param_depth", "program_depth", "act_depth"):
        need = getattr(exact, short)
        small = replace(exact, **{short: need - 1})
        with pytest.raises(DoesNotFit, match=f"g: needs {need} .*it fits with {short}={need}$"):
            compile(graph, small)


def test_word_numbers_beyond_16_bits():
    """16 images of 48 x 48 pixels of 2 words have too many words for rows of their own."""
    config = map_config(16, 8, 8)
    window = {"kernel": (3, 3), "padding": (1, 1)}
    layers = (
        convolution("one", (48, 48, 3), n=16, **window),
        convolution("two", (48, 48, 16), n=16),
    )
    image = compile(Graph("g", layers), config)
    assert image.stripes
    same(Graph("g", layers), config)


def test_fewer_pixels_than_rows():
    for shape in ((1, 1, 5), (1, 3, 2), (3, 1, 9)):
        same(Graph("g", (convolution(shape=shape), depthwise(shape=(*shape[:2], 6)))))


def test_every_rounding_reaches_its_kernel():
    rng = np.random.default_rng(0)
    for _ in range(20):
        graph = random_graph(rng)
        roundings = {layer.name: getattr(layer, "rounding", None) for layer in graph.layers}
        for kernel in lower(graph, CONFIG).kernels:
            expected = roundings[kernel.name]
            kind = next(layer.kind for layer in graph.layers if layer.name == kernel.name)
            if expected is not None:
                assert kernel.rounding == expected
            elif kind != "Mean":
                assert kernel.rounding == Rounding.SINGLE


@pytest.mark.parametrize(("name", "taps"), [("pool", 4), ("mean", 20)])
def test_tiles_of_a_pool_share_its_weights(name, taps):
    shape = (5, 4, 3 * CONFIG.lanes)
    layer = pool(AveragePool, shape=shape) if name == "pool" else Mean(name, Q, Q, shape)
    graph = Graph("pools", (layer,))
    assert len(compile(graph, CONFIG).records(Memory.WEIGHTS)) == taps + 2
    same(graph)
