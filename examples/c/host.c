/* A host in C: loads a model into an engine behind AXI, runs images, compares every byte.
 *
 * Only the four functions of axi.h depend on the platform: two accesses to registers, and two
 * packets. Here a simulation provides them; on a board they are memory-mapped and a DMA. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "axi.h"
#include "celosia.h"
#include "model.h"

/* A request's header; the engine of this example has link words of 8 bytes, so it is one word. */
static uint64_t request(uint64_t opcode, uint64_t arg, uint64_t address, uint64_t count) {
  return opcode << CELOSIA_REQUEST_OPCODE_OFFSET | arg << CELOSIA_REQUEST_ARG_OFFSET |
         address << CELOSIA_REQUEST_ADDRESS_OFFSET | count << CELOSIA_REQUEST_COUNT_OFFSET;
}

static uint64_t field(uint64_t word, unsigned offset, unsigned width) {
  return word >> offset & ((UINT64_C(1) << width) - 1);
}

/* Send a request, and receive the words of its response. Returns their number without the
 * trailer, or -1 when the engine refused. */
static int exchange(uint64_t header, const uint64_t *payload, int count, uint64_t *out, int room) {
  static uint64_t words[1 + MODEL_MOST_WORDS];
  words[0] = header;
  if (count) memcpy(words + 1, payload, sizeof *payload * (size_t)count);
  axi_send(words, 1 + count);
  int received = axi_receive(out, room);
  uint64_t trailer = out[received - 1];
  uint64_t status = field(trailer, CELOSIA_TRAILER_STATUS_OFFSET, CELOSIA_TRAILER_STATUS_WIDTH);
  if (status != CELOSIA_STATUS_OK) {
    fprintf(stderr, "request %d was refused: status %d\n", (int)(header & 255), (int)status);
    return -1;
  }
  return received - 1;
}

int main(void) {
  uint64_t out[MODEL_RESULT_WORDS + 1];
  axi_start();
  if (axi_read(CELOSIA_AXI_IDENTITY) != CELOSIA_MAGIC) return fprintf(stderr, "no engine\n"), 2;
  if ((axi_read(CELOSIA_AXI_IDENTITY + 4) & 0xffff) != CELOSIA_VERSION)
    return fprintf(stderr, "an engine of another version\n"), 2;

  for (int n = 0; n < MODEL_SECTIONS; n++) {
    const struct section *s = &model_sections[n];
    uint64_t header = request(CELOSIA_OPCODE_WRITE, s->memory, 0, s->records);
    if (exchange(header, s->words, s->count, out, 1) < 0) return 2;
  }
  int different = 0;
  for (int n = 0; n < MODEL_IMAGES; n++) {
    uint64_t header = request(CELOSIA_OPCODE_INFER, MODEL_FLAGS, 0, MODEL_INPUT_WORDS);
    int words = exchange(header, model_inputs[n], MODEL_INPUT_WORDS, out, MODEL_RESULT_WORDS + 1);
    if (words != MODEL_RESULT_WORDS) return 2;
    different += memcmp(out, model_results[n], sizeof model_results[n]) != 0;
  }
  printf("%d images, %d differ from the golden model, %u responses\n", MODEL_IMAGES, different,
         (unsigned)axi_read(CELOSIA_AXI_RESPONSES));
  return different != 0;
}
