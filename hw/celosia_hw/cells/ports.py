"""Ports of the array's products."""

from amaranth import *

from celosia.spec import ACTIVATION, WEIGHT, Config

__all__ = ["BlockProducts", "activations"]


def activations(config: Config) -> dict[tuple[int, int], Signal]:
    """The activation of every cell: {(row, col): signal of 8 bits}.

    The cells of a row share one signal; with `Config.depthwise` each has its own.
    """
    rows, cols = range(config.rows), range(config.cols)
    if config.depthwise:
        own = ((row, col) for row in rows for col in cols)
        return {(row, col): Signal(ACTIVATION.width, name=f"u_{row}_{col}") for row, col in own}
    shared = [Signal(ACTIVATION.width, name=f"u_{row}") for row in rows]
    return {(row, col): shared[row] for row in rows for col in cols}


class BlockProducts(Elaboratable):
    """Ports of `celosia_hw.cells.portable.Products`, with a 16-bit signal for every product."""

    def __init__(self, config: Config):
        rows, cols = range(config.rows), range(config.cols)
        self.u = activations(config)
        self.w = [Signal(signed(WEIGHT.width), name=f"w_{col}") for col in cols]
        self.p = {
            (row, col): Signal(
                signed(ACTIVATION.width + WEIGHT.width), name=f"p_{row}_{col}", reset_less=True
            )
            for row in rows
            for col in cols
        }
