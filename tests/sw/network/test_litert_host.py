"""Host steps against LiteRT: SOFTMAX, QUANTIZE and DEQUANTIZE."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as tfl
from tests.helpers.litert import Op, Tensor, build, run

from celosia.network.steps import Dequantize, Quantize, Requantize, Softmax
from celosia.numerics.quant import Quant
from celosia.support.errors import CelosiaError, Unsupported


def judge(code, source, target, x, options=None):
    """One operator's result; `source` and `target` are (dtype, Quant or None)."""
    tensors = [
        Tensor(x.shape, dtype, quant and quant.scale, quant.zero_point if quant else 0, name=name)
        for name, (dtype, quant) in (("x", source), ("y", target))
    ]
    return run(build(tensors, [Op(code, [0], [1], options)], [0], [1]), x)["y"]


@pytest.mark.parametrize("seed", range(4))
def test_softmax(seed):
    rng = np.random.default_rng(seed)
    for index in range(60):
        n = 10 if index % 3 else int(rng.integers(1, 400))
        # Down to the smallest scale that LiteRT takes and up to one-hot results.
        beta = _f32(rng.choice([1.0, 0.5, 2.0, 10 ** rng.uniform(-1, 1)]))
        step = Softmax(Quant(_f32(10 ** rng.uniform(-6.5, 1.5)), _zero_point(rng)), beta)
        x = rng.integers(-128, 128, (20, n)).astype(np.int8)
        if index % 2:
            x = np.clip(rng.normal(0, 15, (20, n)), -128, 127).astype(np.int8)
        options = tfl.SoftmaxOptionsT()
        options.beta = beta
        expected = judge("SOFTMAX", ("int8", step.input), ("int8", step.output), x, options)
        assert np.array_equal(step(x), expected), f"seed {seed}, {index}: {step}, n = {n}"


def test_softmax_refuses_what_litert_aborts_on():
    with pytest.raises(Unsupported, match="2\\*\\*-26"):
        Softmax(Quant(2.0**-26, 0))
    with pytest.raises(Unsupported):
        Softmax(Quant(1.0, 0), float("nan"))


def test_requantize_every_byte():
    rng = np.random.default_rng(3)
    for index in range(200):
        names = [str(name) for name in rng.choice(["int8", "uint8"], 2)]
        scale = _f32(10 ** rng.uniform(-4, 1))
        other = scale if index % 4 == 0 else _f32(scale * 10 ** rng.uniform(-3, 3))
        if index % 3 == 0:
            scale, other = 2.0 ** rng.integers(-8, 3), 2.0 ** rng.integers(-8, 3)
        limits = [np.iinfo(name) for name in names]
        zero = [int(rng.integers(limit.min, limit.max + 1)) for limit in limits]
        source, target = Quant(float(scale), zero[0]), Quant(float(other), zero[1])
        x = np.arange(limits[0].min, limits[0].max + 1).astype(names[0]).reshape(1, 256)
        expected = judge("QUANTIZE", (names[0], source), (names[1], target), x)
        assert np.array_equal(Requantize(source, target, *names)(x), expected), f"{index}"


def test_requantize_refuses_overflow():
    with pytest.raises(Unsupported, match="overflows"):
        Requantize(Quant(1.0, 0), Quant(1e-8, 0))


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_quantize_and_dequantize(dtype):
    rng = np.random.default_rng(4)
    limit = np.iinfo(dtype)
    every = np.arange(limit.min, limit.max + 1).astype(dtype).reshape(1, 256)
    for index in range(100):
        quant = Quant(_f32(10 ** rng.uniform(-5, 1)), int(rng.integers(limit.min, limit.max + 1)))
        x = (rng.normal(0, 100, (1, 256)) * quant.scale).astype(np.float32)
        x[0, :40] = (rng.integers(-200, 200, 40) + 0.5) * quant.scale
        x[0, 40:80] = np.nextafter(x[0, :40], 0)
        x[0, 80] = np.float32(0.49999997) * np.float32(quant.scale)
        expected = judge("QUANTIZE", ("float32", None), (dtype, quant), x)
        assert np.array_equal(Quantize(quant, dtype)(x), expected), f"{index}: {quant}"
        expected = judge("DEQUANTIZE", (dtype, quant), ("float32", None), every)
        reals = Dequantize(quant, dtype)(every)
        assert np.array_equal(reals.view(np.int32), expected.view(np.int32)), f"{index}: {quant}"


def test_quantize_saturates_and_refuses_nan():
    step = Quantize(Quant(1e-30, 3))
    assert step(np.float32([[3e38, -3e38]])).tolist() == [[127, -128]]
    with pytest.raises(CelosiaError, match="finite"):
        step(np.float32([[np.nan]]))


def _f32(value: float) -> float:
    return float(np.float32(value))


def _zero_point(rng) -> int:
    return int(rng.integers(-128, 128))
