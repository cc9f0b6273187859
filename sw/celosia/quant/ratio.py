"""Signal to noise ratios in decibels."""

import numpy as np

__all__ = ["each_ratio", "mean_ratio", "ratio"]

#: What a result without noise counts in a mean.
_BEST = 100.0


def ratio(signal: np.ndarray, result: np.ndarray) -> float | None:
    """``10 * log10(sum(signal**2) / sum((result - signal)**2))``; None without signal or noise."""
    signal = np.asarray(signal, np.float64)
    power, noise = np.square(signal).sum(), np.square(result - signal).sum()
    return float(10 * np.log10(power / noise)) if power > 0 and noise > 0 else None


def each_ratio(signal: np.ndarray, result: np.ndarray) -> list[float | None]:
    """`ratio` of every column of two arrays [n, N]."""
    columns = range(signal.shape[1])
    return [ratio(signal[:, each], result[:, each]) for each in columns]


def mean_ratio(signal: np.ndarray, result: np.ndarray) -> float:
    """The mean of `each_ratio` over the columns that have a signal; 100 dB without noise, at most.

    Unlike the ratio of all values it does not forget a small result beside a large one.
    """
    live = np.flatnonzero(np.square(np.asarray(signal, np.float64)).sum(axis=0) > 0)
    found = each_ratio(signal[:, live], result[:, live])
    return float(np.mean([_BEST if each is None else min(each, _BEST) for each in found or [None]]))
