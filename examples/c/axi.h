/* What host.c needs of a platform. */
#ifndef AXI_H
#define AXI_H
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif
void axi_start(void);                              /* reset, once */
uint32_t axi_read(uint32_t address);               /* a register, over AXI4-Lite */
void axi_write(uint32_t address, uint32_t value);
void axi_send(const uint64_t *words, int count);   /* one packet to s_axis */
int axi_receive(uint64_t *words, int room);        /* one packet of m_axis; its words */
#ifdef __cplusplus
}
#endif
#endif
