"""Element tables and SOFTMAX against TFLite Micro, over all 256 inputs."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as tfl
from tests.helpers.litert import Op, Tensor, build
from tests.helpers.tflm import refuses, run

from celosia.network.steps import Quantize, Requantize, Softmax
from celosia.numerics.quant import Quant
from celosia.numerics.runtime import Runtime
from celosia.quant.micro_tables import MISSING
from celosia.quant.tables import FUNCTIONS, element_table
from celosia.support.errors import Unsupported

ALL = np.arange(-128, 128).astype(np.int8).reshape(1, 256)
NAMES = [name for name in FUNCTIONS if name not in MISSING]


def model(name, source, output, alpha=0.0, types=("int8", "int8"), width=256):
    """One operator; a quantization may be None."""
    options = None
    if name == "LEAKY_RELU":
        options = tfl.LeakyReluOptionsT()
        options.alpha = alpha
    elif name == "GELU":
        options = tfl.GeluOptionsT()
    elif name == "SOFTMAX":
        options = tfl.SoftmaxOptionsT()
        options.beta = alpha
    tensors = [
        Tensor((1, width), dtype, quant and quant.scale, quant.zero_point if quant else 0)
        for dtype, quant in zip(types, (source, output), strict=True)
    ]
    return build(tensors, [Op(name, [0], [1], options)], [0], [1])


@pytest.mark.parametrize("name", NAMES)
def test_every_input_for_many_scales(name):
    rng, others = np.random.default_rng(7), 0
    for index in range(300):
        source = Quant(_f32(10 ** rng.uniform(-5, 1.5)), _zero_point(rng))
        output = Quant(_f32(source.scale * 10 ** rng.uniform(-1, 1)), _zero_point(rng))
        if index % 5 == 0:
            source = Quant(2.0 ** rng.integers(-10, 3), source.zero_point)
        if name == "LOGISTIC":
            output = Quant((1 / 256, output.scale)[index % 4 == 1], -128)
        elif name == "TANH" and index % 2:
            output = Quant(1 / 128, 0)
        elif name.startswith("RELU") and index % 3 == 0:
            output = source
        parameters = {"alpha": _f32(rng.uniform(0, 1.5))} if name == "LEAKY_RELU" else {}
        try:
            table = element_table(name, source, output, Runtime.TFLM, **parameters)
        except Unsupported as error:
            # What TFLite Micro refuses, or what has no defined value.
            assert "too small" in str(error) or "too large" in str(error), f"{index}: {error}"
            continue
        judge = run(model(name, source, output, **parameters), ALL, [])[0][0]
        assert np.array_equal(table, judge), f"{index}: {source} {output} {parameters}"
        try:
            other = element_table(name, source, output, **parameters)
            others += not np.array_equal(table, other)
        except Unsupported:
            others += 1
    # Those of LiteRT, which would be red here.
    assert (others > 0) == (name in ("LOGISTIC", "TANH", "ELU", "RELU6"))


@pytest.mark.parametrize("name", ["LOGISTIC", "TANH"])
def test_scales_at_the_ends_of_what_is_defined(name):
    output = Quant(1 / 256, -128)
    for scale in (2.0**-28, 2.0**-27, 15 / 128, 0.12, 8.0, 15.0, 16.0, 2.0**34):
        source = Quant(scale, 3)
        table = element_table(name, source, output, Runtime.TFLM)
        assert np.array_equal(table, run(model(name, source, output), ALL, [])[0][0]), scale
    for scale in (2.0**-29, 2.0**36):
        with pytest.raises(Unsupported, match="is outside of 2\\*\\*-28..2\\*\\*35"):
            element_table(name, Quant(scale, 0), output, Runtime.TFLM)


@pytest.mark.parametrize("name", MISSING)
def test_functions_that_it_lacks(name):
    assert refuses(model(name, Quant(0.1, 0), Quant(0.1, 0)))


def test_what_it_refuses_is_refused():
    source, output = Quant(0.1, 0), Quant(1 / 256, -127)
    assert refuses(model("LOGISTIC", source, output))
    with pytest.raises(Unsupported, match="output zero point -127 is not -128"):
        element_table("LOGISTIC", source, output, Runtime.TFLM)
    with pytest.raises(Unsupported, match="overflows 32 bits"):
        element_table("RELU6", Quant(1e-9, 0), output, Runtime.TFLM)
    with pytest.raises(Unsupported, match="overflows 32 bits"):
        element_table("ELU", Quant(1.0, 0), Quant(1e-9, 0), Runtime.TFLM)


def test_softmax():
    rng = np.random.default_rng(9)
    for index in range(120):
        n = 10 if index % 3 else int(rng.integers(1, 400))
        beta = _f32(rng.choice([1.0, 0.5, 2.0, 10 ** rng.uniform(-1, 1)]))
        step = Softmax(Quant(_f32(10 ** rng.uniform(-6.5, 1.5)), _zero_point(rng)), beta)
        x = rng.integers(-128, 128, (20, n)).astype(np.int8)
        if index % 2:
            x = np.clip(rng.normal(0, 15, (20, n)), -128, 127).astype(np.int8)
        data = model("SOFTMAX", step.input, step.output, beta, width=n)
        assert np.array_equal(step(x), run(data, x, [])[0]), f"{index}: {step}, n = {n}"


def test_quantize():
    """From bytes to bytes all of them, and from reals many, with ties."""
    rng = np.random.default_rng(10)
    for index in range(150):
        names = [("int8", "int8"), ("int8", "uint8"), ("uint8", "int8")][index % 3]
        scale = _f32(10 ** rng.uniform(-4, 1))
        other = scale if index % 4 == 0 else _f32(scale * 10 ** rng.uniform(-3, 3))
        limits = [np.iinfo(name) for name in names]
        zero = [int(rng.integers(limit.min, limit.max + 1)) for limit in limits]
        source, target = Quant(scale, zero[0]), Quant(other, zero[1])
        x = np.arange(limits[0].min, limits[0].max + 1).astype(names[0]).reshape(1, 256)
        judge = run(model("QUANTIZE", source, target, types=names), x, [])[0]
        assert np.array_equal(Requantize(source, target, *names)(x), judge), f"{index}"
    for index in range(60):
        output = Quant(_f32(2.0 ** rng.integers(-8, 3) * (1, 0.7)[index % 2]), _zero_point(rng))
        x = rng.uniform(-150, 150, (1, 256)) * output.scale
        x = np.where(
            rng.random(x.shape) < 0.5, np.round(x / output.scale * 2) / 2, x / output.scale
        )
        x = (x * output.scale).astype(np.float32)
        data = model("QUANTIZE", None, output, types=("float32", "int8"))
        assert np.array_equal(Quantize(output)(x), run(data, x, [])[0]), f"reals, {index}"


def _f32(value: float) -> float:
    return float(np.float32(value))


def _zero_point(rng) -> int:
    return int(rng.choice([-128, 127, 0, rng.integers(-128, 128)]))
