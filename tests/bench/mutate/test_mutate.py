"""`make mutate` in small: 200 mutants of an engine, of which the cheap stimulus kills most."""

import dataclasses

import pytest
from bench.mutate import stimulus
from bench.mutate.engines import ENGINES
from bench.mutate.run import mutate

pytestmark = pytest.mark.simulator

SEED = 5
ENGINE = dataclasses.replace(ENGINES["2x4"], weight_depth=128, act_depth=64)
CHEAP = ((stimulus.empty, 1), (stimulus.network, 3), (stimulus.lengths, 1), (stimulus.mixture, 1))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("mutate")


def test_most_of_200_mutants_are_killed(folder, capsys):
    print(f"seed {SEED}")
    score = mutate(ENGINE, 200, SEED, folder, stimuli=CHEAP, prove=False)
    assert score.mutants == 200
    assert score.killed + len(score.survivors) == 200
    assert score.killed >= 160, score.survivors
    # An interrupted run goes on: nothing is left to play.
    said = []
    again = mutate(
        ENGINE,
        200,
        SEED,
        folder,
        stimuli=CHEAP,
        prove=False,
        progress=lambda *said_now: said.append(said_now[0]),
    )
    assert (again.killed, again.by) == (score.killed, score.by)
    assert not [text for text in said if text.startswith("mutants killed")]


def test_without_networks_most_survive(folder):
    score = mutate(ENGINE, 200, SEED, folder, stimuli=((stimulus.empty, 1),), prove=False)
    assert score.killed < 120
    assert all("hw/" in text or "(" in text for text in score.survivors)
