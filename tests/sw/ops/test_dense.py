"""DENSE: what its record says of a layer, of its outline and of its descriptor is one thing."""

import numpy as np
import pytest
from tests.helpers.networks import CONFIGS, dense, quant

from celosia.network.outline import LayerOutline
from celosia.ops import OPERATIONS, Source
from celosia.spec import PARAMETER, Op

DENSE = OPERATIONS[Op.DENSE]


def cases(config, seed: int = 5):
    rng = np.random.default_rng(seed)
    for _ in range(30):
        inputs, outputs = rng.integers(1, 80, 2).tolist()
        layer = dense(rng, "layer", inputs, outputs, quant(rng))
        source = Source(int(rng.integers(50)), bool(rng.integers(2)))
        d = {"op": Op.DENSE, "store": 1, "dst": 7, "emit": 0}
        d |= DENSE.describe(layer, config, [source], weights=3)
        yield rng, layer, source, d


def test_there_is_a_record_of_every_operation():
    assert set(OPERATIONS) == {Op.DENSE}
    assert all(operation.op == op for op, operation in OPERATIONS.items())


@pytest.mark.parametrize("name", CONFIGS)
def test_layer_outline_and_descriptor_agree(name):
    config = CONFIGS[name]
    for _, layer, source, d in cases(config):
        outline = LayerOutline("layer", layer.inputs, layer.outputs)
        for size in (
            DENSE.input_words,
            DENSE.result_words,
            DENSE.weight_words,
            DENSE.param_words,
        ):
            assert size(layer, config) == size(outline, config)
        assert DENSE.shape(layer) == DENSE.shape(outline)
        assert DENSE.describe(outline, config, [source], 3).items() <= d.items()
        assert len(DENSE.weights(layer, config)) == DENSE.weight_words(layer, config) * config.cols
        size = config.requantizers * PARAMETER.size
        assert len(DENSE.parameters(layer, config)) == DENSE.param_words(layer, config) * size
        (words,) = DENSE.reads(d, config, base=100)
        assert words.start == source.word + (100 if source.from_input else 0)
        assert len(words) == DENSE.input_words(layer, config) == len(DENSE.word_bytes(d, config))
        assert sum(DENSE.word_bytes(d, config)) == layer.inputs
        assert len(DENSE.weights_read(d, config)) == DENSE.weight_words(layer, config)
        written = DENSE.writes(d, config)
        assert written.start == 7 and len(written) == DENSE.result_words(layer, config)
        assert not DENSE.writes(d | {"store": 0}, config)
        agrees = DENSE.agrees(d, layer.inputs, layer.outputs, layer.macs, config)
        assert agrees == {"inputs": True, "outputs": True, "macs": True}


@pytest.mark.parametrize("name", CONFIGS)
def test_sums_and_what_is_skipped(name):
    config = CONFIGS[name]
    for rng, layer, _, d in cases(config):
        memory = np.zeros((3 + DENSE.weight_words(layer, config), config.cols), np.int8)
        words = np.frombuffer(DENSE.weights(layer, config), np.int8)
        memory[3:] = words.reshape(-1, config.cols)
        images, base = int(rng.integers(1, 6)), 4
        act = rng.integers(0, 256, (images, 200 * config.lanes)).astype(np.uint8)
        act[:, rng.random(act.shape[1]) < 0.5] = 0
        u = DENSE.feed(d, act, config, base)
        sums = DENSE.compute(DENSE.operand(d, memory, config), u, lambda acc: acc)
        expected = u.astype(int) @ layer.weights.T.astype(int)
        assert (sums[:, : layer.outputs] == expected).all() and not sums[:, layer.outputs :].any()
        real = DENSE.real_sums(DENSE.operand(d, memory, config), u / 2)
        assert (real[:, : layer.outputs] == expected / 2).all()
        zero = int((u == 0).all(axis=0).sum())
        k, tiles = layer.inputs, config.tiles(layer.outputs)
        assert DENSE.issues(d, u, skip=True) == (tiles * max(k - zero, 1), tiles * zero)
        assert DENSE.issues(d, u, skip=False) == (tiles * k, 0)
        needed = DENSE.word_bytes_needed(d, config, u, batch=images)
        assert needed.shape == (1, d["src_words"]) and needed.sum() == k - zero
        assert (needed <= DENSE.word_bytes(d, config)).all()
