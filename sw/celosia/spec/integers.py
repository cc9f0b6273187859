"""Whole numbers rounded up."""

__all__ = ["ceil_div", "round_up"]


def ceil_div(a: int, b: int) -> int:
    """``ceil(a / b)``, exactly, for integers with ``b > 0``."""
    return -(-a // b)


def round_up(a: int, step: int) -> int:
    """The smallest multiple of ``step`` that is not below ``a``."""
    return ceil_div(a, step) * step
