"""Requests of every kind, good and bad, whatever is loaded."""

import numpy as np

from celosia.spec import (
    INPUT_LAYOUT,
    InferFlag,
    Memory,
    Opcode,
    memories,
    record,
)

from .host import Host

__all__ = ["contents", "empty", "headers", "layouts", "lengths", "wild_headers"]


def empty(host: Host) -> None:
    """Requests to an engine that has just been switched on, good and bad."""
    for arg in (0, 1, 0):
        host.send(host.frame(Opcode.COUNTERS, arg))
    host.send(*(host.frame(opcode) for opcode in (1, 1, 0, 6, 1)))
    for opcode in (7, 8, 9, 15, 16, 32, 64, 128, 129, 130, 255):
        host.send(host.frame(opcode))


def headers(host: Host) -> None:
    """Every bit of each field of a header, with each opcode; the frames have no payload."""
    frames = []
    reading = (Opcode.READ, Opcode.CHECKSUM) if host.config.checksum else (Opcode.READ,)
    for opcode in (*reading, Opcode.WRITE, Opcode.INFER):
        for memory in range(8):
            depth = _depth(host, opcode, memory)
            for address in sorted({0, depth - 1, depth, *(1 << bit for bit in range(24))}):
                frames.append(host.frame(opcode, memory, address, int(host.rng.integers(1, 3))))
            for count in sorted({0, *(1 << bit for bit in range(24))}):
                if opcode not in reading or count > depth:
                    address = int(host.rng.choice([0, depth - 1]))
                    frames.append(host.frame(opcode, memory, address, count))
            frames.append(host.frame(opcode, memory, (1 << 24) - 1, (1 << 24) - 1))
    frames += [host.frame(Opcode.WRITE, 1 << bit, 0, 1) for bit in range(8)]
    frames += [host.frame(Opcode.INFER, 1 << bit, 0, 1) for bit in range(8)]
    for start in range(0, len(frames), 20):
        host.stall()
        host.send(*frames[start : start + 20])


def wild_headers(host: Host) -> None:
    """Requests of which up to two bits of the header have flipped, some with a payload."""
    rng, config = host.rng, host.config
    opcodes = [int(opcode) for opcode in Opcode]
    for _ in range(25):
        frames = []
        for _ in range(16):
            opcode = int(rng.choice(opcodes))
            memory = int(rng.integers(len(memories(config)) + 1))
            depth = _depth(host, opcode, memory)
            count = int(rng.integers(1, min(depth, 40) + 1))
            header = [opcode, memory, int(rng.integers(depth - count + 1)), count]
            if opcode == Opcode.INFER:
                header[1] = int(rng.integers(256))
            for _ in range(int(rng.integers(3))):
                field = int(rng.integers(4))
                header[field] ^= 1 << int(rng.integers(8 if field < 2 else 24))
            frames.append(host.frame(*header, rng.bytes(config.link_bytes * int(rng.integers(3)))))
        host.stall()
        host.send(*frames, host.frame(Opcode.IDENTIFY))


def _depth(host: Host, opcode: int, memory: int) -> int:
    if opcode == Opcode.INFER:
        return host.config.program_depth
    known = memory in memories(host.config)
    return record(host.config, Memory(memory)).depth if known else 1


def contents(host: Host) -> None:
    """Every record of every memory is written and read, in pieces of any size."""
    for memory in host.writable():
        host.stall()
        depth = record(host.config, memory).depth
        host.send(host.write(memory, 0, host.records(memory, depth)))
        host.send(host.frame(Opcode.READ, memory, 0, depth))
        for _ in range(6):
            address = int(host.rng.integers(depth))
            count = int(host.rng.integers(1, min(depth - address, 9) + 1))
            host.send(
                host.write(memory, address, host.records(memory, count)),
                host.frame(Opcode.READ, memory, max(address - 1, 0), count),
            )
        host.stall()
        host.send(host.frame(Opcode.READ, memory, 0, depth))
        if host.config.checksum:
            host.send(*(host.frame(Opcode.CHECKSUM, memory, 0, n) for n in (1, 3, depth)))
    depth = record(host.config, Memory.ACTIVATIONS).depth
    host.send(host.frame(Opcode.READ, Memory.ACTIVATIONS, 0, depth))


def lengths(host: Host) -> None:
    """Requests that are cut after any word, or too long."""
    step = host.config.link_bytes
    whole = [host.write(memory, 0, host.records(memory, 2)) for memory in host.writable()]
    whole += [host.infer(host.config.rows, 2), host.infer(1, 3), host.frame(Opcode.IDENTIFY)]
    whole += [host.infer(1, 3, InferFlag.STRIPES), host.frame(Opcode.RESET)]
    whole += [host.frame(Opcode.READ, Memory.WEIGHTS, 0, 2), host.frame(Opcode.COUNTERS)]
    # What they would run is illegal.
    zero = host.records(Memory.PROGRAM, host.config.program_depth) * 0
    host.send(host.write(Memory.PROGRAM, 0, zero))
    for frame in whole:
        sizes = range(step, len(frame), step)
        for size in sizes if len(sizes) < 12 else (*sizes[:6], *sizes[-6:]):
            host.send(frame[:size])
        host.stall()
        host.send(frame, frame + bytes(step), frame + bytes(3 * step), frame)
    host.send(*host.read_all())


def layouts(host: Host) -> None:
    """Inputs in stripes with any layout: which row keeps which words."""
    config, rng = host.config, host.rng
    zero = host.records(Memory.PROGRAM, 1) * 0
    host.send(host.write(Memory.PROGRAM, 0, zero))
    for index in range(20):
        most = int(rng.choice([2, 5, 16, config.act_depth // 2, 1 << 16]))
        values = {name: int(rng.integers(most)) for name in ("row_words", "halo", "length")}
        if index % 2:
            name = str(rng.choice(list(values)))
            values[name] = (values[name] % 8 + (1 << int(rng.integers(16)))) % (1 << 16)
        row = np.frombuffer(INPUT_LAYOUT.pack(**values), np.uint8)[None]
        words = int(rng.choice([rng.integers(1, 24), config.act_depth // 2]))
        host.stall()
        host.send(
            host.write(Memory.LAYOUT, 0, row),
            host.infer(1, words, InferFlag.STRIPES),
            host.infer(1, int(rng.integers(1, 24)), InferFlag.STRIPES),
            host.frame(Opcode.READ, Memory.LAYOUT, 0, 1),
        )
        if index % 7 == 6:
            host.send(host.look())
    host.send(host.frame(Opcode.READ, Memory.ACTIVATIONS, 0, config.rows * config.act_depth))
