// Lattice iCE40: the cells of an engine that Yosys has no simulation model of.
//
// Unsupported use of a cell ends the simulation: of parameters at its start, of pins when they
// change. A pin that is not listed here is an error as soon as it is connected.
//
// Source: Lattice FPGA-TN-02052 (iCE40 sysCLOCK).

// The output clock is the input clock, whatever the dividers; LOCK rises after some cycles.
`define CELOSIA_PLL(name, source) \
module name ( \
    input source, RESETB, BYPASS, \
    output PLLOUTGLOBAL, PLLOUTCORE, LOCK \
); \
  parameter FEEDBACK_PATH = "SIMPLE"; \
  parameter PLLOUT_SELECT = "GENCLK"; \
  parameter DIVR = 0, DIVF = 0, DIVQ = 0, FILTER_RANGE = 0; \
  `CELOSIA_ONLY(FEEDBACK_PATH == "SIMPLE", "FEEDBACK_PATH") \
  `CELOSIA_ONLY(PLLOUT_SELECT == "GENCLK", "PLLOUT_SELECT") \
  always @* if (!RESETB || BYPASS) $fatal(1, "%m: a reset or bypass is not modelled"); \
  assign PLLOUTGLOBAL = source; \
  assign PLLOUTCORE = source; \
  reg [4:0] cycles = 0; \
  always @(posedge source) if (!LOCK) cycles <= cycles + 1; \
  assign LOCK = cycles[4]; \
endmodule

`CELOSIA_PLL(SB_PLL40_CORE, REFERENCECLK)
`CELOSIA_PLL(SB_PLL40_PAD, PACKAGEPIN)

// A pin that is either an input or an output, without registers and without high impedance.
module SB_IO (
    inout PACKAGE_PIN,
    input CLOCK_ENABLE, OUTPUT_ENABLE, D_OUT_0,
    output D_IN_0
);
  parameter [5:0] PIN_TYPE = 0;
  parameter PULLUP = 0;
  parameter IO_STANDARD = "SB_LVCMOS";
  localparam NO_OUTPUT = 4'b0000, OUTPUT = 4'b0110, SWITCHED = 4'b1010;
  `CELOSIA_ONLY(PIN_TYPE[1:0] == 2'b01, "PIN_TYPE[1:0]")
  generate
    if (PIN_TYPE[5:2] == NO_OUTPUT) assign D_IN_0 = PACKAGE_PIN;
    else begin
      assign PACKAGE_PIN = D_OUT_0;
      assign D_IN_0 = D_OUT_0;
      `CELOSIA_ONLY(PIN_TYPE[5:2] == OUTPUT || PIN_TYPE[5:2] == SWITCHED, "PIN_TYPE[5:2]")
      always @*
        if (PIN_TYPE[5:2] == SWITCHED && !OUTPUT_ENABLE)
          $fatal(1, "%m: an output that is switched off is not modelled");
    end
  endgenerate
endmodule
