"""A tiny design with the engine's pins: it answers every word with its complement."""

from celosia.spec import Config

__all__ = ["HANG", "RESET_MARK", "complement", "config", "verilog"]

#: A word that starts with this byte is taken, and nothing is ever taken or given again.
HANG = 0xEE
#: Answered to a word that starts with this byte: words taken since reset, modulo 256.
RESET_MARK = 0xCC


def config(link_bytes: int) -> Config:
    return Config.default(4, 4, link_bytes=link_bytes, convolution=0)


def complement(frame: bytes) -> bytes:
    return bytes(255 - byte for byte in frame)


def verilog(link_bytes: int, tag: str = "") -> str:
    """Four words deep, so that responses lag requests; ``tag`` makes the text unique."""
    bits = 8 * link_bytes
    return f"""
// {tag}
module celosia(
    input clk, input rst,
    input [{bits}:0] i__payload, input i__valid, output i__ready,
    output [{bits}:0] o__payload, output o__valid, input o__ready);
  reg [{bits}:0] fifo [3:0];
  reg [2:0] level;
  reg [1:0] head;
  reg [7:0] taken;
  reg hung;
  wire [1:0] tail = head + level[1:0];
  wire push = i__valid & i__ready;
  wire pop = o__valid & o__ready;
  assign i__ready = ~level[2] & ~hung;
  assign o__valid = |level & ~hung;
  assign o__payload = fifo[head];
  always @(posedge clk) begin
    if (push) begin
      fifo[tail] <= {{i__payload[{bits}], ~i__payload[{bits - 1}:0]}};
      if (i__payload[7:0] == {RESET_MARK}) fifo[tail][7:0] <= taken;
      if (i__payload[7:0] == {HANG}) hung <= 1;
      taken <= taken + 1;
    end
    if (pop) head <= head + 1;
    level <= level + push - pop;
    if (rst) begin level <= 0; head <= 0; hung <= 0; taken <= 0; end
  end
endmodule
"""
