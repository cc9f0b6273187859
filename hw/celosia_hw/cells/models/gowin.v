// Gowin: the cells of an engine that Yosys has no simulation model of.
//
// Unsupported use of a cell ends the simulation: of parameters at its start, of pins when they
// change. A pin that is not listed here is an error as soon as it is connected.
//
// Sources: Gowin UG287 (DSP), UG285 (BSRAM), UG286 (clocks).

// DOUT = A * B, with the registers that the parameters select.
module celosia_gowin_mult #(
    parameter WIDTH = 9,
    parameter AREG = 0, BREG = 0, ASIGN_REG = 0, BSIGN_REG = 0, PIPE_REG = 0, OUT_REG = 0,
    parameter MULT_RESET_MODE = "SYNC"
) (
    input [WIDTH-1:0] A, B,
    input ASIGN, BSIGN, ASEL, BSEL, CE, CLK, RESET,
    output [2*WIDTH-1:0] DOUT
);
  `CELOSIA_ONLY(MULT_RESET_MODE == "SYNC" || MULT_RESET_MODE == "ASYNC", "MULT_RESET_MODE")
  always @* if (ASEL || BSEL) $fatal(1, "%m: only operands A and B are modelled");

  reg [WIDTH-1:0] a_held = 0, b_held = 0;
  reg asign_held = 0, bsign_held = 0;
  wire [WIDTH-1:0] a = AREG ? a_held : A, b = BREG ? b_held : B;
  wire asign = ASIGN_REG ? asign_held : ASIGN, bsign = BSIGN_REG ? bsign_held : BSIGN;
  wire signed [WIDTH:0] a_value = {asign & a[WIDTH-1], a};
  wire signed [WIDTH:0] b_value = {bsign & b[WIDTH-1], b};
  wire [2*WIDTH-1:0] product = a_value * b_value;
  reg [2*WIDTH-1:0] between = 0, out = 0;
  wire [2*WIDTH-1:0] through = PIPE_REG ? between : product;
  assign DOUT = OUT_REG ? out : through;

  wire clear = MULT_RESET_MODE == "ASYNC" && RESET;
  always @(posedge CLK or posedge clear)
    if (clear || RESET) begin
      {a_held, b_held, asign_held, bsign_held} <= 0;
      {between, out} <= 0;
    end else if (CE) begin
      {a_held, b_held, asign_held, bsign_held} <= {A, B, ASIGN, BSIGN};
      {between, out} <= {product, through};
    end
endmodule

`define CELOSIA_MULT(name, width) \
module name ( \
    input [width-1:0] A, SIA, B, SIB, \
    input ASIGN, BSIGN, ASEL, BSEL, CE, CLK, RESET, \
    output [2*width-1:0] DOUT \
); \
  parameter AREG = 0, BREG = 0, ASIGN_REG = 0, BSIGN_REG = 0, PIPE_REG = 0, OUT_REG = 0; \
  parameter SOA_REG = 0; \
  parameter MULT_RESET_MODE = "SYNC"; \
  celosia_gowin_mult #( \
      .WIDTH(width), \
      .AREG(AREG), \
      .BREG(BREG), \
      .ASIGN_REG(ASIGN_REG), \
      .BSIGN_REG(BSIGN_REG), \
      .PIPE_REG(PIPE_REG), \
      .OUT_REG(OUT_REG), \
      .MULT_RESET_MODE(MULT_RESET_MODE) \
  ) mult ( \
      .A(A), \
      .B(B), \
      .ASIGN(ASIGN), \
      .BSIGN(BSIGN), \
      .ASEL(ASEL), \
      .BSEL(BSEL), \
      .CE(CE), \
      .CLK(CLK), \
      .RESET(RESET), \
      .DOUT(DOUT) \
  ); \
endmodule

`CELOSIA_MULT(MULT9X9, 9)
`CELOSIA_MULT(MULT18X18, 18)

