"""Element tables that the runtimes compute in float32."""

from collections.abc import Callable

import numpy as np

from celosia.numerics.quant import Quant
from celosia.support.errors import Unsupported

__all__ = ["libm", "through_float"]

#: Of a source and an output quantization, the unclamped values of all 256 inputs.
_Values = Callable[[Quant, Quant], np.ndarray]

_f32 = np.float32
_Q = np.arange(-128, 128, dtype=np.int64)


def through_float(transform: Callable[[np.ndarray], np.ndarray]) -> _Values:
    """``transform`` of reals, computed in float32 and rounded with ties away from zero."""

    def values(source: Quant, output: Quant) -> np.ndarray:
        with np.errstate(all="ignore"):
            inverse = _f32(1) / _f32(output.scale)
            x = _f32(source.scale) * (_Q - source.zero_point).astype(_f32)
            scaled = transform(x).astype(_f32) * inverse
            whole = np.trunc(scaled)
            whole += np.where(np.abs(scaled - whole) >= 0.5, np.sign(scaled), _f32(0))
            total = whole + _f32(output.zero_point)
        if not (np.abs(total) < 2.0**31).all():
            raise Unsupported(f"scale {output.scale:g} overflows 32 bits")
        return total.astype(np.int64)

    return values


def libm(function: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> np.ndarray:
    """A float32 function of C's library, which is closest to the float64 one rounded once."""
    return function(x.astype(np.float64)).astype(_f32)
