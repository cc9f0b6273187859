"""Folded biases and the proof that no accumulator overflows."""

from dataclasses import replace

import numpy as np
import pytest
from tests.helpers.networks import plain

from celosia.compiler import compile
from celosia.network.graph import Graph
from celosia.ops.fold import fold
from celosia.spec import Config
from celosia.support.errors import CelosiaError


def test_no_accumulator_overflow():
    inputs = 65000  # 255 * 65000 * 127 is just below 2**31
    layer = plain(np.full((2, inputs), 127), [0, 0])
    reach = 255 * inputs * 127
    assert fold(layer).tolist() == [0, 0]
    room = (1 << 31) - 1 - reach
    assert fold(replace(layer, bias=np.array([room, -room]))).tolist() == [room, -room]
    for channel in (0, 1):
        bias = np.zeros(2, np.int64)
        bias[channel] = -(room + 1)
        with pytest.raises(CelosiaError, match=f"dense, channel {channel}: sums up to 2147483648"):
            fold(replace(layer, bias=bias))


def test_folded_bias_must_fit():
    layer = plain(np.full((3, 70000), -127), [0, 0, 0], zero_point=127)
    with pytest.raises(CelosiaError, match="dense, channel 0: the folded bias 2266950000 does not"):
        fold(layer)
    with pytest.raises(CelosiaError, match="dense, channel 0: the folded bias"):
        compile(
            Graph("g", (layer,)),
            Config.default(1, 4, act_depth=1 << 16, weight_depth=1 << 18, convolution=0),
        )
