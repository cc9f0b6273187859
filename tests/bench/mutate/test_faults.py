"""What is said of a flip in a memory that the host wrote."""

import dataclasses

import numpy as np
import pytest
from bench.mutate.design import design, verilog
from bench.mutate.engines import ENGINES
from bench.mutate.faults import _Scene

from celosia.spec import Memory
from celosia.support.progress import silent

pytestmark = pytest.mark.simulator

SEED = 3
ENGINE = dataclasses.replace(ENGINES["2x4"], weight_depth=128, act_depth=64)


@pytest.fixture(scope="module")
def scene():
    print(f"seed {SEED}")
    return _Scene(ENGINE, verilog(design(ENGINE, 1, SEED, silent), silent), SEED, silent)


@pytest.mark.parametrize("memory", [Memory.WEIGHTS, Memory.PARAMS, Memory.PROGRAM])
def test_what_is_written_again_is_masked(scene, memory):
    written = scene.image.records(memory)[:1]
    assert scene._judge(scene._play((memory, 0, written))) == "masked"


def test_a_flip_of_a_weight_is_verified(scene):
    rng = np.random.default_rng(SEED)
    assert [scene.outcome_of_memory(Memory.WEIGHTS, rng) for _ in range(5)] == ["verified"] * 5
