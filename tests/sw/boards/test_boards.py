"""Boards, and the placements that are kept with the project."""

import json
from dataclasses import replace

import pytest

from celosia.boards import BOARDS, Fact, Placement, Result, board, load_placements, save_placements
from celosia.support.errors import CelosiaError


def placement(name: str = "ulx3s-85f", fmax: tuple[float, ...] = (140.5, 151.0, 138.0), **values):
    """A placement of the default engine of a board; ``values`` replace fields."""
    where = BOARDS[name]
    counts = dict.fromkeys(("luts", "ffs", "multipliers", "block_rams", "single_port_rams"), 1)
    fields = {
        "board": name,
        "family": where.family,
        "device": where.device,
        "config": dict(where.config),
        "technology": "portable",
        "options": "as usual",
        "clock_mhz": 140,
        "results": tuple(Result(seed=n + 1, fmax_mhz=f) for n, f in enumerate(fmax)),
        "used": counts,
        "available": counts,
        "tools": {"nextpnr-ecp5": "0.11.1"},
        "date": "2026-11-24",
    }
    return Placement(**(fields | values))


@pytest.mark.parametrize("name", BOARDS)
def test_every_board_is_whole(name):
    each = board(name)
    assert each.name == name
    assert each.engine().multipliers <= each.resources.multipliers * each.resources.products
    assert each.engine(rows=3).rows == 3
    for fact in (each.price, each.power):
        assert fact is None or (fact.source and fact.date and fact.limit > 0)


def test_an_unknown_board_is_an_error_that_names_the_known_ones():
    with pytest.raises(
        CelosiaError, match="unknown board 'ulx4m'; known: icebreaker, upduino, ulx3"
    ):
        board("ulx4m")


@pytest.mark.parametrize(
    "values, message",
    [
        ({"family": "xilinx"}, "unknown family 'xilinx'; known: ice40, ecp5, gowin"),
        ({"clock_mhz": 0}, "clock_mhz = 0 is not a positive number"),
        ({"oscillator_mhz": float("nan")}, "oscillator_mhz = nan"),
        ({"config": {"rows": 1}}, "missing 8 required keyword-only arguments: 'cols'"),
    ],
)
def test_an_invalid_board_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        replace(board("icebreaker"), **values)


def test_counts_of_resources_are_checked():
    with pytest.raises(ValueError, match="block_rams = -1"):
        replace(board("icebreaker").resources, block_rams=-1)


def test_an_estimate_is_marked():
    fact = Fact(value="10 W", source="a page", date="2026", estimate=True)
    assert str(fact) == "10 W (estimate)" and str(replace(fact, estimate=False)) == "10 W"


def test_median_over_seeds_decides():
    assert placement().fmax_mhz == 140.5 and placement().met
    assert not placement(fmax=(139.0, 150.0, 138.0)).met
    assert placement(fmax=(139.0, 150.0)).fmax_mhz == 144.5


def test_placements_come_back_and_newer_ones_replace(tmp_path):
    path = tmp_path / "placements.json"
    assert load_placements(path) == ()
    old, other = placement(fmax=(100,)), placement("icebreaker", technology="up5k")
    newer = placement()
    save_placements([old, other, newer], path)
    assert load_placements(path) == (other, newer)
    save_placements(reversed(load_placements(path)), path)
    assert load_placements(path) == (other, newer)
    assert [each.name for each in tmp_path.iterdir()] == ["placements.json"]


@pytest.mark.parametrize(
    "values, message",
    [
        ({"board": "de10"}, "unknown board 'de10'; known: "),
        ({"family": "gowin"}, "family = 'gowin' is not that of ulx3s-85f"),
        ({"results": ()}, "results is empty"),
        ({"fmax": (-1.0,)}, "fmax_mhz = -1.0 is not a positive number"),
        ({"fmax": (True,)}, "fmax_mhz = True"),
        ({"clock_mhz": float("inf")}, "clock_mhz = inf"),
        ({"results": (Result(seed=1, fmax_mhz=1),) * 2}, "results has a seed twice"),
        ({"used": {"luts": 1}}, "used = {'luts': 1} is not a count of luts"),
        ({"date": 2026}, "date = 2026 is not a string"),
        ({"tools": {"yosys": 1}}, "tools"),
        ({"config": dict(BOARDS["ulx3s-85f"].config) | {"rows": 99}}, "rows = 99"),
    ],
)
def test_an_invalid_placement_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        placement(**values)


def _damaged(change) -> bytes:
    document = {"version": 1, "placements": [placement().to_dict()]}
    change(document)
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    "data, message",
    [
        (b"", "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "is not a file of placements, version 1"),
        (b'{"version": 2, "placements": []}', "is not a file of placements, version 1"),
        (b'{"version": 1, "placements": {}}', "has no list of placements"),
        (b'{"version": 1, "placements": [7]}', "placement 0: 7 is not a placement"),
        (
            _damaged(lambda d: d["placements"][0].pop("date")),
            "placement 0: unknown or missing names: date",
        ),
        (
            _damaged(lambda d: d["placements"][0].update(x=1)),
            "placement 0: unknown or missing names: x",
        ),
        (_damaged(lambda d: d["placements"][0].update(results=7)), "results = 7 is not a list"),
        (_damaged(lambda d: d["placements"][0].update(results=[{}])), "missing names: fmax_mhz"),
        (_damaged(lambda d: d["placements"][0].update(used=[])), "used = \\[\\]"),
        (_damaged(lambda d: d["placements"][0].update(config=None)), "config = None"),
        (_damaged(lambda d: d["placements"][0].update(board=["a"])), "board = \\['a'\\]"),
        (_damaged(lambda d: d["placements"][0].update(clock_mhz="9")), "clock_mhz = '9'"),
    ],
)
def test_a_damaged_file_is_an_error_that_says_where(tmp_path, data, message):
    path = tmp_path / "placements.json"
    path.write_bytes(data)
    with pytest.raises(CelosiaError, match=message) as caught:
        load_placements(path)
    assert str(path) in str(caught.value)


def test_what_cannot_be_written_leaves_the_old_file(tmp_path):
    path = tmp_path / "placements.json"
    save_placements([placement()], path)
    before = path.read_bytes()
    broken = placement()
    object.__setattr__(broken, "clock_mhz", float("nan"))
    with pytest.raises(ValueError):
        save_placements([broken], path)
    assert path.read_bytes() == before


def test_the_file_of_the_project_is_whole():
    assert all(each.board in BOARDS for each in load_placements())
