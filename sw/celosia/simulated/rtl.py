"""The RTL of a serial engine, compiled, with a UART at its pins that is driven bit by bit."""

import time

import numpy as np

from celosia.driver.rtl import transport as rtl
from celosia.driver.rtl import verilator
from celosia.driver.rtl.source import engine_verilog
from celosia.spec import Config
from celosia.support.progress import Progress, silent

__all__ = ["DIVISOR", "RtlDevice", "engine_board", "joined"]

#: Clock cycles per bit: few, so that little has to be simulated.
DIVISOR = 4
#: Name of the top module of `celosia_hw.serial.engine`.
_TOP = "celosia_serial"
#: Cycles simulated in one call while bytes cross, and while the engine computes.
_SLICE, _LONG_SLICE = 1500, 30_000
#: Seconds that a long slice may take: a host that looks for a board waits little longer.
_LONGEST = 0.03
#: Seconds without a byte after which the next slices are long.
_QUIET = 0.01


def engine_board(config: Config, progress: Progress = silent, technology: str = "portable") -> str:
    """For `RtlDevice`: the serial engine on its own, without the clock and cells of a board."""
    board = f"{_TOP} board (.clk(clk), .rst(rst), .rx(rx), .tx(tx));"
    return joined(board) + engine_verilog(config, progress, technology=technology, divisor=DIVISOR)


def joined(board: str) -> str:
    """A module with the ports that `celosia.driver.rtl` knows: bytes to and from the pins.

    ``board`` instantiates what has the pins ``rx`` and ``tx``; there are also ``clk`` and ``rst``.
    """
    return f"""
module celosia(
    input clk, input rst,
    input [8:0] i__payload, input i__valid, output i__ready,
    output reg [8:0] o__payload, output reg o__valid, input o__ready);
  localparam D = {DIVISOR};
  wire rx, tx;
  assign rx = out[0];
  {board}

  // To the board: start bit, data, and a stop bit.
  reg [9:0] out;
  reg [3:0] out_bits;
  reg [15:0] out_time;
  assign i__ready = out_bits == 0;
  always @(posedge clk)
    if (rst) begin out <= 10'h3ff; out_bits <= 0; out_time <= 0; end
    else if (i__ready) begin
      if (i__valid) begin
        out <= {{1'b1, i__payload[7:0], 1'b0}}; out_bits <= 10; out_time <= D - 1;
      end
    end else if (out_time != 0) out_time <= out_time - 1;
    else begin out <= {{1'b1, out[9:1]}}; out_bits <= out_bits - 1; out_time <= D - 1; end

  // From the board: sampled in the middle of each bit.
  reg [3:0] in_bits;
  reg [15:0] in_time;
  always @(posedge clk) begin
    if (o__ready) o__valid <= 0;
    if (rst) begin in_bits <= 0; o__valid <= 0; end
    else if (in_bits == 0) begin
      if (!tx) begin in_bits <= 10; in_time <= D / 2; end
    end else if (in_time != 0) in_time <= in_time - 1;
    else begin
      in_time <= D - 1;
      in_bits <= in_bits - 1;
      if (in_bits == 1) begin if (tx) o__valid <= 1; end
      else if (in_bits != 10) o__payload <= {{1'b0, tx, o__payload[7:1]}};
    end
  end
endmodule
"""


class RtlDevice:
    """A compiled board, simulated in this process, cycle by cycle.

    Parameters
    ----------
    verilog : of the board, with the ports of `joined`.
    progress : told about the steps of compiling it.

    Attributes
    ----------
    busy : whether bytes that were given have not crossed yet.

    Raises
    ------
    CelosiaError : a tool is missing or the design does not compile.
    """

    def __init__(self, verilog: str, progress: Progress = silent):
        self._lib = rtl._load(verilator.build(verilog, 1, progress))
        self._engine = self._lib.celosia_create(0, 0, 0)
        self._long_slice = _SLICE
        self._out = np.empty(_LONG_SLICE, np.uint8)
        self._last = np.empty(_LONG_SLICE, np.uint8)
        self._report = rtl._Report()
        self._data = np.empty(0, np.uint8)
        self._marks = np.empty(0, np.uint8)

    @property
    def busy(self) -> bool:
        return self._report.in_words != len(self._data)

    def reset(self) -> None:
        """Pull the reset pin; what was given and has not crossed is lost."""
        self._lib.celosia_reset(self._engine)
        self._data, self._report.in_words = self._data[:0], 0

    def give(self, data: bytes) -> None:
        """Bytes for the board; not while it is `busy`."""
        self._data = np.frombuffer(data, np.uint8)
        self._marks = np.zeros(len(data), np.uint8)
        self._lib.celosia_begin(
            self._engine, self._data.ctypes.data, self._marks.ctypes.data, len(data), 1 << 60
        )

    def take(self, quiet: float = 0.0) -> bytes:
        """Simulate a slice of cycles; the bytes that the board has sent in it.

        ``quiet`` : seconds since the last byte in either direction.
        """
        cycles = self._long_slice if quiet > _QUIET else _SLICE
        start = time.perf_counter()
        self._lib.celosia_run(
            self._engine, self._out.ctypes.data, self._last.ctypes.data, cycles, cycles, 1 << 60,
            self._report,
        )  # fmt: skip
        fitting = int(cycles * _LONGEST / max(time.perf_counter() - start, 1e-6))
        self._long_slice = min(max(fitting, _SLICE), _LONG_SLICE)
        return self._out[: self._report.out_words].tobytes()

    def close(self) -> None:
        """Free the simulation."""
        if self._engine:
            self._lib.celosia_destroy(self._engine)
        self._engine = None
