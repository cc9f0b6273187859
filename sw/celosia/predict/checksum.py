"""How long an engine takes for a checksum of one of its memories."""

from celosia.spec import (
    CHECKSUM,
    COUNTERS,
    IDENTITY,
    REQUEST,
    TRAILER,
    Config,
    Memory,
    ceil_div,
    memories,
    record,
)
from celosia.spec.timing import RECORD_LATENCY

__all__ = ["checksum_cycles"]

#: From the last word of a request to the fetch of its first record: skid buffer, header, admission,
#: decision, reply, responder.
_ADMITTED = 9
#: From the last word of a part to the trailer's first, and through the skid buffer to the pins.
_CLOSED = 3


def checksum_cycles(config: Config, memory: Memory, address: int, count: int) -> int:
    """Cycles of a `Opcode.CHECKSUM` of ``count`` records of ``memory`` from ``address``.

    From the first word of the request to the last of the response, while the host offers and takes
    a word in every cycle, the engine is idle and the request is legal. A record of ``words`` link
    words takes ``11 + record_cycles + (words - 1) * max(record_cycles, link_bytes + 1)`` of them,
    unless it is so short that the last word of the one before is still being summed up.
    """
    shape, link_bytes = record(config, memory), config.link_bytes
    found = _record_cycles(config)
    later = max(found, link_bytes + 1) * (shape.words - 1)
    # Of activations the row is found by subtraction, two cycles for each.
    first_row, last_row = 0, 0
    if memory is Memory.ACTIVATIONS:
        first_row = address // config.act_depth
        last_row = (address + count - 1) // config.act_depth
    rows = last_row - first_row
    cycles = _words(config, REQUEST.size) + _ADMITTED
    cycles += RECORD_LATENCY + 3 + 2 * first_row + found + later
    step = RECORD_LATENCY + 4 + found
    cycles += (count - 1 - rows) * (max(step, link_bytes + 1) + later)
    cycles += rows * (max(step + 2, link_bytes + 1) + later)
    # The last word is summed up, then the sum is sent.
    cycles += link_bytes + _words(config, CHECKSUM.size) * found
    return cycles + _CLOSED + _words(config, TRAILER.size)


def _record_cycles(config: Config) -> int:
    """From one word of a record to the next: its index, a step for each two bits of it, which of
    the records, and the register behind."""
    words = [record(config, memory).words for memory in memories(config)]
    words += [_words(config, each.size) for each in (IDENTITY, COUNTERS, TRAILER)]
    return 3 + ((max(words) - 1).bit_length() + 1) // 2


def _words(config: Config, size: int) -> int:
    return ceil_div(size, config.link_bytes)
