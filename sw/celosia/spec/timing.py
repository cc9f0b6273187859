"""Latencies and queue depths of the engine: what the hardware is built with, and the cycle model
counts with."""

__all__ = [
    "ARRAY_LATENCY",
    "CLAIM_LATENCY",
    "DRAIN_LATENCY",
    "MAX_OUTSTANDING",
    "MULTICYCLE_CYCLES",
    "MULTICYCLE_LATENCY",
    "OPERAND_LATENCY",
    "PLACEMENT_LATENCY",
    "PRODUCT32_LATENCY",
    "PRODUCT_LATENCY",
    "READ_LATENCY",
    "RECORD_LATENCY",
    "REQUANTIZER_LATENCY",
    "RESULTS_DEPTH",
    "ROW_OPERAND_LATENCY",
    "SEGMENT_DEPTH",
    "TABLES_LATENCY",
    "WEIGHTS_LATENCY",
]

#: Cycles from the address of a word to its data: the memory's own register, its output register,
#: because a block RAM's clock-to-output leaves no room for logic, and one more on the way from
#: where the block RAMs are to where the logic is.
READ_LATENCY = 3
#: From a READ's address to its record, for every memory: address register, memory, selection of
#: one of up to 32 rows.
RECORD_LATENCY = 1 + READ_LATENCY + 3
#: From an issue to the array's operands: the memory, then the selection of the byte.
OPERAND_LATENCY = READ_LATENCY + 1
#: The same where each row has an address of its own, which is added first.
ROW_OPERAND_LATENCY = 1 + OPERAND_LATENCY
#: From operands to their product: what a multiplier block with all its registers needs, and one
#: more for the correction where a block makes two products.
PRODUCT_LATENCY = 3
#: From operands of 32 bits that are held to their product, in multipliers of 16 bits in a row.
PRODUCT32_LATENCY = 5
#: From a tile's last operands to the first cycle in which its sums can be shifted out: products,
#: then sum and copy at once.
ARRAY_LATENCY = PRODUCT_LATENCY + 1
#: From the walker's decision on a tile's last k to the first cycle in which the drain may decide on
#: the tile's first beat: the next tile may be finished this much before a tile is drained.
CLAIM_LATENCY = OPERAND_LATENCY + ARRAY_LATENCY
#: From the drain's decision on a beat to its sums at the requantizer: as long as the parameters
#: take. The sums leave the chain in between.
DRAIN_LATENCY = READ_LATENCY
#: From sums to bytes.
REQUANTIZER_LATENCY = 15
#: From sums to bytes where one multiplier serves three times: the bias, the products, each with the
#: cycle that takes it, the zero point, the clamp.
MULTICYCLE_LATENCY = 1 + 3 * (PRODUCT32_LATENCY + 1) + 2
#: From bytes to looked-up bytes.
TABLES_LATENCY = READ_LATENCY
#: Between two beats then, so that the place of one stands until its bytes have arrived.
MULTICYCLE_CYCLES = DRAIN_LATENCY + MULTICYCLE_LATENCY + TABLES_LATENCY
#: Cycles for which a written word of weights may be on its way to its memories. Their next reader
#: comes later than that, because the WRITE is answered first, and the next header is read.
WEIGHTS_LATENCY = 16
#: From a word's number to the rows that store it and their addresses.
PLACEMENT_LATENCY = 4
#: Segments the scanner may be ahead of the walker.
SEGMENT_DEPTH = 8
#: Words of results that may wait for the host before the drain stops.
RESULTS_DEPTH = 32
#: Runs that may be waiting for their response to be sent.
MAX_OUTSTANDING = 63
