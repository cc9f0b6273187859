// Common core of the block RAMs of ECP5 and Gowin: 2,048 bytes with two ports.
//
// A word is 1, 2 or 4 bits of a byte, or 1, 2 or 4 bytes; its first byte is in its low bits.
// Addresses count bits, 8 to a byte. The low address bits of a word of 2 or 4 bytes, which would
// select a byte, are the write enables of its bytes instead.
//
// Reading a word at one port while the other port writes it is undefined by the makers: the model
// mixes old and new bits (if both ports have the same width; otherwise it reads the old ones).
module celosia_block_ram #(
    parameter BYTE = 9,     // bits of a byte: 9, or 8
    parameter WIDTH_A = 9,  // bits of a word
    parameter WIDTH_B = 9,
    parameter REG_A = 0,    // 1: the output has one more register
    parameter REG_B = 0,
    parameter MODE_A = 0,   // output during a write: 0 held, 1 new contents, 2 old contents
    parameter MODE_B = 0,
    parameter ASYNC = 0     // of the reset, which clears the outputs
) (
    // The low half of each vector belongs to port A.
    input [1:0] clk,
    input [1:0] en,
    input [1:0] oe,
    input [1:0] we,
    input [1:0] rst,
    input [27:0] ad,
    input [71:0] di,
    output [71:0] do_
);
  localparam [8:0] MIXED = 9'b101100101;
  /* verilator lint_off MULTIDRIVEN */
  reg [BYTE-1:0] mem[0:2047];
  /* verilator lint_on MULTIDRIVEN */

  genvar p;
  generate
    for (p = 0; p < 2; p = p + 1) begin : port
      localparam WIDTH = p ? WIDTH_B : WIDTH_A;
      localparam MODE = p ? MODE_B : MODE_A;
      localparam BYTES = WIDTH > 2 * BYTE ? 4 : WIDTH > BYTE ? 2 : 1;
      localparam BITS = WIDTH < 8 ? WIDTH : BYTE;
      localparam OTHER = 1 - p;

      wire [13:0] at = ad[14*p+:14], other_at = ad[14*OTHER+:14];
      // First byte of the word, and its lowest bit in that byte.
      wire [10:0] first = at[13:3] & ~(BYTES - 1);
      wire [2:0] low = WIDTH < 8 ? at[2:0] & ~(WIDTH - 1) : 0;
      wire clash = en[OTHER] && we[OTHER] && WIDTH_A == WIDTH_B &&
          (other_at[13:3] & ~(BYTES - 1)) == first &&
          (WIDTH >= 8 || (other_at[2:0] & ~(WIDTH - 1)) == low);
      wire clear = ASYNC != 0 && rst[p];

      integer n;
      reg [35:0] old, new_, held = 0, out = 0;
      always @(posedge clk[p] or posedge clear)
        if (clear) begin
          held <= 0;
          out <= 0;
        end else begin
          if (en[p]) begin
            old = 0;
            new_ = 0;
            for (n = 0; n < BYTES; n = n + 1) begin
              old[BYTE*n+:BITS] = mem[first+n] >> low;
              if (clash && (BYTES == 1 || other_at[n]))
                old[BYTE*n+:BITS] = (old[BYTE*n+:BITS] & MIXED) |
                    (di[36*OTHER+BYTE*n+:BITS] & ~MIXED);
              new_[BYTE*n+:BITS] = old[BYTE*n+:BITS];
              if (we[p] && (BYTES == 1 || at[n])) begin
                new_[BYTE*n+:BITS] = di[36*p+BYTE*n+:BITS];
                mem[first+n][low+:BITS] <= di[36*p+BYTE*n+:BITS];
              end
            end
            if (!we[p] || MODE == 2) held <= old;
            else if (MODE == 1) held <= new_;
          end
          if (oe[p]) out <= held;
          if (rst[p]) begin
            held <= 0;
            out <= 0;
            if (en[p] && we[p]) $fatal(1, "%m: a write during a reset is not modelled");
          end
        end
      assign do_[36*p+:36] = (p ? REG_B : REG_A) ? out : held;
    end
  endgenerate
endmodule
