// A clock that has an edge only at the end of cycles with `en`, which is taken in the clock's second
// half. Written for simulation, where a latch does no harm.
module clock_gate (input clk, input en, output gated);
  reg taken;

  always @* if (!clk) taken = en;
  assign gated = clk & taken;
endmodule
