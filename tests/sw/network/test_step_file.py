"""Host steps of a damaged file: nothing of another type or range is read back."""

import pytest

from celosia.network.heads import Head, named
from celosia.network.host_steps import HostSteps
from celosia.network.step_file import checked, follow, plain
from celosia.network.steps import (
    Dequantize,
    FloatSoftmax,
    Quantize,
    QuantizeLinear,
    Reorder,
    Requantize,
    Softmax,
)
from celosia.numerics.quant import Quant

QUANT = Quant(0.5, 3)
STEPS = (
    Quantize(QUANT, "uint8"),
    QuantizeLinear(QUANT),
    Requantize(QUANT, Quant(0.25, 200), "int8", "uint8"),
    Reorder((2, 3, 4), (2, 0, 1)),
    Softmax(QUANT, 0.5),
    Dequantize(QUANT),
    FloatSoftmax(True),
)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
def test_a_step_comes_back(step):
    assert checked({"post": [plain(step)]}) == {"post": (step,)}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"pre": "Quantize"}, "pre is no list of at most 8"),
        ({"post": [plain(FloatSoftmax(True))] * 9}, "post is no list of at most 8"),
        ({"shape": [1, 0]}, r"shape = \[1, 0\]"),
        ({"input_shape": [2.0]}, r"input_shape = \[2.0\]"),
        ({"dtype": "int4"}, "dtype = 'int4'"),
        ({"output_dtype": None}, "output_dtype = None"),
        ({"name": 3}, "name = 3"),
        ({"pre": [{"step": "system"}]}, "host step 'system' is unknown"),
        ({"pre": [plain(STEPS[0]) | {"more": 1}]}, r"Quantize of \["),
        ({"pre": [plain(STEPS[0]) | {"dtype": "int4"}]}, "dtype = 'int4'"),
        ({"pre": [plain(STEPS[3]) | {"axes": [1.5]}]}, "axes is no list of int"),
        ({"pre": [plain(STEPS[3]) | {"shape": 4}]}, "shape is no list of int"),
        ({"post": [plain(STEPS[6]) | {"log": "yes"}]}, "log = 'yes'"),
        ({"post": [plain(STEPS[5]) | {"input": {"scale": 0.5, "zero_point": 900}}]}, "zero_point"),
    ],
)
def test_what_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        checked(values)


def test_steps_follow_each_other():
    assert follow(Dequantize(QUANT), "int8") == "float32"
    with pytest.raises(ValueError, match="FloatSoftmax takes float32, not int8"):
        follow(FloatSoftmax(True), "int8")


HOST = HostSteps(
    pre=(QuantizeLinear(QUANT), Reorder((2, 3), (1, 0), "int8")),
    post=(Dequantize(QUANT),),
    input_shape=(6,),
    input_dtype="float32",
    output_shape=(4,),
    output_dtype="float32",
    more=(Head(name="second", shape=(3,)),),
)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pre": None}, "pre is no list"),
        ({"more": {}}, "more is no list of at most"),
        ({"input_shape": [7]}, "Reorder takes 6 values"),
        ({"pre": []}, "the engine would be given float32"),
        ({"post": []}, "the output would be int8, not float32"),
        ({"post": [plain(FloatSoftmax(False))]}, "FloatSoftmax takes float32, not int8"),
    ],
)
def test_of_a_whole_file(changes, message):
    assert HostSteps.from_dict(HOST.to_dict()) == HOST
    with pytest.raises(ValueError, match=message):
        HostSteps.from_dict(HOST.to_dict() | changes)


def test_what_is_missing_is_named():
    values = HOST.to_dict()
    del values["post"]
    with pytest.raises(KeyError, match="post"):
        HostSteps.from_dict(values)


@pytest.mark.parametrize(
    ("heads", "message"),
    [
        ((Head(name="a", shape=(3,)),), "1 outputs for 2 results"),
        ((Head(name="a", shape=(3,)), Head(name="b", shape=(5,))), r"shape \[5\] does not hold 4"),
        ((Head(name="a", shape=(3,)), Head(name="a", shape=(4,))), "two outputs are called 'a'"),
        ((Head(name="two", shape=(3,)), Head(name="", shape=(4,))), "two outputs are called 'two'"),
    ],
)
def test_of_heads(heads, message):
    with pytest.raises(ValueError, match=message):
        named(heads, [("one", 3), ("two", 4)])
