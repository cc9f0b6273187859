"""The page about a run on an engine with convolution: its pictures, measures and proofs."""

import base64
import re
import struct
import zlib
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from tests.helpers.random_graphs import MAP_CONFIGS, random_graph
from tests.helpers.small_cnn import small_cnn
from tests.sw.report.test_report import Parsed, _metrics

from celosia.compiler import compile
from celosia.model import run as golden
from celosia.network.folding import Folded, fold_channels
from celosia.network.graph import Graph
from celosia.network.layers import Convolution
from celosia.network.network_file import save_network
from celosia.network.outline import Outline
from celosia.ops.window_walk import WindowWalk
from celosia.predict.check import Check
from celosia.predict.map_work import MapWork
from celosia.report import gather, render
from celosia.report.map_precision import measure
from celosia.report.picture import mosaic, picture
from celosia.report.real_layers import real
from celosia.spec import Config
from celosia.support.errors import DoesNotFit

SECTIONS = ["network", "cycles", "memory", "precision", "maps", "folding"]


def _inputs(rng: np.random.Generator, graph: Graph, count: int) -> np.ndarray:
    return rng.integers(-128, 128, (count, int(np.prod(graph.shapes[0])))).astype(np.int8)


def _compiled(seed: int, config):
    for further in range(100):
        graph = random_graph(np.random.default_rng([seed, further]))
        try:
            return graph, compile(graph, config)
        except DoesNotFit:
            continue
    raise AssertionError("no graph fits")


def _page(graph: Graph, image, x, folded: Folded | None) -> Parsed:
    outputs = golden(image, x)[-1]
    return Parsed(render(gather(image, x, outputs, _metrics(image, x), 0, folded=folded)))


@pytest.mark.parametrize("config", ["3x5", "8x8", "1x64"])
@pytest.mark.parametrize("seed", range(3))
def test_random_graphs(seed, config):
    graph, image = _compiled(seed, MAP_CONFIGS[config])
    x = _inputs(np.random.default_rng(seed), graph, 3)
    page = _page(graph, image, x, fold_channels(graph))
    found = [name for name in page.ids if name in SECTIONS]
    assert [name for name in found if name != "maps"] == [s for s in SECTIONS if s != "maps"]
    assert all(each.startswith(("#", "data:image/png;base64,")) for each in page.addresses)
    assert len(set(page.ids)) == len(page.ids)


def test_a_program_image_alone_tells_cycles_and_memory():
    graph, image = _compiled(1, MAP_CONFIGS["8x8"])
    page = _page(graph, image, _inputs(np.random.default_rng(1), graph, 2), None)
    assert [name for name in page.ids if name in SECTIONS] == SECTIONS[:4]
    assert "A report of a run of the model itself" in " ".join(page.words)


@pytest.mark.parametrize("seed", range(20))
def test_maps_in_use_at_once_do_not_overlap(seed):
    _, image = _compiled(seed, MAP_CONFIGS["4x12-lanes4"])
    work = MapWork.of_image(image)
    lives = list(work.lives.values())
    for one, other in combinations(lives, 2):
        together = one.first <= other.last and other.first <= one.last
        if together:
            assert one.words.stop <= other.words.start or other.words.stop <= one.words.start
    assert all(2 * work.bank <= each.words.start for each in lives)
    assert max((each.words.stop for each in lives), default=0) <= image.config.act_depth


