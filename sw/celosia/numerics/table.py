"""Element table: any function of one byte."""

import numpy as np

__all__ = ["apply_table"]


def apply_table(u: np.ndarray, table: np.ndarray) -> np.ndarray:
    """``y = table[u]``, both in offset binary.

    Parameters
    ----------
    u : uint8 [...].
    table : uint8 [256].

    Returns
    -------
    uint8 [...].
    """
    return table[u]
