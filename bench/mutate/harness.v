// The engine with its inputs behind registers, as in celosia.driver.rtl.
module harness #(parameter BYTES = 8) (
    input clk,
    input rst,
    input [8 * BYTES:0] i_payload,
    input i_valid,
    output i_ready,
    output [8 * BYTES:0] o_payload,
    output o_valid,
    input o_ready
);
  reg rst_now, i_valid_now, o_ready_now;
  reg [8 * BYTES:0] i_payload_now;

  always @(posedge clk) begin
    rst_now <= rst;
    i_valid_now <= i_valid;
    i_payload_now <= i_payload;
    o_ready_now <= o_ready;
  end

  celosia engine (
      .clk(clk),
      .rst(rst_now),
      .i__payload(i_payload_now),
      .i__valid(i_valid_now),
      .i__ready(i_ready),
      .o__payload(o_payload),
      .o__valid(o_valid),
      .o__ready(o_ready_now)
  );
endmodule
