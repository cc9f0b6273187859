"""The sweep over boards: candidates, measured and estimated clocks, the Pareto front."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from tests.helpers.small_cnn import small_cnn

from celosia.boards import Placement, Result, board, load_placements
from celosia.compiler import compile
from celosia.explore import (
    Needs,
    candidates,
    demand,
    estimated,
    explore,
    front,
    measured,
    port_limit,
    predict,
)
from celosia.network.graph import Graph
from celosia.network.outline import LayerOutline, Operation, Outline, Place
from celosia.predict.estimate import estimate
from celosia.predict.map_work import MapWork
from celosia.spec import MAP_DESCRIPTOR, Config, Memory
from celosia.support.errors import CelosiaError, DoesNotFit

MNIST = (784, 128, 64, 10)
SMALL = (16, 8, 4)


def outline(*sizes: int) -> Outline:
    """An MLP of these widths."""
    layers = tuple(LayerOutline(f"d{n}", *pair) for n, pair in enumerate(pairwise(sizes)))
    return Outline("mlp", "float model", (), layers)


def needs(*sizes: int) -> Needs:
    return Needs(outline(*sizes))


def boards() -> list:
    """Three boards with default engines that do not depend on those of the real boards."""
    depths = {"param_depth": 64, "program_depth": 8, "act_depth": 512, "tables": 0}
    own = {"rows": 1, "cols": 8, "link_bytes": 1, "weight_depth": 2048, **depths}
    return [
        replace(board(name), config=own | {"lanes": lanes, "requantizers": requantizers})
        for name, lanes, requantizers in (
            ("upduino", 4, 1),
            ("ulx3s-85f", 8, 2),
            ("tang-nano-9k", 4, 1),
        )
    ]


UPDUINO, ULX3S, NANO = boards()


def placed(where, fmax: float | tuple[float, ...], **changes: int) -> Placement:
    """An engine of ``where``, changed, as if placed."""
    counts = {"luts": 1234, "ffs": 900, "multipliers": 5, "block_rams": 7, "single_port_rams": 0}
    seeds = fmax if isinstance(fmax, tuple) else (fmax,)
    return Placement(
        board=where.name,
        family=where.family,
        device=where.device,
        config=where.engine(**changes).to_dict(),
        technology=where.family,
        options="",
        clock_mhz=1,
        results=tuple(Result(seed=n, fmax_mhz=f) for n, f in enumerate(seeds)),
        used=counts,
        available=counts,
        tools={},
        date="2026-11-24",
    )


def only(points):
    (point,) = points
    return point


def test_counted_as_synthesis_counts():
    # Yosys's own statistics of this engine: 109 DP16KD, and 8 multipliers for the requantizers.
    found = demand(ULX3S, ULX3S.engine(rows=8, weight_depth=16384, tables=1))
    assert sum(found.block_rams.values()) == 109
    assert found.block_rams["weights"] == 64
    assert found.multipliers == 8 * 8 // 2 + 8


def test_counted_as_placed():
    placed = [each for each in load_placements() if each.technology == "ecp5-packed"]
    assert placed
    for each in placed:
        found = demand(board(each.board), Config.from_dict(dict(each.config)))
        assert sum(found.block_rams.values()) == each.used["block_rams"]
        assert found.multipliers == each.used["multipliers"]


@pytest.mark.parametrize(
    "where, rows, multipliers",
    [
        (UPDUINO, 1, 4 + 4),
        (UPDUINO, 3, 12 + 4),
        (ULX3S, 1, 8 + 8),
        (ULX3S, 3, 16 + 8),
        (NANO, 1, 16),
    ],
    ids=lambda each: getattr(each, "name", each),
)
def test_multipliers_by_family(where, rows, multipliers):
    assert demand(where, where.engine(rows=rows)).multipliers == multipliers


@pytest.mark.parametrize("depth, single", [(256, None), (257, 4), (16384, 4), (16385, None)])
def test_weights_are_in_single_port_rams_where_these_suffice(depth, single):
    found = demand(UPDUINO, UPDUINO.engine(weight_depth=depth))
    assert found.single_port_rams.get("weights") == single
    assert ("weights" in found.block_rams) == (single is None)


def test_memories_are_as_deep_as_the_model_needs():
    found = only(candidates(needs(*MNIST), UPDUINO, [1], [8], []))
    assert found.fits and found.placement is None
    assert found.config.weight_depth == (16 * 784 + 8 * 128 + 2 * 64)
    assert (found.config.lanes, found.config.requantizers) == (4, 1)
    assert found.demand.single_port_rams == {"weights": 4}


def test_what_does_not_fit_says_what_is_short():
    found = only(candidates(needs(*MNIST), NANO, [1], [8], []))
    short = only(found.short)
    assert not found.fits
    assert (short.what, short.available) == ("block RAM", 26) and short.needed > 26
    assert str(short).endswith(f"(weights {found.demand.block_rams['weights']}), has 26")
    found = only(candidates(needs(*SMALL), UPDUINO, [4], [8], []))
    assert [str(each) for each in found.short] == ["multipliers 20, has 8"]


def test_a_model_that_no_engine_of_a_shape_holds():
    found = only(candidates(needs(1 << 18, 4), ULX3S, [1], [4], []))
    assert found.config is None and found.demand is None
    assert [str(each) for each in found.short] == ["act_depth 131,072, more than any engine has"]


def test_lanes_divide_any_columns():
    found = only(candidates(needs(*SMALL), ULX3S, [2], [12], []))
    assert (found.config.lanes, found.config.requantizers) == (4, 2)


def test_shapes_that_were_placed_are_looked_at_beside_the_usual_ones():
    extra = placed(ULX3S, 100, rows=3, cols=24)
    shapes = {(c.rows, c.cols) for c in candidates(needs(*SMALL), ULX3S, None, None, [extra])}
    assert (3, 24) in shapes and (8, 8) in shapes
    shapes = {(c.rows, c.cols) for c in candidates(needs(*SMALL), ULX3S, [3], None, [extra])}
    assert (3, 24) in shapes and {rows for rows, _ in shapes} == {3}
    shapes = {(c.rows, c.cols) for c in candidates(needs(*SMALL), ULX3S, [1], [8], [extra])}
    assert shapes == {(1, 8)}


def test_a_shape_that_no_engine_has_is_refused():
    with pytest.raises(CelosiaError, match=r"sweep: rows = 33 is not an integer in 1\.\.32"):
        explore(outline(*SMALL), rows=[33], cols=[8])


def test_a_placed_engine_is_unchanged_and_has_its_median_clock():
    one = placed(ULX3S, (100.0, 140.0, 120.0), weight_depth=4096)
    found = explore(outline(*SMALL), boards=[ULX3S], rows=[1], cols=[8], placements=[one])
    point = only(found.points)
    assert point.candidate.config == one.engine
    assert (point.clock.mhz, point.clock.measured) == (120.0, True)
    expected = estimate(found.outline, one.engine)
    assert point.latency_seconds == expected.latency / 120e6
    assert point.images_per_second == 120e6 / expected.per_image
    assert point.single_per_second == pytest.approx(120e6 / expected.latency)
    assert [(u.what, u.count, u.measured) for u in point.used] == [
        ("multipliers", 5, True),
        ("block_rams", 7, True),
        ("luts", 1234, True),
        ("ffs", 900, True),
    ]


def test_no_placement_no_clock():
    others = [
        placed(NANO, 30),  # another board
        placed(ULX3S, 120, weight_depth=16),  # too small for the model
        placed(ULX3S, 110, rows=2),  # another shape
    ]
    found = explore(outline(*SMALL), boards=[ULX3S], rows=[1], cols=[8], placements=others)
    point = only(found.points)
    assert point.clock is None and point.cycles.latency > 0
    assert (point.latency_seconds, point.images_per_second) == (None, None)
    assert point.candidate.almost == "placed with weight_depth 16 < 24"
    assert {u.what: u.count for u in point.used if not u.measured}["luts"] is None
    assert found.front == []


def test_an_estimated_clock_is_marked_and_is_that_of_the_next_larger_engine():
    placements = [placed(ULX3S, 90, rows=16, cols=16), placed(ULX3S, 110, rows=8)]
    found = explore(
        outline(*SMALL),
        boards=[ULX3S],
        rows=[4, 32],
        cols=[8],
        placements=placements,
        estimate_clocks=True,
    )
    between, beyond = found.points
    assert (between.clock.mhz, between.clock.measured) == (110, False)
    assert between.clock.source == "estimate: as 8x8, ecp5"
    assert beyond.clock is None


def test_an_estimate_is_never_above_a_smaller_engine_that_was_placed():
    larger, smaller = placed(ULX3S, 130, rows=8), placed(ULX3S, 100, rows=2, weight_depth=16)
    config = ULX3S.engine(rows=4, weight_depth=24)
    assert estimated(config, ULX3S, [larger]).mhz == 130
    assert estimated(config, ULX3S, [larger, smaller]).mhz == 100
    deeper = ULX3S.engine(rows=4, weight_depth=larger.engine.weight_depth + 1)
    assert estimated(deeper, ULX3S, [larger, smaller]) is None
    # An engine for maps is slower than one for dense layers.
    maps = ULX3S.engine(rows=4, weight_depth=24, convolution=1, depthwise=1)
    assert estimated(maps, ULX3S, [larger]) is None
    able = placed(ULX3S, 80, rows=8, convolution=1, depthwise=1)
    assert estimated(maps, ULX3S, [larger, able]).mhz == 80
    assert estimated(maps, ULX3S, []) is None
    assert estimated(config, ULX3S, [larger, placed(ULX3S, 70, convolution=1)]).mhz == 130


def test_a_clock_that_leaves_out_multipliers_is_not_used():
    """nextpnr's of Gowin's FPGAs: an engine has the clock that was asked for."""
    one = replace(placed(NANO, 150), clock_mhz=27)
    assert (one.usable_mhz, measured(one).mhz, measured(one).measured) == (27, 27, True)
    assert "multipliers are not timed" in measured(one).source
    assert estimated(NANO.engine(), NANO, [one]).mhz == 27
    assert measured(replace(one, clock_mhz=160)).mhz == 150


def test_an_estimate_is_of_the_same_fpga_or_the_boards_own_clock():
    other = replace(UPDUINO, name="icebreaker")
    clock = estimated(UPDUINO.engine(), UPDUINO, [placed(other, 30), placed(ULX3S, 120)])
    assert (clock.mhz, clock.source) == (30, "estimate: as 1x8 on icebreaker, ice40")
    clock = estimated(NANO.engine(), NANO, [placed(ULX3S, 120)])
    assert (clock.mhz, clock.measured) == (NANO.clock_mhz, False)
    assert estimated(NANO.engine(rows=2), NANO, [placed(ULX3S, 120)]) is None


def priced(where, limit: float):
    return replace(where, price=replace(where.price, limit=limit))


def test_the_front():
    cheap, dear = priced(UPDUINO, 50), priced(ULX3S, 200)
    placements = [
        placed(cheap, 24),
        placed(dear, 24),  # no faster than the cheap one
        placed(dear, 100, rows=4),  # more images/s
        placed(dear, 90, rows=2),  # beaten by the one before in both
        placed(dear, 150, cols=16),  # less latency
    ]
    found = explore(
        outline(*MNIST),
        boards=[dear, cheap],
        rows=[1, 2, 4],
        cols=[8, 16],
        placements=[
            replace(each, config=dict(each.config) | {"weight_depth": 13696, "param_depth": 256})
            for each in placements
        ],
    )
    names = [(point.board.name, point.name) for point in found.front]
    assert names[0] == ("upduino", "1x8")
    assert sorted(names[1:]) == [("ulx3s-85f", "1x16"), ("ulx3s-85f", "4x8")]
    dicts = [p for p in found.to_dict()["points"] if p["front"]]
    assert len(dicts) == 3 and all(p["clock"]["measured"] for p in dicts)


def test_an_estimate_beats_nothing_measured():
    found = explore(
        outline(*SMALL), boards=[ULX3S], rows=[1], cols=[8], placements=[placed(ULX3S, 100)]
    )
    slow = only(found.points)
    fast = replace(slow, clock=replace(slow.clock, mhz=200.0))
    guess = replace(fast, clock=replace(fast.clock, measured=False))
    assert front([slow, guess]) == [guess, slow]
    assert front([slow, fast]) == [fast]
    assert front([guess, fast, replace(guess, clock=slow.clock)]) == [guess, fast]
    assert front([fast, replace(guess, clock=replace(guess.clock, mhz=100.0))]) == [fast]


def test_unsupported_operations_are_named_and_nothing_is_swept():
    bad = Operation("op", "DET", Place.UNSUPPORTED, "no such thing")
    found = explore(replace(outline(*SMALL), operations=(bad,)))
    assert found.points == ()
    assert [each["kind"] for each in found.to_dict()["unsupported"]] == ["DET"]


def test_a_model_without_layers():
    with pytest.raises(CelosiaError, match="mlp: has no layer for an engine"):
        explore(outline())


def test_the_port_bounds_images():
    where = replace(UPDUINO, baud=1_000_000)
    assert port_limit(where, outline(100, 4)) == 1000


def test_processes_find_the_same_and_say_where_they_are():
    configs = [ULX3S.engine(rows=rows, cols=cols) for rows in (1, 2) for cols in (8, 16)]
    model, said = outline(*SMALL), []
    one = predict(model, configs)
    two = predict(model, [*configs, *configs], jobs=2, progress=lambda *a: said.append(a[1:]))
    assert one == two == {config: estimate(model, config) for config in configs}
    assert said == [(n, 4) for n in (1, 2, 3, 4)]


@pytest.mark.parametrize("jobs", [0, True, 1.5])
def test_jobs_that_are_none(jobs):
    with pytest.raises(CelosiaError, match="is not an integer of at least 1"):
        predict(outline(*SMALL), [ULX3S.engine()], jobs=jobs)


def test_an_outline_with_tables_travels_to_workers():
    layer = LayerOutline("d0", 8, 4, table=np.zeros(256, np.int8))
    model = replace(outline(), layers=(layer,))
    configs = [ULX3S.engine(), ULX3S.engine(rows=2)]
    assert predict(model, configs, jobs=2) == predict(model, configs)


@pytest.fixture(scope="module")
def cnn() -> Outline:
    """A convolution, a depthwise one and a dense layer on its whole map."""
    return Outline.of(small_cnn(), "graph")


def test_engines_for_maps_have_the_operations_and_are_as_deep_as_it_needs(cnn):
    found = only(candidates(Needs(cnn), ULX3S, [2], [8], []))
    config = found.config
    assert found.fits and (config.convolution, config.depthwise) == (1, 1)
    image = compile(cnn.graph, config)
    assert len(image.records(Memory.WEIGHTS)) == config.weight_depth
    assert MapWork.of_image(image).depth == config.act_depth
    # The program of few layers is made of LUTs; a longer one is of ports of 36 bits.
    assert "program" not in found.demand.block_rams
    longer = demand(ULX3S, replace(config, program_depth=33))
    assert longer.block_rams["program"] == -(-MAP_DESCRIPTOR.width // 36)
    with pytest.raises(DoesNotFit):
        compile(cnn.graph, replace(config, weight_depth=config.weight_depth - 1))


def test_placed_engines_without_convolution_do_not_count_for_maps(cnn):
    dense, maps = placed(ULX3S, 120, rows=2), placed(ULX3S, 90, rows=2, convolution=1, depthwise=1)
    deep = {"weight_depth": 4096, "param_depth": 256, "program_depth": 16, "act_depth": 1024}
    found = explore(cnn, boards=[ULX3S], rows=[2], cols=[8], placements=[dense])
    assert only(found.points).clock is None
    almost = only(found.points).candidate.almost
    assert almost == "placed with convolution 0 < 1, depthwise 0 < 1"
    ready = replace(maps, config=dict(maps.config) | deep)
    found = explore(cnn, boards=[ULX3S], rows=[2], cols=[8], placements=[dense, ready])
    point = only(found.points)
    assert point.clock.mhz == 90
    assert point.cycles == estimate(cnn, ready.engine) and point.cycles.exact


def test_a_map_of_more_words_than_numbers_says_so(cnn):
    layer = replace(cnn.layers[0], input_shape=(250, 250, 3), output_size=(250, 250))
    large = Outline.of(Graph("large", (layer,)), "graph")
    found = only(candidates(Needs(large), ULX3S, [16], [4], []))
    assert not found.fits and found.short
    assert all(str(each) for each in found.short)
