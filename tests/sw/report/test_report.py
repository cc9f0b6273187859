"""The page of `celosia run --report`: its contents, and that it fits phone and desktop."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from tests.helpers.browser import CHROMIUM, dump
from tests.helpers.networks import images, network

from celosia.compiler import compile
from celosia.driver.metrics import Metrics
from celosia.model import run as golden
from celosia.network.graph import Dense, Graph
from celosia.numerics.quant import Quant
from celosia.report import gather, render
from celosia.report.precision import input_precision, precision
from celosia.report.roofline import _points
from celosia.spec import Config

SECTIONS = ["network", "cycles", "time", "roofline", "memory", "precision", "classes"]
_VOID = {"meta", "br", "wbr", "link", "img", "input"}


class Parsed(HTMLParser):
    """Ids, addresses, text, and whether every element is closed in order."""

    def __init__(self, page: str):
        super().__init__()
        self.ids, self.addresses, self.words = [], [], []
        self.open, self.tags = [], []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        if "id" in attrs:
            self.ids.append(attrs["id"])
        self.addresses += [v for k, v in attrs.items() if k in ("href", "src", "srcset", "action")]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module")
def page(files, tmp_path_factory):
    """The report of the digits' classifier, written by the command."""
    from celosia.cli import main

    folder = tmp_path_factory.mktemp("report")
    labels = np.arange(60) % 10
    np.save(folder / "y.npy", labels)
    options = [
        "--labels",
        folder / "y.npy",
        "--float",
        files.model,
        "--report",
        folder / "r.html",
        "--clock",
        20,
    ]
    arguments = ["run", files.image, "--input", files.inputs, *options, "--quiet"]
    assert main(list(map(str, arguments))) == 0
    return folder / "r.html"


def _metrics(image, x) -> Metrics:
    return Metrics(
        config=image.config,
        macs_per_image=image.model.macs,
        images=len(x),
        cycles=None,
        seconds=1.0,
        counters={},
    )


def _render(graph: Graph, x, config=None, **more) -> str:
    image = compile(graph, config or Config.default(2, 8))
    outputs = golden(image, x)[-1]
    return render(gather(image, x, outputs, _metrics(image, x), 0, **more))


def test_all_sections_are_there_and_elements_are_closed(page):
    parsed = Parsed(page.read_text())
    assert [name for name in parsed.ids if name in SECTIONS] == SECTIONS
    assert len(set(parsed.ids)) == len(parsed.ids)
    assert parsed.tags.count("h1") == 1 and "script" not in parsed.tags


def test_it_asks_no_network(page):
    text = page.read_text()
    assert all(address.startswith("#") for address in Parsed(text).addresses)
    assert not re.search(r"https?:|//[a-z]|url\(|@import", text)
    assert "default-src 'none'" in text


def test_what_it_says_of_the_classes(page):
    words = " ".join(Parsed(page.read_text()).words)
    assert "of 60 inputs are classified correctly" in words
    assert "found as" in words


def test_names_are_escaped_and_labels_optional():
    rng = np.random.default_rng(1)
    graph = network(rng, [20, 9, 4])
    name = '<script>alert("&")</script>'
    layers = (graph.layers[0], Dense(**vars(graph.layers[1]) | {"name": name}))
    text = _render(Graph(name, layers), images(rng, graph, 5))
    assert "<script" not in text
    assert name in "".join(Parsed(text).words)
    assert [i for i in Parsed(text).ids if i in SECTIONS] == SECTIONS[:-1]


@pytest.mark.parametrize("convolution", [0, 1])
@pytest.mark.parametrize("seed", range(6))
def test_random_networks(seed, convolution):
    rng = np.random.default_rng(seed)
    widths = rng.integers(1, 60, rng.integers(2, 6)).tolist()
    graph = network(rng, widths)
    x = images(rng, graph, int(rng.integers(1, 40)))
    labels = rng.integers(0, widths[-1], len(x))
    config = Config.default(2, 8, convolution=convolution)
    Parsed(_render(graph, x, config, labels=labels, skip=bool(seed % 2)))


@pytest.mark.parametrize("convolution", [0, 1])
def test_cycles_of_the_layers_and_the_load_are_all_there_are(convolution):
    rng = np.random.default_rng(2)
    graph = network(rng, [50, 30, 10])
    image = compile(graph, Config.default(4, 8, convolution=convolution))
    x = images(rng, graph, 30)
    facts = gather(image, x, golden(image, x)[-1], _metrics(image, x), 0)
    total = sum(c.compute + c.drain + c.wait for c in facts.cycles) + facts.load
    assert total * len(x) == pytest.approx(facts.prediction.cycles)
    saved = sum(c.skipped for c in facts.cycles) * len(x)
    assert saved == pytest.approx(facts.prediction.skipped)


