"""The compiler: packing, placing, proofs and refusals."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from tests.helpers.networks import CONFIGS, dense, images, network, plain, quant

from celosia.compiler import compile, needs, smallest
from celosia.compiler.memory import Tensor, allocate, plan
from celosia.model import evaluate, run
from celosia.network.graph import Graph
from celosia.numerics.quant import Quant
from celosia.spec import PARAMETER, Config, Memory, Op, ceil_div
from celosia.support.errors import CelosiaError, DoesNotFit

CONFIG = CONFIGS["4x12-lanes4"]


def test_packing():
    """13 outputs on 12 columns: two tiles, the second nearly empty; 5 inputs in words of 4."""
    weights = np.arange(65).reshape(13, 5)
    layer = plain(weights, list(range(13)), zero_point=-127)
    image = compile(Graph("packed", (layer,)), CONFIG)
    words = image.records(Memory.WEIGHTS).view(np.int8)
    assert words.shape == (10, 12)
    assert (words[:5] == weights[:12].T).all()
    assert (words[5:, 0] == weights[12]).all() and not words[5:, 1:].any()
    channels = image.records(Memory.PARAMS).reshape(-1, PARAMETER.size)
    assert len(channels) == 24
    fields = PARAMETER.unpack(channels[12].tobytes())
    # The zero point -127 is 1 in offset binary: the folded bias is b - 1 * sum(w).
    assert fields == {"bias": 12 - weights[12].sum(), "multiplier": 1 << 30, "shift": 0}
    assert not channels[13:].any()
    (d,) = image.descriptors()
    expected = {"op": Op.DENSE, "last": 1, "emit": 1, "store": 0, "from_input": 1}
    expected |= {"src_words": 2, "tail": 1, "tiles": 2, "zero_point": 128, "clamp_max": 255}
    expected |= {"weight_stride": 5}
    assert {name: d[name] for name in expected} == expected


def test_tables_are_shared():
    rng = np.random.default_rng(0)
    table = rng.integers(-128, 128, 256).astype(np.int8)
    layers = [dense(rng, f"l{i}", 4, 4, quant(rng)) for i in range(4)]
    tables = (table, None, table[::-1], table)
    layers = [
        replace(layer, table=t, table_output=None if t is None else Quant(1.0, 0))
        for layer, t in zip(layers, tables, strict=True)
    ]
    image = compile(Graph("shared", tuple(layers)), CONFIG)
    assert len(image.sections[Memory.TABLES]) == 512
    assert [(d["use_table"], d["table"]) for d in image.descriptors()] == [
        (1, 0),
        (0, 0),
        (1, 1),
        (1, 0),
    ]
    assert image.sections[Memory.TABLES][:256] == (table.astype(int) + 128).astype("u1").tobytes()


def random_lifetimes(rng: np.random.Generator) -> list[Tensor]:
    firsts = rng.integers(0, 12, rng.integers(0, 12)).tolist()
    return [Tensor(int(rng.integers(1, 20)), at, at + int(rng.integers(0, 5))) for at in firsts]


def test_tensors_in_use_together_lie_apart():
    rng, best = np.random.default_rng(9), 0
    for _ in range(500):
        tensors = random_lifetimes(rng)
        places, depth = plan(tensors)
        spans = [(at, at + t.words) for at, t in zip(places, tensors, strict=True)]
        assert depth == max((end for _, end in spans), default=0)
        least = 0
        for step in range(20):
            now = [s for s, t in zip(spans, tensors, strict=True) if t.first <= step <= t.last]
            now.sort()
            assert all(a[1] <= b[0] for a, b in pairwise(now)), tensors
            least = max(least, sum(t.words for t in tensors if t.first <= step <= t.last))
        assert depth >= least
        best += depth == least
    assert best > 250


def test_a_chain_ping_pongs_from_both_ends():
    sizes = [3, 5, 2, 7, 1]
    chain = [Tensor(words, step, step + 1) for step, words in enumerate(sizes)]
    assert plan(chain) == ([0, 9 - 5, 0, 9 - 7, 0], 9)


@pytest.mark.parametrize("name", CONFIGS)
def test_no_layer_writes_what_is_still_needed(name):
    config, seed = CONFIGS[name], 17
    rng = np.random.default_rng(seed)
    for _ in range(30):
        widths = rng.integers(1, 200, rng.integers(2, 8)).tolist()
        graph = network(rng, widths)
        places = allocate(graph, config)
        banks = 2 * ceil_div(widths[0], config.lanes)
        assert places.words[-1] is None and places.words[0] == 0
        for i, dst in enumerate(places.words[1:-1]):
            note = f"seed={seed} widths={widths} layer {i}"
            end = dst + ceil_div(widths[i + 1], config.cols) * config.words_per_tile
            assert banks <= dst and end <= places.depth, note
            if i:
                start = places.words[i]
                stop = start + ceil_div(widths[i], config.cols) * config.words_per_tile
                assert end <= start or stop <= dst, note


@pytest.mark.parametrize("short", ["weight_depth", "param_depth", "program_depth", "act_depth"])
def test_each_memory_can_be_too_small(short):
    graph = network(np.random.default_rng(2), [100, 60, 20, 10])
    exact = Config(**CONFIG.to_dict() | needs(graph, CONFIG))
    assert smallest(graph, exact) == {}
    compile(graph, exact)
    need = getattr(exact, short)
    small = replace(exact, **{short: need - 1})
    with pytest.raises(DoesNotFit) as caught:
        compile(graph, small)
    message = str(caught.value)
    assert message.startswith(f"random: needs {need} ") and f"(has {need - 1})" in message
    assert message.endswith(f"it fits with {short}={need}")
    assert "\n" not in message
    assert replace(small, **smallest(graph, small)) == exact


def test_too_few_tables():
    rng = np.random.default_rng(4)
    layer = replace(
        dense(rng, "l", 4, 4, quant(rng)), table=np.zeros(256, np.int8), table_output=quant(rng)
    )
    with pytest.raises(DoesNotFit, match="needs 1 element tables .has 0.*it fits with tables=1"):
        compile(Graph("g", (layer,)), replace(CONFIG, tables=0))


def test_several_memories_at_once():
    graph = network(np.random.default_rng(2), [100, 60, 20, 10])
    tiny = replace(CONFIG, weight_depth=1, act_depth=2)
    with pytest.raises(DoesNotFit, match="weight words of 12 bytes .* and .* activation words"):
        compile(graph, tiny)
    compile(graph, replace(tiny, **smallest(graph, tiny)))


def test_where_no_memory_is_deep_enough():
    zeros = np.zeros((3000, 2000))
    graph = Graph("wide", (plain(zeros, [0] * 3000),))
    # 2000 * 3000 / 4 weight words exceed 2**20; 8 columns halve them.
    change = smallest(graph, Config.default(1, 4))
    assert change["cols"] == 8 and change["weight_depth"] == 750000
    compile(graph, replace(Config.default(1, 4), **change))
    layers = tuple(plain(np.zeros((1, 1)), [0], name=str(i)) for i in range(4097))
    with pytest.raises(DoesNotFit, match="no engine holds it; split the model"):
        compile(Graph("deep", layers), CONFIG)


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("seed", range(8))
def test_random_networks(name, seed):
    rng = np.random.default_rng(1000 + seed)
    widths = rng.integers(1, 301, rng.integers(2, 8)).tolist()
    graph = network(rng, widths)
    x = images(rng, graph, 20)
    expected = evaluate(graph, x)
    got = run(compile(graph, CONFIGS[name], emit_all=True), x)
    for index, (y, want) in enumerate(zip(got, expected, strict=True)):
        assert (y == want).all(), f"seed={1000 + seed} widths={widths} layer {index}"
    assert (run(compile(graph, CONFIGS[name]), x)[-1] == expected[-1]).all()


def test_impossible_quantization():
    layer = plain(np.ones((1, 1)), [0])
    for bad in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(CelosiaError, match="g: scale = .* is not a positive number"):
            compile(Graph("g", (replace(layer, output=Quant(bad, 0)),)), CONFIG)
    for change in ({"input": Quant(1.0, 128)}, {"output": Quant(1.0, -129)}):
        with pytest.raises(CelosiaError, match="dense: zero point -?12[89] is outside -128..127"):
            compile(Graph("g", (replace(layer, **change),)), CONFIG)


def test_reference_by_hand():
    """zp_in 3, bias 10, factor 1/2 with ties up, zp_out 0: (2 * 4 - 1 * -5 + 10) / 2 = 11.5."""
    layer = plain(np.array([[2, -1]]), [10], zero_point=3)
    (y,) = evaluate(Graph("g", (layer,)), np.array([[7, -2]], np.int8))
    assert y.tolist() == [[12]] and y.dtype == np.int8
    with pytest.raises(CelosiaError, match="is not int8"):
        evaluate(Graph("g", (layer,)), np.zeros((1, 3), np.int8))
