"""A board in simulation: its two serial pins joined to a pseudo-terminal.

The pins are driven bit by bit, by a UART of the test's own in Verilog; bytes that cross them can be
dropped, doubled and flipped on the way, in both directions.
"""

import os
import random
import select
import threading
import tty
from collections import Counter
from dataclasses import dataclass

import numpy as np

from celosia.driver.rtl import transport as rtl
from celosia.driver.rtl import verilator
from celosia.spec import Config

__all__ = ["DIVISOR", "Faults", "SerialBoard", "engine_board", "joined"]

#: Clock cycles per bit: few, so that little has to be simulated.
DIVISOR = 4
#: Cycles simulated between looks at the pseudo-terminal.
_SLICE = 1500


@dataclass
class Faults:
    """Faults that befall bytes: each byte one with probability ``rate``, by a seeded generator.

    ``made`` counts them by kind.
    """

    rate: float
    seed: int
    kinds: tuple[str, ...] = ("dropped", "doubled", "flipped", "inserted")

    def __post_init__(self):
        self.random = random.Random(self.seed)
        self.made: Counter[str] = Counter()

    def __call__(self, data: bytes) -> bytes:
        out = bytearray()
        for byte in data:
            if self.random.random() >= self.rate:
                out.append(byte)
                continue
            kind = self.random.choice(self.kinds)
            self.made[kind] += 1
            if kind == "doubled":
                out += bytes([byte, byte])
            elif kind == "flipped":
                out.append(byte ^ self.random.randrange(1, 256))
            elif kind == "inserted":
                out += bytes([byte, self.random.randrange(256)])
        return bytes(out)


def engine_board(config: Config) -> str:
    """For `SerialBoard`: the emitted serial engine on its own."""
    from celosia_hw.serial.engine import SERIAL_TOP, serial_verilog

    board = f"{SERIAL_TOP} board (.clk(clk), .rst(rst), .rx(rx), .tx(tx));"
    return joined(board) + serial_verilog(config, DIVISOR)


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


class SerialBoard:
    """The simulated board, running in a thread of its own from construction to `close`.

    Parameters
    ----------
    verilog : of the board, with the ports of `joined`.
    to_board, to_host : what befalls the bytes of each direction.

    Attributes
    ----------
    port : the pseudo-terminal to open, as ``/dev/pts/4``.
    crossed : bytes that came from the host and from the board.
    """

    def __init__(self, verilog: str, to_board: Faults | None = None, to_host: Faults | None = None):
        self._to_board, self._to_host = to_board, to_host
        self._lib = rtl._load(verilator.build(verilog, 1))
        self._engine = self._lib.celosia_create(0, 0, 0)
        self._master, self._slave = os.openpty()
        # Raw from the start, and held open: the line outlives the programs that use it.
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.port = os.ttyname(self._slave)
        self.crossed = [0, 0]
        self.resets = 0
        self._reset = threading.Event()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> "SerialBoard":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def reset(self) -> None:
        """Press the board's reset button, and wait until that has been."""
        before = self.resets
        self._reset.set()
        while self.resets == before:
            self._end.wait(0.001)

    def close(self) -> None:
        self._end.set()
        self._thread.join()
        self._lib.celosia_destroy(self._engine)
        os.close(self._master)
        os.close(self._slave)

    def _run(self) -> None:
        out, last = np.empty(_SLICE, np.uint8), np.empty(_SLICE, np.uint8)
        report = rtl._Report()
        data = np.empty(0, np.uint8)
        quiet = 0
        while not self._end.is_set():
            if self._reset.is_set():
                self._lib.celosia_reset(self._engine)
                self._reset.clear()
                self.resets += 1
                data, report.in_words = data[:0], 0
            if report.in_words == len(data):
                # All that was given has crossed. After a while without bytes, do not spin.
                data = np.frombuffer(self._read(0.002 if quiet > 20 else 0), np.uint8)
                marks = np.zeros(len(data), np.uint8)
                self._lib.celosia_begin(
                    self._engine, data.ctypes.data, marks.ctypes.data, len(data), 1 << 60
                )
            self._lib.celosia_run(
                self._engine, out.ctypes.data, last.ctypes.data, _SLICE, _SLICE, 1 << 60, report
            )
            quiet = 0 if len(data) or report.out_words else quiet + 1
            if report.out_words:
                self._write(out[: report.out_words].tobytes())

    def _read(self, timeout: float) -> bytes:
        if not select.select([self._master], [], [], timeout)[0]:
            return b""
        data = os.read(self._master, 512)
        self.crossed[0] += len(data)
        return self._to_board(data) if self._to_board else data

    def _write(self, data: bytes) -> None:
        self.crossed[1] += len(data)
        if self._to_host:
            data = self._to_host(data)
        while data and not self._end.is_set():
            try:
                data = data[os.write(self._master, data) :]
            except BlockingIOError:
                self._end.wait(0.001)
