"""What the engine is asked to do: networks, and requests of every kind, good and bad.

Nothing here is checked against a model: that is the test suite's part. It is the same stimulus, and
what is compared is every word and its cycle, with those of the engine without a mutation.
"""

from collections.abc import Callable, Iterator

import numpy as np

from celosia.compiler import compile
from celosia.compiler.image import Image
from celosia.driver.device import Device
from celosia.driver.frames import pad_records, request
from celosia.spec import (
    INPUT_LAYOUT,
    PARAMETER,
    Config,
    InferFlag,
    Memory,
    Op,
    Opcode,
    descriptor,
    legal,
    memories,
    pack_descriptor,
    record,
)
from celosia.spec.descriptor import PARTS
from celosia.spec.fields import Field
from celosia.support.errors import CelosiaError

from .simulation import Recorder

__all__ = ["STIMULI", "Host", "record_all"]

#: Of a program that may never end.
_PATIENCE = 3000
_STALLS = ((0.0, 0.0), (0.0, 0.0), (0.3, 0.0), (0.0, 0.4), (0.6, 0.6), (0.0, 0.9))


class Host:
    """A host with a random generator, at a recorded engine.

    Parameters
    ----------
    recorder : the engine.
    config : its configuration.
    rng : of everything that is drawn.
    """

    def __init__(self, recorder: Recorder, config: Config, rng: np.random.Generator):
        self.recorder, self.config, self.rng = recorder, config, rng
        self.device = Device(recorder)

    def frame(self, opcode: int, arg=0, address=0, count=0, payload: bytes = b"") -> bytes:
        return request(self.config.link_bytes, opcode, int(arg), int(address), int(count), payload)

    def send(self, *frames: bytes, most: int = 20_000) -> None:
        self.recorder.send(frames, sum(self._answered(frame) for frame in frames), most)

    def _answered(self, frame: bytes) -> bool:
        return bool(frame)

    def stall(self) -> None:
        """Other probabilities of stalls from now on."""
        self.recorder.stalls = _STALLS[self.rng.integers(len(_STALLS))]

    def records(self, memory: Memory, count: int) -> np.ndarray:
        """Any bytes; often those of the corners."""
        shape = (count, record(self.config, memory).size)
        data = self.rng.integers(0, 256, shape).astype(np.uint8)
        return np.where(self.rng.random(shape) < 0.1, self.rng.choice([0, 255]), data)

    def write(self, memory: Memory, address: int, records: np.ndarray) -> bytes:
        payload = pad_records(records.astype(np.uint8), self.config.link_bytes)
        return self.frame(Opcode.WRITE, memory, address, len(records), payload)

    def infer(self, images: int, words: int, flags=0, entry: int = 0) -> bytes:
        """A run on any input, of which much is zero."""
        rows = 1 if flags & InferFlag.STRIPES else images
        x = self.rng.integers(0, 256, (words, rows, self.config.lanes)).astype(np.uint8)
        x[self.rng.random((words, 1, self.config.lanes)).repeat(rows, 1) < 0.4] = 0
        payload = pad_records(x, self.config.link_bytes)
        return self.frame(Opcode.INFER, flags | (images - 1), entry, words, payload)

    def run_of(self, image: Image, entry: int = 0) -> bytes:
        """A run of ``image`` on any input."""
        flags = InferFlag.NO_SKIP if self.rng.random() < 0.3 else InferFlag(0)
        if image.stripes:
            return self.infer(1, image.input_words, flags | InferFlag.STRIPES, entry)
        return self.infer(
            int(self.rng.integers(1, self.config.rows + 1)), image.input_words, flags, entry
        )

    def writable(self) -> list[Memory]:
        return [each for each in memories(self.config) if record(self.config, each).writable]

    def image(self, largest: int = 5, layers: int = 3) -> Image:
        """A random network that fits."""
        from tests.helpers.random_graphs import random_graph

        while True:
            graph = random_graph(self.rng, layers=layers, largest=largest)
            goal = str(self.rng.choice(["throughput", "latency"]))
            try:
                return compile(graph, self.config, emit_all=bool(self.rng.integers(2)), goal=goal)
            except CelosiaError:
                pass

    def read_all(self) -> list[bytes]:
        """Requests for the contents of all memories."""
        opcode = Opcode.CHECKSUM if self.config.checksum else Opcode.READ
        return [
            self.frame(opcode, each, 0, record(self.config, each).depth)
            for each in memories(self.config)
        ]

    def look(self) -> bytes:
        """A request for the activations of one row."""
        depth, row = self.config.act_depth, int(self.rng.integers(self.config.rows))
        opcode = (
            Opcode.CHECKSUM if self.rng.random() < 0.5 and self.config.checksum else Opcode.READ
        )
        return self.frame(opcode, Memory.ACTIVATIONS, row * depth, depth)


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
        frames = [host.write(Memory.PARAMS, 0, _parameters(host, count))]
        changed = [_finish(host, dict(each)) for each in program]
        rows = np.array([list(pack_descriptor(**each)) for each in changed], np.uint8)
        frames.append(host.write(Memory.PROGRAM, 0, rows))
        frames += [host.run_of(image), host.run_of(image)]
        host.send(*frames)


