"""Ports of products that come from multiplier blocks."""

from amaranth import *

from celosia.spec import ACTIVATION, WEIGHT, Config

__all__ = ["BlockProducts"]


class BlockProducts(Elaboratable):
    """Ports of `celosia_hw.cells.portable.Products`, with a 16-bit signal for every product."""

    def __init__(self, config: Config):
        rows, cols = range(config.rows), range(config.cols)
        self.u = [Signal(ACTIVATION.width, name=f"u_{row}") for row in rows]
        self.w = [Signal(signed(WEIGHT.width), name=f"w_{col}") for col in cols]
        self.p = {
            (row, col): Signal(
                signed(ACTIVATION.width + WEIGHT.width), name=f"p_{row}_{col}", reset_less=True
            )
            for row in rows
            for col in cols
        }
