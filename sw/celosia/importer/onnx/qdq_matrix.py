"""The linear layers of a quantized ONNX model, and the constants they are made of."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from celosia.importer.guard import Budget
from celosia.network.functions import Function, X
from celosia.network.graph import Dense
from celosia.numerics.multiplier import effective_scale
from celosia.numerics.quant import Quant
from celosia.quant.activation import clamp_of
from celosia.quant.exact_multiplier import accumulator_range, fit_multipliers
from celosia.spec import BIAS
from celosia.support.errors import CelosiaError, Unsupported

from .constants import along
from .operators import Call

__all__ = ["TODO", "Constant", "Matrix", "dense", "matrix"]

#: What to do about a model that is not quantized in a supported form.
TODO = "quantize it with onnxruntime's quantize_static, QuantFormat.QDQ"


@dataclass(frozen=True, eq=False)
class Constant:
    """A constant after a DequantizeLinear: ``q * scale``.

    Parameters
    ----------
    q : int64, the file's integers less their zero points.
    scale : float32, scalar or one per index of ``axis``.
    """

    q: np.ndarray
    scale: np.ndarray
    axis: int

    @property
    def real(self) -> np.ndarray:
        """float64, of the shape of `q`."""
        return self.q * along(self.scale.astype(np.float64), self.q.ndim, self.axis)


@dataclass(frozen=True, eq=False)
class Matrix:
    """A linear layer whose output has no scale yet.

    Parameters
    ----------
    weights : int8 [N, K].
    scales : float32 [N], of the weights.
    bias : int64 [N], in units of ``source.scale * scales``.
    source : of the layer's input.
    name : of the layer.
    """

    weights: np.ndarray
    scales: np.ndarray
    bias: np.ndarray
    source: Quant
    name: str

    def plus(self, bias: Any) -> "Matrix":
        """The same layer with ``bias``, a `Constant` or array, added to its own.

        Raises
        ------
        Unsupported : ``bias`` is not a constant of one value or one per output.
        """
        return replace(self, bias=self.bias + self._steps(bias))

    def _steps(self, bias: Any) -> np.ndarray:
        """``bias`` in the units of `bias`: the file's integers where they have that scale, else
        the nearest ones."""
        unit = np.float64(self.source.scale) * self.scales.astype(np.float64)
        if isinstance(bias, Constant):
            if bias.q.size == len(unit) and np.allclose(bias.scale, unit, rtol=1e-4, atol=0):
                return bias.q.reshape(-1)
            bias = bias.real
        if not isinstance(bias, np.ndarray) or bias.size not in (1, len(unit)):
            raise Unsupported(f"its bias is not a constant of {len(unit)} values")
        steps = np.rint(np.asarray(bias, np.float64).reshape(-1) / unit)
        return np.clip(steps, -(2.0**40), 2.0**40).astype(np.int64)


def matrix(call: Call, shape: tuple[int, ...], source: Quant, budget: Budget) -> Matrix:
    """A Gemm or MatMul on an input of ``shape``, without the batch axis, and quantization
    ``source``.

    Raises
    ------
    CelosiaError : the shapes of weights and input do not match.
    Unsupported : a form of the operator or its constants that has no exact form in the engine.
    """
    weights = call.get(1)
    if not isinstance(weights, Constant) or weights.q.ndim != 2:
        raise Unsupported("its weights are not a quantized constant matrix", todo=TODO)
    if call.number("transA", 0) or call.number("alpha", 1.0) != 1 or call.number("beta", 1.0) != 1:
        raise Unsupported("transA, alpha or beta differ from their defaults")
    budget.spend(2 * weights.q.size)
    # Weights as [N, K], and the file's axis of N.
    transposed = bool(call.number("transB", 0))
    q, outputs = (weights.q, 0) if transposed else (weights.q.T, 1)
    if weights.scale.ndim and weights.axis % 2 != outputs:
        raise Unsupported("its weights have a scale per input, not per output")
    if q.shape[1] != shape[-1] or shape[-1] != np.prod(shape):
        raise CelosiaError(f"weights for {q.shape[1]} inputs on {list(shape)}")
    if 0 in q.shape:
        raise CelosiaError(f"weights of shape {list(q.shape)}")
    if q.min() < -128 or q.max() > 127:
        raise Unsupported(
            "weights minus their zero point exceed int8", todo="quantize weights symmetrically"
        )
    scales = np.broadcast_to(weights.scale, len(q))
    no_bias = np.zeros(len(q), np.int64)
    made = Matrix(q.astype(np.int8), scales, no_bias, source, call.node.name)
    return made if call.get(2) is None else made.plus(call.get(2))


def dense(matrix: Matrix, f: Function, output: Quant) -> Dense:
    """The layer ``f(matrix)`` with results of quantization ``output``.

    Raises
    ------
    Unsupported : ``f`` does more than clip, or a bias or scale factor is too large.
    """
    if f != X and not f.limits:
        raise Unsupported(f"{f} follows a layer whose sums have no scale", todo=TODO)
    bias = matrix.bias
    if bias.min() < BIAS.min or bias.max() > BIAS.max:
        raise Unsupported("a bias exceeds 32 bits", where=matrix.name)
    clamp = clamp_of(f, output)
    low, high = accumulator_range(matrix.weights, bias, matrix.source.zero_point)
    real = effective_scale(matrix.source.scale, matrix.scales, output.scale)
    if not (real < 2.0**30).all():
        raise Unsupported("a scale factor exceeds 2**30", where=matrix.name)
    m, shift, _ = fit_multipliers(real, low, high, output.zero_point, clamp)
    return Dense(
        matrix.name,
        matrix.weights,
        bias.astype(np.int32),
        matrix.source,
        m,
        shift,
        output,
        clamp=clamp,
    )
