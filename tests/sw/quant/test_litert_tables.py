"""Element tables against LiteRT, over all 256 inputs."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as tfl
from ai_edge_litert.interpreter import OpResolverType
from tests.helpers.litert import Op, Tensor, build, run

from celosia.numerics.quant import Quant
from celosia.quant.tables import FUNCTIONS, element_table
from celosia.support.errors import Unsupported

ALL = np.arange(-128, 128).astype(np.int8).reshape(1, 256)


def judge(name, source, output, parameters):
    options = None
    if name == "LEAKY_RELU":
        options = tfl.LeakyReluOptionsT()
        options.alpha = parameters["alpha"]
    elif name == "GELU":
        options = tfl.GeluOptionsT()
        options.approximate = parameters["approximate"]
    data = build(
        [
            Tensor((1, 256), "int8", source.scale, source.zero_point),
            Tensor((1, 256), "int8", output.scale, output.zero_point, name="y"),
        ],
        [Op(name, [0], [1], options)],
        [0],
        [1],
    )
    # BUILTIN_REF lacks ELU; the built-in kernel is the same table.
    resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES if name == "ELU" else None
    return run(data, ALL, **({"resolver": resolver} if resolver else {}))["y"][0]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_input_for_many_scales(name):
    rng = np.random.default_rng(7)
    for index in range(150):
        source = Quant(_scale(10 ** rng.uniform(-4, 0.7)), _zero_point(rng))
        output = Quant(_scale(source.scale * 10 ** rng.uniform(-1, 1)), _zero_point(rng))
        if name == "LOGISTIC":
            output = Quant(1 / 256, (-128, output.zero_point)[index % 2])
        elif name == "TANH" and index % 2:
            output = Quant(1 / 128, 0)
        elif name.startswith("RELU") and index % 3 == 0:
            output = source
        parameters = {
            "LEAKY_RELU": {"alpha": _scale(rng.uniform(0, 1.5))},
            "GELU": {"approximate": bool(index % 2)},
        }.get(name, {})
        table = element_table(name, source, output, **parameters)
        assert np.array_equal(table, judge(name, source, output, parameters)), (
            f"{index}: {source} {output} {parameters}"
        )


@pytest.mark.parametrize("name", ["RELU", "RELU6", "LEAKY_RELU"])
def test_factors_are_float32(name):
    """In float32 the factor of these scales is 1.5, and that of a leak 0.5: half are ties."""
    rng = np.random.default_rng(8)
    for _ in range(60):
        output = Quant(_scale(10 ** rng.uniform(-3, 0)), _zero_point(rng))
        source = Quant(_scale(output.scale * 1.5), _zero_point(rng))
        parameters = {}
        if name == "LEAKY_RELU":
            parameters = {"alpha": _scale(0.5 * output.scale / source.scale)}
        table = element_table(name, source, output, **parameters)
        assert np.array_equal(table, judge(name, source, output, parameters)), f"{source} {output}"


def test_hard_swish_of_scales_far_apart():
    """Shifts by 16 bits and more of its 16-bit values."""
    for scale, step in ((2.0**-10, 26.0), (2.0**-10, 1.0), (2.0**-20, 0.001), (2.0**-26, 1e-8)):
        source, output = Quant(scale, 5), Quant(_scale(step), -3)
        table = element_table("HARD_SWISH", source, output)
        assert np.array_equal(table, judge("HARD_SWISH", source, output, {})), f"{scale} {step}"


def test_what_litert_refuses_is_refused():
    with pytest.raises(Unsupported, match="1/256"):
        element_table("LOGISTIC", Quant(0.1, 0), Quant(0.1, 0))
    with pytest.raises(Unsupported, match="too small"):
        element_table("HARD_SWISH", Quant(1.0, 0), Quant(0.001, 0))
    with pytest.raises(Unsupported, match="overflows"):
        element_table("RELU", Quant(1.0, 0), Quant(1e-9, 0))
    with pytest.raises(Unsupported, match="overflows"):
        element_table("ELU", Quant(1.0, 0), Quant(1e-9, 0))


def _scale(value: float) -> float:
    return float(np.float32(value))


def _zero_point(rng) -> int:
    return int(rng.choice([-128, 127, 0, rng.integers(-128, 128)]))
