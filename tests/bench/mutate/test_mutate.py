"""`make mutate` in small: 200 mutants of an engine, of which the cheap stimulus kills most."""

import dataclasses
import re

import pytest
from bench.mutate import stimulus
from bench.mutate.engines import ENGINES
from bench.mutate.lanes import Lanes
from bench.mutate.run import mutate

pytestmark = pytest.mark.simulator

SEED = 5
ENGINE = dataclasses.replace(ENGINES["2x4"], weight_depth=128, act_depth=64)
CHEAP = (
    (stimulus.empty, 1),
    (stimulus.programs, 1),
    (stimulus.network, 2),
    (stimulus.factors, 1),
    (stimulus.mixture, 1),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("mutate")


def test_most_of_200_mutants_are_killed(folder, monkeypatch, runs_long):
    print(f"seed {SEED}")
    score = mutate(ENGINE, 200, SEED, folder, stimuli=CHEAP, prove=False)
    assert score.mutants == 200
    assert score.killed + len(score.survivors) == 200
    assert score.killed >= 150, score.survivors
    # A run that was interrupted goes on: here nothing is left to play.
    monkeypatch.setattr(Lanes, "play", None)
    again = mutate(ENGINE, 200, SEED, folder, stimuli=CHEAP, prove=False)
    assert (again.killed, again.by, again.survivors) == (score.killed, score.by, score.survivors)


def test_without_networks_most_survive(folder, runs_long):
    score = mutate(ENGINE, 200, SEED, folder, stimuli=((stimulus.empty, 1),), prove=False)
    assert score.killed < 120
    # Each names its mode, cell and bit.
    assert all(re.match(r"(inv|const[01]|cnot[01]) \S+\[\d+\] \(", s) for s in score.survivors)
