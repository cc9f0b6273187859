"""A cocotb bench of one block: the array multiplies random operands, and NumPy says what comes out.

``python examples/cocotb/run.py`` emits the block's Verilog and runs this on Icarus.
"""

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

ROWS, COLS = 2, 4
#: From the last operands to the cycle in which their sums are meant, and from there to `head`.
LATENCY, TO_HEAD = 4, 2


def packed(values: np.ndarray, width: int) -> int:
    """Values side by side, the first one in the low bits."""
    mask = (1 << width) - 1
    return sum((int(value) & mask) << width * at for at, value in enumerate(values))


@cocotb.test(timeout_time=10, timeout_unit="us")
async def a_tile(dut):
    """Sums of a tile of 10 products in each of the 2 x 4 cells; the array gives them row by row."""
    rng = np.random.default_rng(1)
    u = rng.integers(0, 256, (ROWS, 10))  # offset binary
    w = rng.integers(-128, 128, (10, COLS))
    wanted = u @ w
    dut.rst.value = 1
    for pin in (dut.i__valid, dut.i__payload, dut.shift, dut.word_end):
        pin.value = 0
    Clock(dut.clk, 10, unit="ns").start(start_high=False)
    for _ in range(3):
        await RisingEdge(dut.clk)
    dut.rst.value = 0
    for _ in range(4):  # resets are registered
        await RisingEdge(dut.clk)
    for k in range(10):
        payload = packed(u[:, k], 8) | packed(w[k], 8) << 8 * ROWS
        dut.i__payload.value = payload | int(k == 9) << 8 * (ROWS + COLS)
        dut.i__valid.value = 1
        await RisingEdge(dut.clk)
    dut.i__valid.value = 0
    for _ in range(LATENCY + TO_HEAD):
        await RisingEdge(dut.clk)
    for row in range(ROWS):
        sums = [dut.head.value[32 * c + 31 : 32 * c].to_signed() for c in range(COLS)]
        assert sums == wanted[row].tolist(), f"row {row}: {sums} is not {wanted[row].tolist()}"
        dut.shift.value = 1
        await RisingEdge(dut.clk)
        dut.shift.value = 0
        # The next beat is meant two cycles after its shift.
        for _ in range(3 + TO_HEAD):
            await RisingEdge(dut.clk)