def _parameters(host: Host, words: int) -> np.ndarray:
    """Parameters whose results are not all clamped."""
    rng, rows = host.rng, []
    for _ in range(words):
        row = b""
        for _ in range(host.config.requantizers):
            bits = int(rng.integers(0, 32))
            bias = int(rng.integers(-(1 << bits), 1 << bits)) if bits < 31 else -(1 << 31)
            multiplier = int(rng.choice([0, 1, (1 << 31) - 1, 1 << 30, rng.integers(1 << 31)]))
            if rng.random() < 0.6:
                multiplier = int(rng.integers(1 << 30, 1 << 31))
            # Such that the result has about 8 bits, or any.
            fitting = int(np.clip(7 - max(bits, 6) + rng.integers(-2, 3), -31, 30))
            shift = fitting if rng.random() < 0.8 else int(rng.integers(-31, 31))
            row += PARAMETER.pack(bias=bias, multiplier=multiplier, shift=shift)
        rows.append(list(row))
    return np.array(rows, np.uint8)


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
    layouts = {field.name: field for field in _fields(config)}
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


def _fields(config: Config) -> Iterator[Field]:
    yield from descriptor(config).fields
    for op in config.ops:
        yield from PARTS[op].fields


def _descriptor_of(host: Host, op: int) -> dict[str, int]:
    """A legal descriptor with small counts and anything else."""
    rng, config = host.rng, host.config

    def few(most: int) -> int:
        return int(rng.integers(1, most + 1))

    d = {field.name: int(rng.integers(1 << field.width)) for field in PARTS[op].fields}
    low, high = sorted(rng.integers(0, 256, 2).tolist())
    d |= {
        "op": op,
        "emit": 1,
        "store": int(rng.integers(2)),
        "use_table": int(config.tables > 0 and rng.random() < 0.3),
        "table": int(rng.integers(max(config.tables, 1))),
        "rounding": int(rng.integers(2)),
        "zero_point": int(rng.choice([0, 255, 128, rng.integers(256)])),
        "clamp_min": int(rng.choice([0, 0, low])),
        "clamp_max": int(rng.choice([255, 255, high])),
        "dst": int(rng.integers(1 << 16)),
        "params": int(rng.integers(config.param_depth)),
        "tiles": few(7),
        "kernel_y": few(3),
        "kernel_x": few(3),
        "kernel_rest": few(3),
        "tap_words": 1 if op == Op.DEPTHWISE else few(3),
        "tail": 1 if op == Op.DEPTHWISE else few(config.lanes),
        "steps": few(7),
        "rows_used": few(config.rows),
        "rows_full": int(rng.integers(8)),
        "weight_stride": few(100),
        "wait": int(rng.integers(4)),
        "wait_step": int(rng.integers(2)),
        "waits": 0,
    }
    if d["rows_used"] == 1:
        d["rows_full"] = d["steps"] + int(rng.integers(3))
    if rng.random() < 0.7:
        # Inside of its map more often than not.
        d |= {name: int(rng.integers(4)) for name in _NEAR}
        d |= {"height": few(9), "width": few(9), "x_last": few(9)}
    return d


_NEAR = ("pixel_x", "row_y", "row_x", "wrap_y", "wrap_x", "corner_y", "corner_x", "line_y", "tap_x")


def _rows(program: list[dict[str, int]]) -> np.ndarray:
    return np.array([list(pack_descriptor(**each)) for each in program], np.uint8)


def _fill(host: Host) -> None:
    """Any weights, tables and layout, and parameters that do not clamp every result."""
    host.recorder.stalls = (0.0, 0.0)
    for memory in (Memory.WEIGHTS, Memory.TABLES):
        depth = record(host.config, memory).depth
        if depth:
            host.send(host.write(memory, 0, host.records(memory, depth)))
    depth = record(host.config, Memory.PARAMS).depth
    host.send(host.write(Memory.PARAMS, 0, _parameters(host, depth)))
    layout = np.frombuffer(INPUT_LAYOUT.pack(row_words=9, halo=3, length=16), np.uint8)
    host.send(host.write(Memory.LAYOUT, 0, layout[None]))


def programs(host: Host) -> None:
    """Programs that no compiler makes: small counts, any addresses."""
    config, rng = host.config, host.rng
    _fill(host)
    for _ in range(12):
        layers = int(rng.integers(1, 4))
        program = [_descriptor_of(host, int(rng.choice(config.ops))) for _ in range(layers)]
        for each in program[1:]:
            each["waits"] = int(rng.random() < 0.3)
            each["wait"] = int(rng.integers(2)) * each["waits"]
            each["wait_step"] = 0
        for index, each in enumerate(program):
            each["last"] = int(index == layers - 1)
        entry = int(rng.integers(config.program_depth - layers + 1))
        host.stall()
        flags = InferFlag.NO_SKIP if rng.random() < 0.2 else InferFlag(0)
        frames = [host.infer(1, 16, flags | InferFlag.STRIPES, entry)]
        if rng.random() < 0.5:
            frames = [host.infer(int(rng.integers(1, config.rows + 1)), 8, flags, entry)]
        host.send(host.write(Memory.PROGRAM, entry, _rows(program)), *frames * 2, most=2500)
    host.send(host.frame(Opcode.COUNTERS), *host.read_all())


