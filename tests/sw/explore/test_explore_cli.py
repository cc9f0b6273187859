"""`celosia explore` on the command line: tables, plots, JSON, exit statuses, errors."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from tests.sw.cli.test_interrupt import interrupt
from tests.sw.explore.test_explore import placed

from celosia.boards import BOARDS, board, save_placements
from celosia.network.float_network import FloatNetwork

_PNG = b"\x89PNG\r\n\x1a\n"


def save(path, *sizes: int):
    """A float model of these widths at ``path``."""
    pairs = list(zip(sizes, sizes[1:], strict=False))
    weights = tuple(np.ones(pair, np.float32) for pair in pairs)
    biases = tuple(np.zeros(n, np.float32) for _, n in pairs)
    FloatNetwork.from_arrays(weights, biases, ("relu",) * (len(pairs) - 1) + ("none",)).save(path)
    return path


@pytest.fixture
def model(tmp_path):
    return save(tmp_path / "m.npz", 16, 8, 4)


@pytest.fixture
def placements(tmp_path):
    """An 8x8 engine on an ULX3S at 120 MHz, placed with two seeds, and nothing else."""
    engine = {"rows": 8, "cols": 8, "weight_depth": 4096, "param_depth": 256}
    path = tmp_path / "placements.json"
    save_placements([placed(board("ulx3s-85f"), (121.0, 119.0), **engine)], path)
    return path


def test_boards_with_their_sources_and_dates(celosia, model, placements):
    ran = celosia("explore", model, "--placements", placements, "--rows", "8", "--cols", "8")
    assert ran.status == 0
    for each in BOARDS.values():
        assert f"{each.name}: {each.title}" in ran.out
        assert f"{each.price.value} ~" in ran.out
        for fact in (each.price, each.power):
            assert f"{fact.source} ({fact.date})" in ran.out
    assert re.search(r"8x8 \* .* 120\.0 ", ran.out)
    assert "clock of 8x8: median of 2 seeds, ecp5" in ran.out
    assert "Pareto front (*): price, latency, images/s" in ran.out


def test_tables_fit_80_columns(celosia, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    large = save(tmp_path / "mnist.npz", 784, 128, 64, 10)
    said = celosia("explore", large, "--board", "icebreaker", "--board", "ulx3s-85f").out
    tables = [line for line in said.splitlines() if re.match(r"  \S+ .*\d", line)]
    tables = [line for line in tables if not re.match("  (clock|no clock|does not fit)", line)]
    assert len(tables) > 30 and max(map(len, tables)) <= 80


def test_without_placements_there_are_cycles_and_no_speed(celosia, model, tmp_path):
    none = tmp_path / "none.json"
    save_placements([], none)
    arguments = ("--board", "ulx3s-85f", "--no-estimates", "--json", "-")
    ran = celosia("explore", model, "--placements", none, *arguments)
    points = json.loads(ran.out)["points"]
    assert ran.status == 0 and points
    assert all(point["cycles"]["latency"] > 0 for point in points if point["fits"])
    for point in points:
        assert (point["clock"], point["images_per_second"], point["front"]) == (None, None, False)
    assert "no clock is known" in ran.err and "Pareto front (*)" not in ran.err


def test_estimates_are_marked_and_can_be_left_out(celosia, model, placements):
    arguments = ("explore", model, "--placements", placements, "--board", "ulx3s-85f")
    arguments += ("--rows", "4", "--cols", "8", "--json", "-")
    (point,) = json.loads(celosia(*arguments, "--no-estimates").out)["points"]
    assert point["clock"] is None
    ran = celosia(*arguments)
    (point,) = json.loads(ran.out)["points"]
    assert point["clock"] == {
        "mhz": 120.0,
        "measured": False,
        "source": "estimate: as 8x8, ecp5",
    }
    assert "~120.0" in ran.err and "clock: ~ estimate" in ran.err


def test_what_does_not_fit_and_why(celosia, tmp_path):
    large = save(tmp_path / "large.npz", 4000, 1000, 10)
    ran = celosia("explore", large, "--board", "tang-nano-9k", "--rows", "1", "--cols", "8")
    assert ran.status == 3
    assert re.search(r"does not fit: 1x8: block RAM [\d,]+ \(weights [\d,]+\), has 26", ran.out)


def test_unsupported_operations(celosia, tmp_path):
    from tests.sw.predict.test_check import _model

    ran = celosia("explore", _model(tmp_path, "ABS"), "--json", "-")
    assert ran.status == 4
    assert [each["kind"] for each in json.loads(ran.out)["unsupported"]] == ["ABS"]
    assert "unsupported operations (ABS)" in ran.err


def test_every_kind_of_model_file(celosia, files):
    arguments = ("--board", "upduino", "--rows", "1", "--cols", "8", "--json", "-")
    found = [
        json.loads(celosia("explore", path, *arguments).out)["points"]
        for path in (files.model, files.graph, files.image)
    ]
    assert found[0] == found[1] == found[2]


def test_quiet_says_nothing(celosia, model):
    ran = celosia("explore", "-q", model, "--board", "upduino")
    assert (ran.status, ran.out, ran.err) == (0, "", "")


@pytest.mark.parametrize("clocked", [False, True])
def test_a_plot_is_the_same_every_time(celosia, model, placements, tmp_path, clocked):
    arguments = ["explore", "-q", model, "--rows", "4,8", "--cols", "8"]
    if not clocked:
        save_placements([], placements)
        arguments.append("--no-estimates")
    arguments += ["--placements", placements]
    for name in ("a.png", "b.png", "a.svg", "b.svg"):
        assert celosia(*arguments, "--plot", tmp_path / name).status == 0
    png, svg = (tmp_path / "a.png").read_bytes(), (tmp_path / "a.svg").read_bytes()
    assert png.startswith(_PNG) and len(png) > 10_000
    assert b"<svg" in svg
    assert (png, svg) == ((tmp_path / "b.png").read_bytes(), (tmp_path / "b.svg").read_bytes())


class _Page(HTMLParser):
    """Text, links to elsewhere, and whether every tag is closed."""

    def __init__(self, page: str):
        super().__init__()
        self.text, self.links, self.open, self.ids = [], [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids.append(attributes.get("id"))
        self.links += [attributes[name] for name in ("src", "href") if name in attributes]
        if tag not in ("meta", "img", "wbr", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_holds_everything(celosia, model, placements, tmp_path):
    path = tmp_path / "page.html"
    model = model.rename(tmp_path / "a<b>&c.npz")
    assert celosia("explore", model, "--placements", placements, "--plot", path).status == 0
    page = _Page(path.read_text())
    text = "".join(page.text)
    assert page.open == []
    assert "a<b>&c" in text and "median of 2 seeds, ecp5" in text and "font-family" not in text
    for each in BOARDS.values():
        assert each.title in text and each.price.source in text
    for link in page.links:
        assert link.startswith("data:image/svg+xml;base64,") or link.removeprefix("#") in page.ids
    # Where a clock is from is said in notes, not in cells.
    cells = re.findall(r"<td[^>]*>(.*?)</td>", path.read_text())
    told = [each for each in cells if "seed" in each or "placed" in each]
    assert told == []
    # The least price of all boards, of which one engine at least holds this model.
    least = re.search(r"cheapest that holds it</dt>\s*<dd>([^<]*)", path.read_text())
    assert least[1] == "Tang Nano 9K, GW1NR-9C"
    assert "clock of 8x8: median" in text and "cheapest that holds it" in text


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("--board", "ulx4m"), "board: unknown board 'ulx4m'; known: icebreaker"),
        (("--rows", "1,x"), "--rows: '1,x' are no numbers; give some, as 1,2,4"),
        (("--rows", "0"), "sweep: rows = 0 is not an integer in 1..32"),
        (("--cols", "3"), "sweep: cols = 3 is not an integer in 4..256"),
        (("--jobs", "0"), "--jobs: 0 is not at least 1"),
        (
            ("--plot", "a.pdf"),
            "a.pdf: '.pdf' is not a format for plots; name it .png, .svg or .html",
        ),
        (("--plot", "plot"), "plot: '' is not a format for plots"),
        (("--placements", "nowhere.json"), "nowhere.json: no such file; check the path"),
    ],
)
def test_bad_input(celosia, model, arguments, message):
    ran = celosia("explore", model, *arguments)
    assert ran.status == 2
    assert ran.err.startswith(f"celosia: {message}")
    assert ran.out == "" and len(ran.err.splitlines()) == 1


def test_a_damaged_file_of_placements(celosia, model, tmp_path):
    path = tmp_path / "p.json"
    path.write_text("{")
    ran = celosia("explore", model, "--placements", path)
    assert ran.status == 2 and ran.err.startswith(f"celosia: {path}: is not JSON")


def test_matplotlib_is_not_installed(celosia, model, tmp_path, monkeypatch):
    monkeypatch.setattr("celosia.explore.plot.find_spec", lambda name: None)
    ran = celosia("explore", model, "--plot", tmp_path / "a.png")
    assert ran.status == 2
    assert "a plot needs matplotlib; install it with: pip install 'celosia[explore]'" in ran.err


def test_ctrl_c_leaves_no_process_and_no_file(tmp_path):
    large = save(tmp_path / "large.npz", 784, *(128,) * 8, 10)
    out = [tmp_path / "a.json", tmp_path / "a.png"]
    arguments = ["explore", large, "--jobs", 2, "--json", out[0], "--plot", out[1]]
    status, _, err = interrupt(arguments, "predicting cycles (")
    assert (status, err.splitlines()[-1]) == (130, "celosia: interrupted")
    assert "Traceback" not in err
    assert not any(path.exists() for path in out)


def test_it_needs_neither_dask_nor_matplotlib(model):
    import subprocess
    import sys

    code = (
        "import sys\n"
        "sys.modules['matplotlib'] = sys.modules['distributed'] = sys.modules['dask'] = None\n"
        "from celosia.cli import main\n"
        f"sys.exit(main(['explore', '-q', {str(model)!r}, '--board', 'upduino', '--jobs', '1']))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
