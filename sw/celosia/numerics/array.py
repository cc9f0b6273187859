"""MAC array: every row's activation bytes against every column's weights."""

import numpy as np

from celosia.spec import ACC, ACTIVATION

__all__ = ["accumulate", "operand"]

#: Multiply-adds up to which OpenBLAS stays in the calling thread, and from which its threads pay.
#: In between they mostly wait for each other: a hundred times slower when other work has the cores.
_ONE_THREAD, _WORTH_THREADS = 1 << 18, 1 << 26


def operand(weights: np.ndarray) -> np.ndarray:
    """Weights as the narrowest float type whose matrix product is exact.

    Every partial sum, in whatever order, is an integer of magnitude at most
    ``255 * sum(|w|)``. Up to 2**24 float32 holds it; float64 always does, as ``K < 2**20``.

    Parameters
    ----------
    weights : int8 [K, C].

    Returns
    -------
    float32 or float64 [K, C].
    """
    largest = ACTIVATION.max * int(np.abs(weights.astype(np.int64)).sum(axis=0).max(initial=0))
    return weights.astype(np.float32 if largest <= 1 << 24 else np.float64)


def accumulate(u: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """``acc[i, c] = wrap32(sum over k of u[i, k] * weights[k, c])``, exactly.

    Parameters
    ----------
    u : uint8 [images, K].
    weights : int8 [K, C], or what `operand` made of it (to convert once for many calls).

    Returns
    -------
    int32 [images, C].
    """
    w = weights if weights.dtype.kind == "f" else operand(weights)
    u = u.astype(w.dtype)
    (k, c), per_k = w.shape, len(u) * w.shape[1]
    step = k if k * per_k >= _WORTH_THREADS else max(_ONE_THREAD // max(per_k, 1), 1)
    acc = np.zeros((len(u), c), w.dtype)
    for start in range(0, k, step):
        acc += u[:, start : start + step] @ w[start : start + step]
    # Through int64: a float beyond int32 has no defined cast, an integer wraps as a register does.
    return acc.astype(np.int64).astype(ACC.dtype)