#: What a layer counts, and how high.
_COUNTS = ("steps", "tiles", "rows_full", "tap_words", "kernel_y", "kernel_x", "kernel_rest")


def _simple(host: Host) -> dict[str, int]:
    """A descriptor of which every count is 1."""
    d = _descriptor_of(host, host.config.ops[0])
    return d | dict.fromkeys(_COUNTS, 1) | {"last": 1, "rows_used": 1, "skip": 0}


def counts(host: Host) -> None:
    """A power of two above a small count, which ends too early if that bit is lost."""
    config, rng = host.config, host.rng
    _fill(host)
    layouts = {field.name: field for field in _fields(config)}
    for name in _COUNTS:
        for bit in range(layouts[name].width):
            d = _simple(host)
            d[name] = (1 << bit) + int(rng.integers(3))
            if name == "rows_full":
                d |= {"steps": 5, "rows_used": config.rows}
            if name == "kernel_rest":
                d["kernel_y"] = 2
            if name == "steps":
                d["rows_full"] = d["steps"]
            host.send(host.write(Memory.PROGRAM, 0, _rows([d])), host.infer(1, 8), most=400)


def long_counts(host: Host) -> None:
    """The largest counts of steps, of tiles and of words, to their ends."""
    _fill(host)
    most = (1 << 16) - 1
    for changes in (
        {"steps": most, "rows_full": most},
        {"tiles": most},
        {"tap_words": most, "skip": 1},
    ):
        d = _simple(host) | changes | {"emit": 1}
        host.send(host.write(Memory.PROGRAM, 0, _rows([d])), host.infer(1, 8), most=400_000)
    host.send(host.frame(Opcode.COUNTERS))


def illegal(host: Host) -> None:
    """Descriptors that break each rule, alone or after a legal layer; then a good run."""
    config, rng = host.config, host.rng
    _fill(host)
    layouts = {field.name: field for field in _fields(config)}
    names = ("op", "tiles", "table", "clamp_min", "weight_stride", "kernel_y", "kernel_x")
    names += ("kernel_rest", "tap_words", "tail", "steps", "rows_used", "rows_full", "last")
    for op in config.ops:
        for name in names:
            width = layouts[name].width
            values = {0, *(1 << bit for bit in range(width)), (1 << width) - 1}
            values |= {config.lanes, config.lanes + 1, config.rows, config.rows + 1, config.tables}
            values |= {2, 3, 4, 5}
            for value in sorted(v for v in values if v < 1 << width):
                d = _descriptor_of(host, op) | {"last": 1, "images": 0}
                if name == "table":
                    d["use_table"] = 1
                if name == "clamp_min":
                    d["clamp_max"] = (value - int(rng.integers(2))) % 256
                if name == "rows_full":
                    d |= {"steps": value + int(rng.integers(2)), "rows_used": 1}
                    d["steps"] %= 1 << 16
                if name == "last":
                    d["emit"] = 0
                if name != "op":
                    d[name] = value
                program = _rows([d])
                if name == "op":
                    program[0, 0] = program[0, 0] & 0xF0 | value
                first = [_descriptor_of(host, op) | {"last": 0}] if rng.random() < 0.2 else []
                both = np.concatenate([*([_rows(first)] if first else []), program])
                host.send(host.write(Memory.PROGRAM, 0, both), host.infer(1, 4), most=150)
    host.send(host.frame(Opcode.COUNTERS))


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


#: Cheapest first: mutants end where they differ.
STIMULI: tuple[tuple[Callable[[Host], None], int], ...] = (
    (empty, 1),
    (programs, 1),
    (network, 3),
    (mixture, 1),
    (lengths, 1),
    (factors, 2),
    (moved, 2),
    (layouts, 1),
    (counts, 1),
    (contents, 1),
    (programs, 6),
    (mixture, 4),
    (illegal, 1),
    (headers, 1),
    (network, 6),
    (factors, 8),
    (descriptors, 4),
    (large_network, 6),
    (long_counts, 1),
)


def record_all(
    recorder: Recorder, config: Config, seed: int, stimuli=STIMULI
) -> list[tuple[str, int]]:
    """Record everything; for each part its name and its first cycle."""
    parts = [("reset", 0)]
    recorder.reset()
    for number, (stimulus, times) in enumerate(stimuli):
        for index in range(times):
            parts.append((stimulus.__name__, recorder.recorded))
            recorder.stalls = (0.0, 0.0)
            rng = np.random.default_rng([seed, number, index])
            stimulus(Host(recorder, config, rng))
            recorder.reset()
    return parts