@pytest.mark.parametrize("convolution", [0, 1])
def test_precision_finds_the_layer_that_loses_it(convolution):
    """Three layers that copy 16 values; the middle one has an output scale eight times too wide."""
    eye, one = 127 * np.eye(16, dtype=np.int8), np.ones(16, np.int64)
    scales, layers = (1 / 64, 1 / 64, 1 / 8, 1 / 64), []
    for index, (before, after) in enumerate(zip(scales, scales[1:], strict=False)):
        mantissa, shift = np.frexp(before / after / 127)
        factor = int(mantissa * 2**31) * one, int(shift) * one
        quants = Quant(before, 0), Quant(after, 0)
        bias = np.zeros(16, np.int32)
        layers.append(Dense(f"copy{index}", eye, bias, quants[0], *factor, quants[1]))
    image = compile(Graph("copy", tuple(layers)), Config.default(2, 8, convolution=convolution))
    x = np.random.default_rng(3).integers(-100, 100, (200, 16)).astype(np.int8)
    first, middle, last = precision(image, x)
    assert first.so_far is None or first.so_far > 60
    assert middle.alone == pytest.approx(20 * np.log10(57.7 / 64 * 8 * np.sqrt(12)), abs=1)
    assert last.alone is None or last.alone > 60
    assert last.so_far == pytest.approx(middle.so_far, abs=0.5)
    # Against a float model that says something else everywhere the noise is as large as that.
    wrong = [2.0 * x / 64] * 3
    assert all(p.so_far == pytest.approx(6, abs=0.2) for p in precision(image, x, None, wrong))
    # One whose channels have factors that differ is the same, equalized.
    equalized = [np.geomspace(0.1, 10, 16) * x / 64] * 3
    assert all((p.so_far or 99) > 25 for p in precision(image, x, None, equalized))


def test_precision_of_the_input():
    real = np.random.default_rng(0).uniform(-1, 1, (300, 20)).astype(np.float32)
    quant = Quant(1 / 127, 0)
    found = input_precision(quant, quant.quantize(real), real)
    # Signal of 1/3, noise of scale**2 / 12.
    assert found.so_far == found.alone == pytest.approx(10 * np.log10(4 * 127**2), abs=0.2)
    assert found.saturated == 0
    found = input_precision(quant, quant.quantize(3 * real), 3 * real)
    assert found.saturated == pytest.approx(2 / 3, abs=0.02)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--float", "{model}"], "add --report"),
        (["--float", "{graph}", "--report", "{out}"], "is not a float model"),
        (["--report", "{folder}"], "this is a folder"),
        (["--report", "{out}", "--labels", "{labels}"], "reach beyond the model's 10 classes"),
    ],
)
def test_bad_arguments(celosia, files, tmp_path, arguments, said):
    np.save(tmp_path / "y.npy", np.full(60, 10))
    names = {"out": tmp_path / "r.html", "labels": tmp_path / "y.npy", "folder": tmp_path}
    names |= files._asdict()
    arguments = [each.format(**names) for each in arguments]
    ran = celosia("run", files.image, "--input", files.inputs, *arguments)
    assert ran.status == 2 and said in ran.err and ran.err.count("celosia:") == 1
    assert not (tmp_path / "r.html").exists()


_MEASURE = """<!DOCTYPE html><body>
<iframe src="%s" width="390" height="900"></iframe>
<iframe src="%s" width="1280" height="900"></iframe>
<pre id="found"></pre>
<script>
addEventListener("load", () => {
  const frames = [...document.querySelectorAll("iframe")];
  found.textContent = "FOUND" + JSON.stringify(frames.map(frame => {
    const page = frame.contentDocument, root = page.scrollingElement;
    return {
      wide: root.scrollWidth, view: root.clientWidth,
      requests: frame.contentWindow.performance.getEntriesByType("resource").length,
      hidden: [...page.querySelectorAll("section")].filter(s => s.clientHeight < 60).length,
      cut: [...page.querySelectorAll("main *")].filter(e => !e.closest(".scroll, svg") &&
        e.getBoundingClientRect().right > root.clientWidth + 1).length,
      bars: [...page.querySelectorAll("svg.bar")].filter(e => e.clientWidth < 40).length,
    };
  })) + "END";
});
</script>"""


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium (large; optional): apt-get install chromium")
def test_nothing_is_wider_than_a_phone_or_a_desktop(page, tmp_path):
    rng = np.random.default_rng(4)
    graph = network(rng, [40, 30, 12])
    long = Dense(**vars(graph.layers[0]) | {"name": "functional_1/activation/Relu;" * 5})
    (tmp_path / "long.html").write_text(
        _render(Graph("g" * 150, (long, graph.layers[1])), images(rng, graph, 9))
    )
    for each in (page, tmp_path / "long.html"):
        measure = each.with_name("measure.html")
        measure.write_text(_MEASURE % (each.name, each.name))
        found = json.loads(re.search(r"FOUND(\[.*\])END", dump(measure))[1])
        assert [frame["view"] for frame in found] == [390, 1280]
        for frame in found:
            assert frame["wide"] <= frame["view"], frame
            assert not any(frame[what] for what in ("requests", "hidden", "cut", "bars")), frame


@pytest.mark.parametrize("skip", [False, True])
def test_no_layer_is_above_its_roof(skip):
    rng = np.random.default_rng(7)
    graph = network(rng, [50, 30, 10])
    image = compile(graph, Config.default(2, 8))
    x = images(rng, graph, 8)
    facts = gather(image, x, golden(image, x)[-1], _metrics(image, x), 0, skip=skip)
    points = _points(facts)
    assert len(points) == 2
    assert all(0 < p.speed <= p.roof <= image.config.multipliers for p in points)


def test_the_command_and_the_hashes_of_its_files(page):
    words = " ".join(Parsed(page.read_text()).words)
    assert "celosia " in words
    assert "At 20 MHz an input takes" in words
    found = re.findall(r"sha256 of ([^,]*), first 16 digits:\s+([0-9a-f]{16})", words)
    assert [name for name, _ in found] == [
        "the model's file", "the program image", "the inputs' file"
    ]  # fmt: skip
