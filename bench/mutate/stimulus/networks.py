"""Networks that the compiler makes, as they are and changed."""

import numpy as np

from celosia.spec import (
    Memory,
    Opcode,
    legal,
    memories,
    pack_descriptor,
    record,
)

from .host import Host
from .records import fields, parameters

__all__ = ["descriptors", "factors", "large_network", "mixture", "moved", "network"]


#: Of a program that may never end.
_PATIENCE = 3000


def network(host: Host) -> None:
    """A random network: in several runs, waited for and back to back; then what it has left."""
    image = host.image()
    host.recorder.stalls = (0.0, 0.0)
    host.device.load(image)
    host.send(host.frame(Opcode.COUNTERS, 1))
    for _ in range(3):
        host.stall()
        host.send(*(host.run_of(image) for _ in range(int(host.rng.integers(1, 4)))))
    host.recorder.stalls = (0.0, 0.0)
    host.send(host.frame(Opcode.COUNTERS, 1))
    host.send(host.look())


def large_network(host: Host) -> None:
    """A larger one, where more of the counts and addresses have high bits."""
    image = host.image(largest=12, layers=6)
    host.recorder.stalls = (0.0, 0.0)
    host.device.load(image)
    host.send(host.run_of(image), host.run_of(image), most=60_000)
    host.send(host.frame(Opcode.COUNTERS))


def factors(host: Host) -> None:
    """A network with any parameters instead of its own: corners of the requantization."""
    image = host.image(largest=3, layers=2)
    host.recorder.stalls = (0.0, 0.0)
    host.device.load(image)
    program = image.descriptors()
    for _ in range(6):
        count = record(host.config, Memory.PARAMS).depth
        frames = [host.write(Memory.PARAMS, 0, parameters(host, count))]
        changed = [_finish(host, dict(each)) for each in program]
        rows = np.array([list(pack_descriptor(**each)) for each in changed], np.uint8)
        frames.append(host.write(Memory.PROGRAM, 0, rows))
        frames += [host.run_of(image), host.run_of(image)]
        host.send(*frames)


def _finish(host: Host, d: dict[str, int]) -> dict[str, int]:
    """``d`` with another end of its layer."""
    rng = host.rng
    low, high = sorted(rng.integers(0, 256, 2).tolist())
    wide = rng.random() < 0.7
    return d | {
        "rounding": int(rng.integers(2)),
        "zero_point": int(rng.choice([0, 255, 128, rng.integers(256)])),
        "clamp_min": 0 if wide else low,
        "clamp_max": 255 if wide else high,
        "emit": 1,
    }


def moved(host: Host) -> None:
    """A network whose program, weights and parameters are elsewhere in their memories."""
    config, rng = host.config, host.rng
    image = host.image(largest=3, layers=2)
    host.recorder.stalls = (0.0, 0.0)
    host.device.load(image)
    offset = {
        memory: int(
            rng.choice(
                [room := record(config, memory).depth - len(image.records(memory)),
                 rng.integers(room + 1)]
            )
        )
        for memory in (Memory.WEIGHTS, Memory.PARAMS, Memory.PROGRAM)
    }  # fmt: skip
    program = [
        each
        | {
            "weights": each["weights"] + offset[Memory.WEIGHTS],
            "params": each["params"] + offset[Memory.PARAMS],
        }
        for each in image.descriptors()
    ]
    rows = np.array([list(pack_descriptor(**each)) for each in program], np.uint8)
    host.send(
        host.write(Memory.WEIGHTS, offset[Memory.WEIGHTS], image.records(Memory.WEIGHTS)),
        host.write(Memory.PARAMS, offset[Memory.PARAMS], image.records(Memory.PARAMS)),
        host.write(Memory.PROGRAM, offset[Memory.PROGRAM], rows),
        *(host.run_of(image, offset[Memory.PROGRAM]) for _ in range(2)),
        host.frame(Opcode.COUNTERS),
    )


def descriptors(host: Host) -> None:
    """A network with one field of a descriptor changed at a time, to a legal value or not."""
    config, rng = host.config, host.rng
    image = host.image(largest=4, layers=2)
    host.recorder.stalls = (0.0, 0.0)
    host.device.load(image)
    program = image.descriptors()
    layouts = {field.name: field for field in fields(config)}
    for _ in range(12):
        index = int(rng.integers(len(program)))
        changed = dict(program[index])
        for name in rng.choice(sorted(changed), int(rng.integers(1, 4)), replace=False).tolist():
            if name == "op":
                changed = {k: v for k, v in changed.items()} | {"op": int(rng.choice([2, 3]))}
                continue
            width = layouts[name].width
            value = int(rng.choice([0, 1, (1 << width) - 1, rng.integers(1 << width)]))
            if rng.random() < 0.6:
                value = (changed[name] + int(rng.choice([-1, 1, 2]))) % (1 << width)
            changed[name] = value
        row = np.array([list(pack_descriptor(**changed))], np.uint8)
        most = _PATIENCE if legal(changed, config) else 20_000
        host.stall()
        host.send(host.write(Memory.PROGRAM, index, row), host.run_of(image), most=most)
        host.send(host.frame(Opcode.RESET))
        restored = np.array([list(pack_descriptor(**program[index]))], np.uint8)
        host.send(host.write(Memory.PROGRAM, index, restored))
    host.send(host.look())


def mixture(host: Host) -> None:
    """Any requests back to back while networks run, and RESETs in the middle of them."""
    rng = host.rng
    image = host.image(largest=4, layers=2)
    host.recorder.stalls = (0.0, 0.0)
    host.device.load(image)
    for _ in range(8):
        host.stall()
        frames = [host.run_of(image) if rng.random() < 0.6 else _any(host) for _ in range(6)]
        # What a RESET ends is never answered: wait for quiet instead.
        host.recorder.send(frames, 0, 10_000, 1500 if rng.random() < 0.5 else 60)
        if rng.random() < 0.5:
            host.recorder.send([host.frame(Opcode.RESET)], 0, 10_000, 100)
        if rng.random() < 0.3:
            host.recorder.reset()


def _any(host: Host) -> bytes:
    config, rng = host.config, host.rng
    kind = int(rng.integers(6))
    memory = Memory(int(rng.choice(memories(config))))
    address = int(rng.integers(record(config, memory).depth + 2))
    if kind == 0:
        return host.frame(Opcode.COUNTERS, int(rng.integers(2)))
    if kind == 1:
        opcode = Opcode.CHECKSUM if config.checksum and rng.random() < 0.5 else Opcode.READ
        return host.frame(opcode, memory, address, int(rng.integers(6)))
    if kind == 2:
        only = [Memory.WEIGHTS, Memory.PARAMS, Memory.TABLES, Memory.ACTIVATIONS]
        memory = Memory(int(rng.choice([m for m in only if m in memories(config)])))
        return host.write(memory, address, host.records(memory, int(rng.integers(1, 5))))
    if kind == 3:
        return host.frame(int(rng.choice([Opcode.IDENTIFY, 99, 255])))
    if kind == 4:
        return host.frame(Opcode.RESET)
    broken = host.infer(1, 4)
    words = int(rng.integers(1, len(broken) // config.link_bytes + 1))
    return broken[: words * config.link_bytes] + bytes(config.link_bytes * int(rng.integers(2)))
