// The functions of axi.h on a simulation of the engine by Verilator.
#include <cstdio>
#include <cstdlib>
#include <deque>

#include "Vaxi.h"
#include "axi.h"
#include "verilated.h"

namespace {
Vaxi *top;
std::deque<std::pair<uint64_t, bool>> received;  // words of m_axis, with last

// One clock cycle. m_axis is always ready, so that the engine never waits for this host.
void cycle() {
  top->m_axis_tready = 1;
  top->aclk = 0;
  top->eval();
  if (top->m_axis_tvalid) received.emplace_back(top->m_axis_tdata, top->m_axis_tlast);
  top->aclk = 1;
  top->eval();
}

// Cycles until `ready` was 1 at an edge.
template <typename Ready>
void transfer(Ready ready) {
  for (int n = 0; n < 1000000; n++) {
    top->aclk = 0;
    top->eval();
    bool taken = ready();
    cycle();
    if (taken) return;
  }
  std::fprintf(stderr, "the engine does not answer\n");
  std::exit(2);
}
}  // namespace

void axi_start() {
  top = new Vaxi;
  top->aresetn = 0;
  top->s_axis_tvalid = top->s_axil_awvalid = top->s_axil_wvalid = top->s_axil_arvalid = 0;
  top->s_axil_bready = top->s_axil_rready = 1;
  for (int n = 0; n < 4; n++) cycle();
  top->aresetn = 1;
  for (int n = 0; n < 8; n++) cycle();
}

uint32_t axi_read(uint32_t address) {
  top->s_axil_araddr = address;
  top->s_axil_arvalid = 1;
  transfer([] { return top->s_axil_arready; });
  top->s_axil_arvalid = 0;
  uint32_t data = 0;
  transfer([&] { return data = top->s_axil_rdata, top->s_axil_rvalid; });
  return data;
}

void axi_write(uint32_t address, uint32_t value) {
  top->s_axil_awaddr = address;
  top->s_axil_wdata = value;
  top->s_axil_wstrb = 15;
  bool address_taken = false, value_taken = false;
  top->s_axil_awvalid = top->s_axil_wvalid = 1;
  transfer([&] {
    address_taken |= top->s_axil_awvalid && top->s_axil_awready;
    value_taken |= top->s_axil_wvalid && top->s_axil_wready;
    return address_taken && value_taken;
  });
  top->s_axil_awvalid = top->s_axil_wvalid = 0;
  transfer([] { return top->s_axil_bvalid; });
}

void axi_send(const uint64_t *words, int count) {
  top->s_axis_tkeep = 0xff;
  for (int n = 0; n < count; n++) {
    top->s_axis_tdata = words[n];
    top->s_axis_tlast = n == count - 1;
    top->s_axis_tvalid = 1;
    transfer([] { return top->s_axis_tready; });
  }
  top->s_axis_tvalid = 0;
}

int axi_receive(uint64_t *words, int room) {
  for (int count = 0;;) {
    transfer([] { return !received.empty(); });
    while (!received.empty()) {
      auto [word, last] = received.front();
      received.pop_front();
      if (count == room) std::fprintf(stderr, "a response is too long\n"), std::exit(2);
      words[count++] = word;
      if (last) return count;
    }
  }
}
