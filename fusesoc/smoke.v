// Smoke test: reads the magic number over AXI4-Lite, sends IDENTIFY over AXI4-Stream, waits for the
// interrupt, and compares the response's magic number. The thorough test is tb/axi/bench_axi.py.
`timescale 1ns / 1ps

module smoke;
  localparam MAGIC = 32'h4f4c4543;

  reg aclk = 0, aresetn = 0;
  always #5 aclk = ~aclk;

  reg [63:0] request = 64'd1;  // opcode IDENTIFY, everything else 0
  reg request_valid = 0;
  wire request_ready;
  wire [63:0] response;
  wire response_valid, response_last;

  reg [11:0] address = 0;
  reg awvalid = 0, wvalid = 0, arvalid = 0;
  reg [31:0] wdata = 0;
  wire awready, wready, bvalid, arready, rvalid, irq;
  wire [1:0] bresp, rresp;
  wire [31:0] rdata;

  celosia_axi engine (
    .aclk(aclk), .aresetn(aresetn), .irq(irq),
    .s_axis_tdata(request), .s_axis_tkeep(8'hff), .s_axis_tlast(1'b1),
    .s_axis_tvalid(request_valid), .s_axis_tready(request_ready),
    .m_axis_tdata(response), .m_axis_tkeep(), .m_axis_tlast(response_last),
    .m_axis_tvalid(response_valid), .m_axis_tready(1'b1),
    .s_axil_awaddr(address), .s_axil_awvalid(awvalid), .s_axil_awready(awready),
    .s_axil_wdata(wdata), .s_axil_wstrb(4'hf), .s_axil_wvalid(wvalid), .s_axil_wready(wready),
    .s_axil_bresp(bresp), .s_axil_bvalid(bvalid), .s_axil_bready(1'b1),
    .s_axil_araddr(address), .s_axil_arvalid(arvalid), .s_axil_arready(arready),
    .s_axil_rdata(rdata), .s_axil_rresp(rresp), .s_axil_rvalid(rvalid), .s_axil_rready(1'b1)
  );

  task fail(input integer code);
    begin
      $display("FAIL %0d", code);
      $finish_and_return(1);
    end
  endtask

  task read(input [11:0] from);
    begin
      address <= from;
      arvalid <= 1;
      @(posedge aclk);
      while (!arready) @(posedge aclk);
      arvalid <= 0;
      while (!rvalid) @(posedge aclk);
      if (rresp != 0) fail(1);
    end
  endtask

  task write(input [11:0] to, input [31:0] value);
    begin
      address <= to;
      wdata <= value;
      awvalid <= 1;
      wvalid <= 1;
      @(posedge aclk);
      while (!awready) @(posedge aclk);
      awvalid <= 0;
      wvalid <= 0;
      while (!bvalid) @(posedge aclk);
      if (bresp != 0) fail(2);
    end
  endtask

  integer words = 0;
  always @(posedge aclk)
    if (response_valid) begin
      if (words == 0 && response[31:0] != MAGIC) fail(3);
      words = words + 1;
    end

  initial begin
    repeat (4) @(posedge aclk);
    aresetn <= 1;
    repeat (4) @(posedge aclk);
    read(12'h000);
    if (rdata != MAGIC) fail(4);
    write(12'h028, 32'd1);  // IRQ_ENABLE
    request_valid <= 1;
    @(posedge aclk);
    while (!request_ready) @(posedge aclk);
    request_valid <= 0;
    while (!irq) @(posedge aclk);
    if (words != 5) fail(5);  // 32 bytes of identity and 8 of trailer
    write(12'h02c, 32'd1);  // IRQ_PENDING
    @(posedge aclk);
    if (irq) fail(6);
    $display("PASS");
    $finish;
  end

  initial begin
    repeat (10000) @(posedge aclk);
    fail(7);
  end
endmodule
