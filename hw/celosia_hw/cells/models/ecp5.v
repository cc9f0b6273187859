// Lattice ECP5: the cells of an engine that Yosys has no simulation model of.
//
// Unsupported use of a cell ends the simulation: of parameters at its start, of pins when they
// change. A pin that is not listed here is an error as soon as it is connected.
//
// Sources: Lattice FPGA-TN-02205 (sysDSP), FPGA-TN-02204 (memory), FPGA-TN-02200 (sysCLOCK). Global
// reset is left out: it does nothing without a cell GSR, which has no model.

// P = A * B, with registers at the inputs, in the pipeline and at the output where REG_*_CLK is
// "CLK0" and not "NONE".
//
// SIGNEDA and SIGNEDB are delayed with their operand. With CLK0_DIV = "ENABLED", the default,
// registers are clocked by every rising edge.
module MULT18X18D (
    input A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0,
    input B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0,
    input C17, C16, C15, C14, C13, C12, C11, C10, C9, C8, C7, C6, C5, C4, C3, C2, C1, C0,
    input SIGNEDA, SIGNEDB, SOURCEA, SOURCEB, CLK0, CE0, RST0,
    output P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18,
        P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
);
  parameter REG_INPUTA_CLK = "NONE";
  parameter REG_INPUTA_CE = "CE0";
  parameter REG_INPUTA_RST = "RST0";
  parameter REG_INPUTB_CLK = "NONE";
  parameter REG_INPUTB_CE = "CE0";
  parameter REG_INPUTB_RST = "RST0";
  parameter REG_INPUTC_CLK = "NONE";
  parameter REG_PIPELINE_CLK = "NONE";
  parameter REG_PIPELINE_CE = "CE0";
  parameter REG_PIPELINE_RST = "RST0";
  parameter REG_OUTPUT_CLK = "NONE";
  parameter REG_OUTPUT_CE = "CE0";
  parameter REG_OUTPUT_RST = "RST0";
  parameter CLK0_DIV = "ENABLED";
  parameter GSR = "ENABLED";
  parameter RESETMODE = "SYNC";

  `CELOSIA_ONLY(REG_INPUTC_CLK == "NONE", "REG_INPUTC_CLK")
  `CELOSIA_ONLY(REG_INPUTA_CLK == "NONE" || REG_INPUTA_CLK == "CLK0", "REG_INPUTA_CLK")
  `CELOSIA_ONLY(REG_INPUTA_CE == "CE0", "REG_INPUTA_CE")
  `CELOSIA_ONLY(REG_INPUTA_RST == "RST0", "REG_INPUTA_RST")
  `CELOSIA_ONLY(REG_INPUTB_CLK == "NONE" || REG_INPUTB_CLK == "CLK0", "REG_INPUTB_CLK")
  `CELOSIA_ONLY(REG_INPUTB_CE == "CE0", "REG_INPUTB_CE")
  `CELOSIA_ONLY(REG_INPUTB_RST == "RST0", "REG_INPUTB_RST")
  `CELOSIA_ONLY(REG_PIPELINE_CLK == "NONE" || REG_PIPELINE_CLK == "CLK0", "REG_PIPELINE_CLK")
  `CELOSIA_ONLY(REG_PIPELINE_CE == "CE0", "REG_PIPELINE_CE")
  `CELOSIA_ONLY(REG_PIPELINE_RST == "RST0", "REG_PIPELINE_RST")
  `CELOSIA_ONLY(REG_OUTPUT_CLK == "NONE" || REG_OUTPUT_CLK == "CLK0", "REG_OUTPUT_CLK")
  `CELOSIA_ONLY(REG_OUTPUT_CE == "CE0", "REG_OUTPUT_CE")
  `CELOSIA_ONLY(REG_OUTPUT_RST == "RST0", "REG_OUTPUT_RST")
  `CELOSIA_ONLY(CLK0_DIV == "ENABLED", "CLK0_DIV")
  `CELOSIA_ONLY(RESETMODE == "SYNC", "RESETMODE")
  always @* if (SOURCEA || SOURCEB) $fatal(1, "%m: only operands A and B are modelled");

  wire [18:0] a = {SIGNEDA, A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2,
      A1, A0};
  wire [18:0] b = {SIGNEDB, B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2,
      B1, B0};
  reg [18:0] a_held = 0, b_held = 0;
  wire [18:0] a_now = REG_INPUTA_CLK == "NONE" ? a : a_held;
  wire [18:0] b_now = REG_INPUTB_CLK == "NONE" ? b : b_held;
  // 19 bits: the highest is the sign of a signed operand, and 0 of an unsigned one.
  wire signed [18:0] a_value = {a_now[18] & a_now[17], a_now[17:0]};
  wire signed [18:0] b_value = {b_now[18] & b_now[17], b_now[17:0]};

  wire [35:0] product = a_value * b_value;
  reg [35:0] between = 0, out = 0;
  wire [35:0] through = REG_PIPELINE_CLK == "NONE" ? product : between;
  always @(posedge CLK0)
    if (RST0) begin
      a_held <= 0;
      b_held <= 0;
      between <= 0;
      out <= 0;
    end else if (CE0) begin
      a_held <= a;
      b_held <= b;
      between <= product;
      out <= through;
    end

  assign {P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18,
      P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0} =
      REG_OUTPUT_CLK == "NONE" ? through : out;
endmodule

// 18 Kbit of RAM. A port of 36 bits makes the cell pseudo dual-port: A writes {DIB, DIA}, B reads
// {DOB, DOA}.
module DP16KD (
    input DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5,
        DIA4, DIA3, DIA2, DIA1, DIA0,
    input ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
    input CEA, OCEA, CLKA, WEA, RSTA, CSA2, CSA1, CSA0,
    output DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5,
        DOA4, DOA3, DOA2, DOA1, DOA0,
    input DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5,
        DIB4, DIB3, DIB2, DIB1, DIB0,
    input ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
    input CEB, OCEB, CLKB, WEB, RSTB, CSB2, CSB1, CSB0,
    output DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5,
        DOB4, DOB3, DOB2, DOB1, DOB0
);
  parameter DATA_WIDTH_A = 18;
  parameter REGMODE_A = "NOREG";
  parameter WRITEMODE_A = "NORMAL";
  parameter CSDECODE_A = "0b000";
  parameter CLKAMUX = "CLKA";
  parameter DATA_WIDTH_B = 18;
  parameter REGMODE_B = "NOREG";
  parameter WRITEMODE_B = "NORMAL";
  parameter CSDECODE_B = "0b000";
  parameter CLKBMUX = "CLKB";
  parameter RESETMODE = "SYNC";
  parameter ASYNC_RESET_RELEASE = "SYNC";
  parameter GSR = "ENABLED";
  parameter [319:0] INITVAL_00 = 0, INITVAL_01 = 0, INITVAL_02 = 0, INITVAL_03 = 0;
  parameter [319:0] INITVAL_04 = 0, INITVAL_05 = 0, INITVAL_06 = 0, INITVAL_07 = 0;
  parameter [319:0] INITVAL_08 = 0, INITVAL_09 = 0, INITVAL_0A = 0, INITVAL_0B = 0;
  parameter [319:0] INITVAL_0C = 0, INITVAL_0D = 0, INITVAL_0E = 0, INITVAL_0F = 0;
  parameter [319:0] INITVAL_10 = 0, INITVAL_11 = 0, INITVAL_12 = 0, INITVAL_13 = 0;
  parameter [319:0] INITVAL_14 = 0, INITVAL_15 = 0, INITVAL_16 = 0, INITVAL_17 = 0;
  parameter [319:0] INITVAL_18 = 0, INITVAL_19 = 0, INITVAL_1A = 0, INITVAL_1B = 0;
  parameter [319:0] INITVAL_1C = 0, INITVAL_1D = 0, INITVAL_1E = 0, INITVAL_1F = 0;
  parameter [319:0] INITVAL_20 = 0, INITVAL_21 = 0, INITVAL_22 = 0, INITVAL_23 = 0;
  parameter [319:0] INITVAL_24 = 0, INITVAL_25 = 0, INITVAL_26 = 0, INITVAL_27 = 0;
  parameter [319:0] INITVAL_28 = 0, INITVAL_29 = 0, INITVAL_2A = 0, INITVAL_2B = 0;
  parameter [319:0] INITVAL_2C = 0, INITVAL_2D = 0, INITVAL_2E = 0, INITVAL_2F = 0;
  parameter [319:0] INITVAL_30 = 0, INITVAL_31 = 0, INITVAL_32 = 0, INITVAL_33 = 0;
  parameter [319:0] INITVAL_34 = 0, INITVAL_35 = 0, INITVAL_36 = 0, INITVAL_37 = 0;
  parameter [319:0] INITVAL_38 = 0, INITVAL_39 = 0, INITVAL_3A = 0, INITVAL_3B = 0;
  parameter [319:0] INITVAL_3C = 0, INITVAL_3D = 0, INITVAL_3E = 0, INITVAL_3F = 0;
  `CELOSIA_ONLY(REGMODE_A == "NOREG" || REGMODE_A == "OUTREG", "REGMODE_A")
  `CELOSIA_ONLY(CSDECODE_A == "0b000", "CSDECODE_A")
  `CELOSIA_ONLY(CLKAMUX == "CLKA", "CLKAMUX")
  `CELOSIA_ONLY(REGMODE_B == "NOREG" || REGMODE_B == "OUTREG", "REGMODE_B")
  `CELOSIA_ONLY(CSDECODE_B == "0b000", "CSDECODE_B")
  `CELOSIA_ONLY(CLKBMUX == "CLKB", "CLKBMUX")
  `CELOSIA_ONLY(RESETMODE == "SYNC" || RESETMODE == "ASYNC", "RESETMODE")
  always @* if (WIDE && WEB) $fatal(1, "%m: port B of a pseudo dual-port memory only reads");

  function integer mode(input [8*15-1:0] name);
    mode = name == "NORMAL" ? 0 : name == "WRITETHROUGH" ? 1 : name == "READBEFOREWRITE" ? 2 : 3;
  endfunction
  `CELOSIA_ONLY(mode(WRITEMODE_A) < 3 && mode(WRITEMODE_B) < 3, "WRITEMODE_*")

  localparam WIDE = DATA_WIDTH_A == 36 || DATA_WIDTH_B == 36;
  wire [17:0] di_a = {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7,
      DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
  wire [13:0] ad_a = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2,
      ADA1, ADA0};
  wire [17:0] di_b = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7,
      DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0};
  wire [13:0] ad_b = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2,
      ADB1, ADB0};
  wire [35:0] do_a, do_b;
  celosia_block_ram #(
      .BYTE(9),
      .WIDTH_A(DATA_WIDTH_A),
      .WIDTH_B(DATA_WIDTH_B),
      .REG_A(REGMODE_A == "OUTREG"),
      .REG_B(REGMODE_B == "OUTREG"),
      .MODE_A(mode(WRITEMODE_A)),
      .MODE_B(mode(WRITEMODE_B)),
      .ASYNC(RESETMODE == "ASYNC")
  ) ram (
      .clk({CLKB, CLKA}),
      .en({CEB && {CSB2, CSB1, CSB0} == 0, CEA && {CSA2, CSA1, CSA0} == 0}),
      .oe({OCEB, OCEA}),
      .we({WEB, WEA}),
      .rst({RSTB, RSTA}),
      .ad({ad_b, ad_a}),
      .di({18'b0, di_b, DATA_WIDTH_A == 36 ? di_b : 18'b0, di_a}),
      .do_({do_b, do_a})
  );
  assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5,
      DOA4, DOA3, DOA2, DOA1, DOA0} =
      DATA_WIDTH_B == 36 ? do_b[17:0] : do_a[17:0];
  assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5,
      DOB4, DOB3, DOB2, DOB1, DOB0} =
      DATA_WIDTH_B == 36 ? do_b[35:18] : do_b[17:0];

  // 16 words of 18 bits in each parameter, each in 20.
  localparam [320*64-1:0] INIT = {
      INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A, INITVAL_39,
      INITVAL_38, INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32,
      INITVAL_31, INITVAL_30, INITVAL_2F, INITVAL_2E, INITVAL_2D, INITVAL_2C, INITVAL_2B,
      INITVAL_2A, INITVAL_29, INITVAL_28, INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24,
      INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20, INITVAL_1F, INITVAL_1E, INITVAL_1D,
      INITVAL_1C, INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18, INITVAL_17, INITVAL_16,
      INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10, INITVAL_0F,
      INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A, INITVAL_09, INITVAL_08,
      INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03, INITVAL_02, INITVAL_01,
      INITVAL_00
  };
  integer n;
  initial for (n = 0; n < 2048; n = n + 1) ram.mem[n] = INIT[20*(n/2)+9*(n%2)+:9];
endmodule

// The output clock is the input clock, whatever the dividers; LOCK rises after some cycles.
module EHXPLLL (
    input CLKI, CLKFB, RST, STDBY, PHASESEL1, PHASESEL0, PHASEDIR, PHASESTEP, PHASELOADREG,
        PLLWAKESYNC, ENCLKOP, ENCLKOS,
    output CLKOP, CLKOS, LOCK
);
  parameter CLKI_DIV = 1;
  parameter CLKFB_DIV = 1;
  parameter CLKOP_DIV = 8;
  parameter CLKOS_DIV = 8;
  parameter CLKOP_ENABLE = "ENABLED";
  parameter CLKOS_ENABLE = "DISABLED";
  parameter CLKOP_CPHASE = 0;
  parameter CLKOS_CPHASE = 0;
  parameter CLKOP_FPHASE = 0;
  parameter CLKOS_FPHASE = 0;
  parameter FEEDBK_PATH = "CLKOP";
  parameter OUTDIVIDER_MUXA = "DIVA";
  parameter OUTDIVIDER_MUXB = "DIVB";
  parameter STDBY_ENABLE = "DISABLED";
  parameter DPHASE_SOURCE = "DISABLED";
  parameter PLLRST_ENA = "DISABLED";
  parameter INTFB_WAKE = "DISABLED";

  `CELOSIA_ONLY(FEEDBK_PATH == "CLKOP", "FEEDBK_PATH")
  `CELOSIA_ONLY(STDBY_ENABLE == "DISABLED", "STDBY_ENABLE")
  `CELOSIA_ONLY(DPHASE_SOURCE == "DISABLED", "DPHASE_SOURCE")
  `CELOSIA_ONLY(PLLRST_ENA == "DISABLED", "PLLRST_ENA")
  assign CLKOP = CLKOP_ENABLE == "ENABLED" && CLKI;
  assign CLKOS = CLKOS_ENABLE == "ENABLED" && CLKI;
  reg [4:0] cycles = 0;
  always @(posedge CLKI) if (!LOCK) cycles <= cycles + 1;
  assign LOCK = cycles[4];
endmodule

// Pins that are either inputs or outputs, without high impedance.
module TRELLIS_IO (
    inout B,
    input I, T,
    output O
);
  parameter DIR = "INPUT";
  `CELOSIA_ONLY(DIR == "INPUT" || DIR == "OUTPUT", "DIR")
  generate
    if (DIR == "OUTPUT") begin
      assign B = I;
      always @* if (T) $fatal(1, "%m: an output that is switched off is not modelled");
    end else assign O = B;
  endgenerate
endmodule

module IB (
    input I,
    output O
);
  assign O = I;
endmodule

module OBZ (
    input I, T,
    output O
);
  assign O = I;
  always @* if (T) $fatal(1, "%m: an output that is switched off is not modelled");
endmodule