@pytest.mark.parametrize("seed", range(20))
def test_what_a_step_reads_is_in_use(seed):
    config = MAP_CONFIGS["4x12-lanes4"]
    _, image = _compiled(seed, config)
    work = MapWork.of_image(image)
    for index, d in enumerate(work.descriptors):
        walk = WindowWalk(d, config, 0, work.rows)
        read = np.unique(walk.places[walk.inside] // config.lanes).tolist()
        used = [each.words for each in work.lives.values() if each.first <= index <= each.last]
        used += [range(work.bank)]
        assert all(any(word in words for words in used) for word in read), (seed, index)


@pytest.mark.parametrize("seed", range(20))
def test_layers_in_real_numbers_are_close_to_their_bytes(seed):
    """Between its clamps a result is off by rounding only: at most a step, an addition's by two."""
    rng = np.random.default_rng(seed)
    graph = random_graph(rng)
    tensors = [_inputs(rng, graph, 4)]
    for layer, reads in zip(graph.layers, graph.reads, strict=True):
        if layer.table is not None:
            layer = replace(layer, table=None, table_output=None)
        x = [tensors[t].astype(float) for t in reads]
        quants = [layer.input, getattr(layer, "other", layer.input)]
        quants = quants[: len(x)] if layer.kind == "Add" else [layer.input] * len(x)
        steps = [(v - q.zero_point) * q.scale for v, q in zip(x, quants, strict=True)]
        y = layer.evaluate(*(tensors[t] for t in reads))
        v = real(layer, *steps) / layer.output.scale + layer.output.zero_point
        inside = (y > max(layer.clamp[0], -128)) & (y < min(layer.clamp[1], 127))
        assert np.abs(y - v)[inside].max(initial=0) <= 2, (seed, layer.name, layer.kind)
        tensors.append(graph.layers[len(tensors) - 1].evaluate(*(tensors[t] for t in reads)))


def test_the_channel_that_is_off_is_found():
    """One channel of a layer saturates, which no other one does."""
    rng = np.random.default_rng(2)
    graph = _convolution(rng, np.array([1, 1, 4000, 1]))
    (found,) = measure(graph, _inputs(rng, graph, 5))
    assert found.errors.argmax() == 2
    assert found.errors[2] > 50 > 1 > np.delete(found.errors, 2).max()


def test_the_proof_names_channel_value_and_sums():
    rng = np.random.default_rng(3)
    first = _convolution(rng, np.ones(4)).layers[0]
    weights = first.weights.copy()
    weights[1] = 0
    first = replace(first, weights=weights, bias=np.array([0, 7, 0, 0], np.int32))
    second = replace(
        first, name="second", input=first.output, input_shape=(6, 5, 4),
        weights=rng.integers(-9, 9, (4, 1, 1, 4)).astype(np.int8),
    )  # fmt: skip
    graph = Graph("planted", (first, second))
    image = compile(graph, MAP_CONFIGS["4x12-lanes4"])
    page = _page(graph, image, _inputs(rng, graph, 2), fold_channels(graph))
    words = " ".join(page.words)
    assert "conv: 1 of 4 channels" in words and "its sum is always 7" in words
    none = _page(graph, image, _inputs(rng, graph, 2), Folded.none(graph))
    assert "every channel of every layer is computed" in " ".join(none.words)


def _convolution(rng: np.random.Generator, gain: np.ndarray) -> Graph:
    """A 1x1 convolution of 3 channels to 4, whose multipliers are those of small sums times
    ``gain``."""
    from celosia.numerics.multiplier import quantize_multiplier
    from celosia.numerics.quant import Quant

    factors = [quantize_multiplier(float(g) / 127) for g in gain]
    multiplier, shift = (np.array(each, np.int64) for each in zip(*factors, strict=True))
    return Graph(
        "g",
        (
            Convolution(
                "conv",
                rng.integers(-40, 41, (4, 1, 1, 3)).astype(np.int8),
                np.zeros(4, np.int32),
                Quant(1.0, 0),
                multiplier,
                shift,
                Quant(1.0, 0),
                (6, 5, 3),
                (6, 5),
            ),
        ),
    )


def test_a_picture_is_a_png_of_its_pixels():
    maps = np.random.default_rng(4).integers(0, 256, (3, 5, 6)).astype(np.uint8)
    sheet = mosaic(maps)
    assert sheet.shape == (7, 23)
    assert np.array_equal(sheet[4:7, 6:11], maps[..., 5])
    data = base64.b64decode(re.search(r"base64,([^\"]+)", picture(sheet, "a < b"))[1])
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, at = {}, 8
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        assert struct.unpack(">I", data[at + 8 + size : at + 12 + size])[0] == zlib.crc32(
            kind + body
        )
        chunks[kind], at = body, at + 12 + size
    assert struct.unpack(">IIBBBBB", chunks[b"IHDR"]) == (23, 7, 8, 0, 0, 0, 0)
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(7, 24)
    assert not lines[:, 0].any() and np.array_equal(lines[:, 1:], sheet)


def test_the_command_writes_a_page_of_a_model_and_of_its_program(celosia, tmp_path):
    graph, page = small_cnn(), tmp_path / "r.html"
    save_network(graph, tmp_path / "m.npz")
    np.save(tmp_path / "x.npy", _inputs(np.random.default_rng(5), graph, 4))
    engine = ("--rows", "4", "--cols", "8")
    common = ("--input", tmp_path / "x.npy", "--report", page)
    assert celosia("run", tmp_path / "m.npz", *common, *engine).status == 0
    model = Parsed(page.read_text())
    assert [name for name in model.ids if name in SECTIONS] == SECTIONS
    assert model.tags.count("img") == 3  # the input and two maps
    assert celosia("compile", tmp_path / "m.npz", "-o", tmp_path / "i.celosia", *engine).status == 0
    assert celosia("run", tmp_path / "i.celosia", *common).status == 0
    image = Parsed(page.read_text())
    assert [name for name in image.ids if name in SECTIONS] == SECTIONS[:4]


def test_cycles_are_those_of_the_check():
    config = Config.default(4, 8)
    graph = small_cnn()
    image = compile(graph, config)
    x = _inputs(np.random.default_rng(6), graph, 12 * image.batch)
    outputs = golden(image, x)[-1]
    facts = gather(image, x, outputs, _metrics(image, x), 0, skip=False)
    checked = Check(Outline.of(graph, ""), config, 100.0)
    for need, cycles in zip(checked.layers, facts.cycles, strict=True):
        spent = cycles.compute + cycles.drain + cycles.wait
        assert spent == pytest.approx(need.cycles / image.batch, rel=0.05)