// Common body of all BSRAM cells: parameters, and the memory `ram` with its initial contents.
`define CELOSIA_BSRAM(byte, width_a, width_b, reg_a, reg_b, mode_a, mode_b) \
  parameter [32*byte-1:0] INIT_RAM_00 = 0, INIT_RAM_01 = 0, INIT_RAM_02 = 0; \
  parameter [32*byte-1:0] INIT_RAM_03 = 0, INIT_RAM_04 = 0, INIT_RAM_05 = 0; \
  parameter [32*byte-1:0] INIT_RAM_06 = 0, INIT_RAM_07 = 0, INIT_RAM_08 = 0; \
  parameter [32*byte-1:0] INIT_RAM_09 = 0, INIT_RAM_0A = 0, INIT_RAM_0B = 0; \
  parameter [32*byte-1:0] INIT_RAM_0C = 0, INIT_RAM_0D = 0, INIT_RAM_0E = 0; \
  parameter [32*byte-1:0] INIT_RAM_0F = 0, INIT_RAM_10 = 0, INIT_RAM_11 = 0; \
  parameter [32*byte-1:0] INIT_RAM_12 = 0, INIT_RAM_13 = 0, INIT_RAM_14 = 0; \
  parameter [32*byte-1:0] INIT_RAM_15 = 0, INIT_RAM_16 = 0, INIT_RAM_17 = 0; \
  parameter [32*byte-1:0] INIT_RAM_18 = 0, INIT_RAM_19 = 0, INIT_RAM_1A = 0; \
  parameter [32*byte-1:0] INIT_RAM_1B = 0, INIT_RAM_1C = 0, INIT_RAM_1D = 0; \
  parameter [32*byte-1:0] INIT_RAM_1E = 0, INIT_RAM_1F = 0, INIT_RAM_20 = 0; \
  parameter [32*byte-1:0] INIT_RAM_21 = 0, INIT_RAM_22 = 0, INIT_RAM_23 = 0; \
  parameter [32*byte-1:0] INIT_RAM_24 = 0, INIT_RAM_25 = 0, INIT_RAM_26 = 0; \
  parameter [32*byte-1:0] INIT_RAM_27 = 0, INIT_RAM_28 = 0, INIT_RAM_29 = 0; \
  parameter [32*byte-1:0] INIT_RAM_2A = 0, INIT_RAM_2B = 0, INIT_RAM_2C = 0; \
  parameter [32*byte-1:0] INIT_RAM_2D = 0, INIT_RAM_2E = 0, INIT_RAM_2F = 0; \
  parameter [32*byte-1:0] INIT_RAM_30 = 0, INIT_RAM_31 = 0, INIT_RAM_32 = 0; \
  parameter [32*byte-1:0] INIT_RAM_33 = 0, INIT_RAM_34 = 0, INIT_RAM_35 = 0; \
  parameter [32*byte-1:0] INIT_RAM_36 = 0, INIT_RAM_37 = 0, INIT_RAM_38 = 0; \
  parameter [32*byte-1:0] INIT_RAM_39 = 0, INIT_RAM_3A = 0, INIT_RAM_3B = 0; \
  parameter [32*byte-1:0] INIT_RAM_3C = 0, INIT_RAM_3D = 0, INIT_RAM_3E = 0; \
  parameter [32*byte-1:0] INIT_RAM_3F = 0; \
  parameter RESET_MODE = "SYNC"; \
  `CELOSIA_ONLY(RESET_MODE == "SYNC" || RESET_MODE == "ASYNC", "RESET_MODE") \
  `CELOSIA_ONLY(mode_a < 3 && mode_b < 3, "WRITE_MODE") \
  localparam [2048*byte-1:0] INIT = { \
    INIT_RAM_3F, INIT_RAM_3E, INIT_RAM_3D, INIT_RAM_3C, INIT_RAM_3B, INIT_RAM_3A, \
    INIT_RAM_39, INIT_RAM_38, INIT_RAM_37, INIT_RAM_36, INIT_RAM_35, INIT_RAM_34, \
    INIT_RAM_33, INIT_RAM_32, INIT_RAM_31, INIT_RAM_30, INIT_RAM_2F, INIT_RAM_2E, \
    INIT_RAM_2D, INIT_RAM_2C, INIT_RAM_2B, INIT_RAM_2A, INIT_RAM_29, INIT_RAM_28, \
    INIT_RAM_27, INIT_RAM_26, INIT_RAM_25, INIT_RAM_24, INIT_RAM_23, INIT_RAM_22, \
    INIT_RAM_21, INIT_RAM_20, INIT_RAM_1F, INIT_RAM_1E, INIT_RAM_1D, INIT_RAM_1C, \
    INIT_RAM_1B, INIT_RAM_1A, INIT_RAM_19, INIT_RAM_18, INIT_RAM_17, INIT_RAM_16, \
    INIT_RAM_15, INIT_RAM_14, INIT_RAM_13, INIT_RAM_12, INIT_RAM_11, INIT_RAM_10, \
    INIT_RAM_0F, INIT_RAM_0E, INIT_RAM_0D, INIT_RAM_0C, INIT_RAM_0B, INIT_RAM_0A, \
    INIT_RAM_09, INIT_RAM_08, INIT_RAM_07, INIT_RAM_06, INIT_RAM_05, INIT_RAM_04, \
    INIT_RAM_03, INIT_RAM_02, INIT_RAM_01, INIT_RAM_00 \
  }; \
  integer n; \
  initial for (n = 0; n < 2048; n = n + 1) ram.mem[n] = INIT[byte*n+:byte]; \
  wire [1:0] clk, en, oe, we, rst; \
  wire [27:0] ad; \
  wire [71:0] di, do_; \
  celosia_block_ram #( \
      .BYTE(byte), \
      .WIDTH_A(width_a), \
      .WIDTH_B(width_b), \
      .REG_A(reg_a), \
      .REG_B(reg_b), \
      .MODE_A(mode_a), \
      .MODE_B(mode_b), \
      .ASYNC(RESET_MODE == "ASYNC") \
  ) ram ( \
      .clk(clk), \
      .en(en), \
      .oe(oe), \
      .we(we), \
      .rst(rst), \
      .ad(ad), \
      .di(di), \
      .do_(do_) \
  );

// Single-port.
`define CELOSIA_SP(name, byte) \
module name ( \
    output [4*byte-1:0] DO, \
    input [4*byte-1:0] DI, \
    input [2:0] BLKSEL, \
    input [13:0] AD, \
    input WRE, CLK, CE, OCE, RESET \
); \
  parameter READ_MODE = 0; \
  parameter WRITE_MODE = 0; \
  parameter BIT_WIDTH = 4 * byte; \
  parameter [2:0] BLK_SEL = 0; \
  `CELOSIA_BSRAM(byte, BIT_WIDTH, byte, READ_MODE, 0, WRITE_MODE, 0) \
  assign {clk, oe, we, rst} = {1'b0, CLK, 1'b0, OCE, 1'b0, WRE, 1'b0, RESET}; \
  assign en = CE && BLKSEL == BLK_SEL; \
  assign ad = AD; \
  assign di = DI; \
  assign DO = do_; \
endmodule

// Written at port A, read at port B.
`define CELOSIA_SDP(name, byte) \
module name ( \
    output [4*byte-1:0] DO, \
    input [4*byte-1:0] DI, \
    input [2:0] BLKSELA, BLKSELB, \
    input [13:0] ADA, ADB, \
    input CLKA, CLKB, CEA, CEB, OCE, RESETA, RESETB \
); \
  parameter READ_MODE = 0; \
  parameter BIT_WIDTH_0 = 4 * byte; \
  parameter BIT_WIDTH_1 = 4 * byte; \
  parameter [2:0] BLK_SEL_0 = 0, BLK_SEL_1 = 0; \
  `CELOSIA_BSRAM(byte, BIT_WIDTH_0, BIT_WIDTH_1, 0, READ_MODE, 0, 0) \
  assign {clk, oe, we, rst} = {CLKB, CLKA, OCE, 1'b0, 2'b01, RESETB, RESETA}; \
  assign en = {CEB && BLKSELB == BLK_SEL_1, CEA && BLKSELA == BLK_SEL_0}; \
  assign ad = {ADB, ADA}; \
  assign di = DI; \
  assign DO = do_[71:36]; \
endmodule

// True dual-port.
`define CELOSIA_DP(name, byte) \
module name ( \
    output [2*byte-1:0] DOA, DOB, \
    input [2*byte-1:0] DIA, DIB, \
    input [2:0] BLKSELA, BLKSELB, \
    input [13:0] ADA, ADB, \
    input WREA, WREB, CLKA, CLKB, CEA, CEB, OCEA, OCEB, RESETA, RESETB \
); \
  parameter READ_MODE0 = 0; \
  parameter READ_MODE1 = 0; \
  parameter WRITE_MODE0 = 0; \
  parameter WRITE_MODE1 = 0; \
  parameter BIT_WIDTH_0 = 2 * byte; \
  parameter BIT_WIDTH_1 = 2 * byte; \
  parameter [2:0] BLK_SEL_0 = 0, BLK_SEL_1 = 0; \
  `CELOSIA_BSRAM( \
      byte, BIT_WIDTH_0, BIT_WIDTH_1, READ_MODE0, READ_MODE1, WRITE_MODE0, WRITE_MODE1) \
  assign {clk, oe, we, rst} = {CLKB, CLKA, OCEB, OCEA, WREB, WREA, RESETB, RESETA}; \
  assign en = {CEB && BLKSELB == BLK_SEL_1, CEA && BLKSELA == BLK_SEL_0}; \
  assign ad = {ADB, ADA}; \
  assign di[35:0] = DIA; \
  assign di[71:36] = DIB; \
  assign DOA = do_; \
  assign DOB = do_[71:36]; \
endmodule

`CELOSIA_SP(SP, 8)
`CELOSIA_SP(SPX9, 9)
`CELOSIA_SDP(SDPB, 8)
`CELOSIA_SDP(SDPX9B, 9)
`CELOSIA_DP(DPB, 8)
`CELOSIA_DP(DPX9B, 9)

// The output clock is the input clock, whatever the dividers; LOCK rises after some cycles.
module rPLL (
    output CLKOUT, LOCK,
    input CLKIN, CLKFB, RESET, RESET_P,
    input [5:0] FBDSEL, IDSEL, ODSEL,
    input [3:0] PSDA, DUTYDA, FDLY
);
  parameter FCLKIN = "100.0";
  parameter DEVICE = "";
  parameter DYN_IDIV_SEL = "false", DYN_FBDIV_SEL = "false", DYN_ODIV_SEL = "false";
  parameter DYN_DA_EN = "false";
  parameter IDIV_SEL = 0, FBDIV_SEL = 0, ODIV_SEL = 8;
  parameter PSDA_SEL = "0000", DUTYDA_SEL = "1000";
  parameter CLKFB_SEL = "internal", CLKOUT_BYPASS = "false";

  `CELOSIA_ONLY(DYN_IDIV_SEL == "false", "DYN_IDIV_SEL")
  `CELOSIA_ONLY(DYN_FBDIV_SEL == "false", "DYN_FBDIV_SEL")
  `CELOSIA_ONLY(DYN_ODIV_SEL == "false", "DYN_ODIV_SEL")
  `CELOSIA_ONLY(DYN_DA_EN == "false", "DYN_DA_EN")
  `CELOSIA_ONLY(CLKFB_SEL == "internal", "CLKFB_SEL")
  `CELOSIA_ONLY(CLKOUT_BYPASS == "false", "CLKOUT_BYPASS")
  always @* if (RESET || RESET_P) $fatal(1, "%m: a reset is not modelled");
  assign CLKOUT = CLKIN;
  reg [4:0] cycles = 0;
  always @(posedge CLKIN) if (!LOCK) cycles <= cycles + 1;
  assign LOCK = cycles[4];
endmodule

// An output that is always enabled, without high impedance.
module TBUF (
    output O,
    input I, OEN
);
  assign O = I;
  always @* if (OEN) $fatal(1, "%m: an output that is switched off is not modelled");
endmodule
