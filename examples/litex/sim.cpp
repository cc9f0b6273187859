// A host on the Wishbone bus of a LiteX SoC, which Verilator simulates: it copies each request into
// the SoC's RAM, starts both DMAs, and compares the response in RAM with the golden model's.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "Vsoc.h"
#include "celosia.h"
#include "csr.h"
#include "frames.h"
#include "verilated.h"

namespace {
Vsoc *top;

void cycle() {
  top->sys_clk = 0;
  top->eval();
  top->sys_clk = 1;
  top->eval();
}

// One Wishbone access to a byte address of the SoC.
uint32_t access(uint32_t address, bool write, uint32_t value) {
  top->wb_adr = address / 4;
  top->wb_dat_w = value;
  top->wb_sel = 15;
  top->wb_we = write;
  top->wb_cyc = top->wb_stb = 1;
  for (int n = 0; n < 10000; n++) {
    top->sys_clk = 0;
    top->eval();
    bool ack = top->wb_ack, err = top->wb_err;
    uint32_t data = top->wb_dat_r;
    cycle();
    if (err) break;
    if (!ack) continue;
    top->wb_cyc = top->wb_stb = 0;
    cycle();
    return data;
  }
  std::fprintf(stderr, "no answer at address 0x%x\n", address);
  std::exit(2);
}

uint32_t read(uint32_t address) { return access(address, false, 0); }
void write(uint32_t address, uint32_t value) { access(address, true, value); }

// A DMA's base is a register of 64 bits, the upper half first.
void write_base(uint32_t address, uint32_t value) {
  write(address, 0);
  write(address + 4, value);
}

// Send a request and receive its response through RAM. The writer is enabled first: while it is
// disabled it discards its input. Returns the number of words that it stored.
uint32_t exchange(const uint32_t *words, uint32_t count) {
  for (uint32_t n = 0; n < count; n++) write(REQUEST_BASE + 4 * n, words[n]);
  write_base(CSR_CELOSIA_WRITER_BASE_ADDR, RESPONSE_BASE);
  write(CSR_CELOSIA_WRITER_LENGTH_ADDR, BUFFER_BYTES);
  write_base(CSR_CELOSIA_READER_BASE_ADDR, REQUEST_BASE);
  write(CSR_CELOSIA_READER_LENGTH_ADDR, 4 * count);
  write(CSR_CELOSIA_WRITER_ENABLE_ADDR, 1);
  write(CSR_CELOSIA_READER_ENABLE_ADDR, 1);
  for (int n = 0; !read(CSR_CELOSIA_WRITER_DONE_ADDR); n++) {
    if (n == 100000) std::fprintf(stderr, "the engine does not answer\n"), std::exit(2);
  }
  uint32_t stored = read(CSR_CELOSIA_WRITER_OFFSET_ADDR);
  write(CSR_CELOSIA_READER_ENABLE_ADDR, 0);
  write(CSR_CELOSIA_WRITER_ENABLE_ADDR, 0);
  return stored;
}
}  // namespace

int main() {
  top = new Vsoc;
  top->wb_cyc = top->wb_stb = 0;
  top->sys_rst = 1;
  for (int n = 0; n < 4; n++) cycle();
  top->sys_rst = 0;
  for (int n = 0; n < 8; n++) cycle();

  if (read(ENGINE_BASE + CELOSIA_AXI_IDENTITY) != CELOSIA_MAGIC)
    return std::fprintf(stderr, "no engine\n"), 2;
  int bytes = 0, different = 0;
  for (const exchange_t &e : exchanges) {
    uint32_t stored = exchange(e.request, e.request_words);
    if (stored != e.response_words) {
      std::fprintf(stderr, "a response of %u words, expected %u\n", stored, e.response_words);
      return 1;
    }
    for (uint32_t n = 0; n < 4 * stored; n++) {
      uint32_t word = read(RESPONSE_BASE + n / 4 * 4);
      different += ((word ^ e.response[n / 4]) >> (n % 4 * 8) & 255) != 0;
    }
    bytes += 4 * stored;
  }
  std::printf("%u responses, %d bytes, %d differ from the golden model\n",
              (unsigned)read(ENGINE_BASE + CELOSIA_AXI_RESPONSES), bytes, different);
  return different != 0;
}
