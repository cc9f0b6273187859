"""The link: every command in every wrong form, resets anywhere, and good frames in between."""

import numpy as np

from celosia.spec import (
    INPUT_LAYOUT,
    REQUEST,
    InferFlag,
    Memory,
    Op,
    Opcode,
    Status,
    ceil_div,
    descriptor,
    memories,
    record,
    round_up,
)
from tb import settings
from tb.base import bench_stalled
from tb.engine_tb import EngineTB
from tb.programs import parameters

from .tiny_layers import pack_layer, striped

#: Entries of good programs, and of those that end at an illegal descriptor (see `_program`). With
#: convolution one is in between, of an image that all rows share.
_GOOD, _BAD = (0, 2), (3, 4, 6)
_STRIPED = 3
#: Words of an input at the most; results are stored above two of them.
_WORDS = 4


class LinkTB(EngineTB):
    """An engine whose memories are full, and makers of all kinds of requests."""

    async def fill(self) -> None:
        """Write every record of every memory, activations by running on inputs that fill them."""
        config = self.config
        if config.convolution:
            self.send(self.write_frame(Memory.LAYOUT, 0, self._layout()))
        for memory in (Memory.WEIGHTS, Memory.PARAMS, Memory.TABLES):
            depth = record(config, memory).depth
            if depth:
                self.send(self.write_frame(memory, 0, self._records(memory, depth)))
        self.send(self.write_frame(Memory.PROGRAM, 0, self._program()))
        await self.drain()
        # Here results are stored over inputs: one run at a time.
        for _ in range(2):
            self.send(self._infer(_GOOD[0], config.rows, config.act_depth // 2))
            await self.drain()
        assert not self.scoreboard.answered[Status.BAD_DESCRIPTOR], "a good program is illegal"

    def read_all(self) -> None:
        for memory in memories(self.config):
            if depth := record(self.config, memory).depth:
                self.send_all(self.frame(opcode, memory, 0, depth) for opcode in self._reads())

    def good(self) -> bytes:
        """Any request that is answered with OK."""
        rng, kind = self.rng, self.rng.integers(6)
        if kind == 0:
            return self.frame(Opcode.IDENTIFY, arg=int(rng.integers(256)))
        if kind == 1:
            return self.frame(Opcode.COUNTERS, arg=int(rng.integers(2)))
        if kind == 2:
            shape = self._shape(list(memories(self.config)))
            address, count = self._range(shape.depth)
            return self.frame(self.rng.choice(self._reads()), shape.memory, address, count)
        return self.write() if kind == 3 else self.infer()

    def infer(self) -> bytes:
        """Often the same program and length as before: only such runs overlap."""
        if self.config.convolution and self.rng.random() < 0.4:
            return self._infer_striped()
        words = int(self.rng.choice([2, 2, 2, self.rng.integers(1, _WORDS + 1)]))
        entry = int(self.rng.choice([*_GOOD, 0, 0]))
        return self._infer(entry, int(self.rng.integers(1, self.config.rows + 1)), words)

    def write(self) -> bytes:
        """A WRITE of anything, but of the program only what it holds."""
        shape = self._shape([each for each in memories(self.config) if each != Memory.ACTIVATIONS])
        address, count = self._range(shape.depth)
        if shape.memory == Memory.PROGRAM:
            records = self._program()[address : address + count]
        elif shape.memory == Memory.LAYOUT:
            records = self._layout()
        else:
            records = self._records(shape.memory, count)
        return self.write_frame(shape.memory, address, records)

    def _infer(self, entry: int, images: int, words: int) -> bytes:
        x = self.rng.integers(0, 256, (images, words, self.config.lanes)).astype(np.uint8)
        x[:, self.rng.random(x.shape[1:]) < 0.5] = 0
        return self.infer_frame(entry, x, skip=self.rng.random() < 0.8)

    def _infer_striped(self, count: int = 2 * _WORDS, images: int = 1) -> bytes:
        """All rows share an image of ``count`` words, of which each keeps `_WORDS`."""
        x = self.rng.integers(0, 256, (images, count, self.config.lanes)).astype(np.uint8)
        skip = self.rng.random() < 0.8
        return self.infer_frame(_STRIPED, x, skip, stripes=True)

    def _reads(self) -> list[Opcode]:
        return [Opcode.READ, Opcode.CHECKSUM] if self.config.checksum else [Opcode.READ]

    def _layout(self, length: int = _WORDS) -> np.ndarray:
        """Ranges of the rows that all lie in an image."""
        layout = {"row_words": int(self.rng.integers(2)), "halo": 0, "length": length}
        return np.frombuffer(INPUT_LAYOUT.pack(**layout), np.uint8)[None]

    def _shape(self, memories: list[Memory]):
        shapes = [record(self.config, memory) for memory in memories]
        shapes = [shape for shape in shapes if shape.depth]
        return shapes[self.rng.integers(len(shapes))]

    def _range(self, depth: int) -> tuple[int, int]:
        """Address and count inside of ``depth``, more often at its very end."""
        count = int(self.rng.integers(1, min(depth, 6) + 1))
        last = depth - count
        return int(self.rng.choice([self.rng.integers(last + 1), last])), count

    def _records(self, memory: Memory, count: int) -> np.ndarray:
        config, size = self.config, record(self.config, memory).size
        if memory == Memory.PARAMS:
            data = parameters(self.rng, count * config.requantizers, config.lanes).copy()
            # The bits of the padding are not stored.
            data[8::9] |= (self.rng.integers(8, size=count * config.requantizers) << 5).astype(
                np.uint8
            )
            return data.reshape(count, size)
        return self.rng.integers(0, 256, (count, size)).astype(np.uint8)

    def _program(self) -> np.ndarray:
        """0: two layers; 2: one of two tiles; 3: illegal; 4: a layer, then illegal at 5;
        6: two layers and no end. With convolution the rows of another one, at 3, share an image."""
        config, words = self.config, self.config.words_per_tile
        table = {"use_table": int(config.tables > 0), "table": max(config.tables - 1, 0)}
        common = {"op": Op.DENSE, "clamp_max": 255, "tiles": 1, "src_words": 1, "tail": 1}
        common |= {"weight_stride": 1}
        first = common | {"from_input": 1, "tail": config.lanes, "weight_stride": config.lanes}
        scratch = config.act_depth - words
        layers = [
            first | {"store": 1, "dst": scratch, "zero_point": 128},
            first
            | table
            | {"from_input": 0, "src": scratch, "src_words": words, "weight_stride": config.cols}
            | {"waits": 1}
            | {"last": 1, "emit": 1, "weights": 8, "params": 2, "rounding": 1},
            common
            | {"from_input": 1, "tiles": 2, "weights": 1, "last": 1, "emit": 1}
            | {"store": 1, "dst": 2 * _WORDS, "zero_point": 100},
            {"op": 4, "clamp_max": 255, "tiles": 1},
            first | {"emit": 1, "tiles": 2, "weights": 4},
            common | {"tail": config.lanes + 1},
            first | {"store": 1, "dst": scratch},
            first | {"emit": 1},
        ]
        packed = [pack_layer(layer, config) for layer in layers]
        if config.convolution:
            packed.insert(_STRIPED, striped(config))
        records = np.array([list(each) for each in packed], np.uint8)
        # What pads a descriptor is not stored.
        records[:, ceil_div(descriptor(config).width, 8) :] = self.rng.integers(256)
        return records

    def _refused_stripes(self) -> list[bytes]:
        """Requests of one image for all rows that are refused, and writes of its layout."""
        layout, most = self._layout(), (1 << 24) - 1
        return [
            self._infer_striped(images=2),
            self.frame(Opcode.INFER, InferFlag.STRIPES | InferFlag.IMAGES_MASK, 0, 1),
            self.frame(Opcode.INFER, InferFlag.STRIPES, _STRIPED, 0, self._words(2)),
            self.frame(Opcode.INFER, InferFlag.STRIPES, self.config.program_depth, 1),
            self.frame(Opcode.INFER, InferFlag.STRIPES, _STRIPED, most, self._words(3)),
            self._infer_striped()[: -self.link_bytes],
            self._infer_striped() + self._words(1),
            self.frame(Opcode.READ, Memory.LAYOUT, 1, 1),
            self.frame(Opcode.READ, Memory.LAYOUT, 0, 2),
            self.frame(Opcode.WRITE, Memory.LAYOUT, 0, 0, self._words(1)),
            self.write_frame(Memory.LAYOUT, 1, layout),
            self.write_frame(Memory.LAYOUT, 0, layout) + self._words(2),
        ]

    def malformed(self) -> list[bytes]:
        """One request of every kind that is refused."""
        config, rng = self.config, self.rng
        programs, words = config.program_depth, config.act_depth // 2
        weights = record(config, Memory.WEIGHTS)
        most = (1 << 24) - 1
        frames = [
            # Past the end, by one and by so much that the sum wraps.
            self.frame(Opcode.READ, Memory.WEIGHTS, weights.depth, 1),
            self.frame(Opcode.READ, Memory.PARAMS, 1, config.param_depth),
            self.frame(Opcode.READ, Memory.ACTIVATIONS, config.rows * config.act_depth, 1),
            self.frame(Opcode.READ, Memory.WEIGHTS, most, most),
            self.frame(Opcode.READ, Memory.TABLES, 256 * config.tables, 1),
            self.frame(Opcode.WRITE, Memory.WEIGHTS, weights.depth - 1, 2, self._words(6)),
            self.frame(Opcode.WRITE, Memory.PROGRAM, most, 1, self._words(6)),
            self.frame(Opcode.INFER, 0, programs, 1, self._words(3)),
            self.frame(Opcode.INFER, 0, 0, words + 1, self._words(3)),
            self.frame(Opcode.INFER, 0, 0, most, self._words(3)),
            # Nothing asked for.
            self.frame(Opcode.READ, Memory.WEIGHTS, most, 0),
            self.frame(Opcode.WRITE, Memory.PROGRAM, 0, 0, self._words(2)),
            self.frame(Opcode.INFER, 0, 0, 0, self._words(2)),
            # No such memory, command, row.
            self.frame(Opcode.READ, 6, 0, 1),
            self.frame(Opcode.READ, 255, 0, 1),
            self.frame(Opcode.WRITE, Memory.ACTIVATIONS, 0, 1, self._words(2)),
            self.frame(Opcode.WRITE, Memory.PARAMS | 8, 0, 1, self._words(2)),
            self.frame(0),
            self.frame(8, 1, 2, 3, self._words(4)),
            # These without checksums, too.
            self.frame(Opcode.CHECKSUM, Memory.WEIGHTS, weights.depth - 1, 2),
            self.frame(Opcode.CHECKSUM, Memory.ACTIVATIONS, config.rows * config.act_depth, 1),
            self.frame(Opcode.CHECKSUM, Memory.PROGRAM, 1, 0),
            self.frame(Opcode.CHECKSUM, 6, 0, 1),
            self.frame(Opcode.CHECKSUM, Memory.PROGRAM, 0, 1, self._words(1)),
            self.frame(Opcode.WRITE | 128, Memory.WEIGHTS, 0, 1, self._words(3)),
            self.frame(Opcode.INFER, config.rows, 0, 1, self._words(2)),
            self.frame(Opcode.INFER, InferFlag.IMAGES_MASK, 0, 1, self._words(2)),
            # Programs that are none, some of them with results before.
            *(self._infer(entry + config.convolution, config.rows, 2) for entry in _BAD),
            *(self._refused_stripes() if config.convolution else []),
        ]
        for _ in range(3):
            for frame in (self.write(), self._infer(0, config.rows, 3)):
                # Cut short after a word, between or within records; continued after the end.
                size = len(frame) // self.link_bytes
                frames.append(frame[: int(rng.integers(1, size)) * self.link_bytes])
                frames.append(frame + self._words(int(rng.integers(1, 4))))
            header = round_up(REQUEST.size, self.link_bytes)
            frames.append(self.infer()[:header])
            frames.append(self.write()[: max(header - self.link_bytes, self.link_bytes)])
        for opcode in (Opcode.IDENTIFY, Opcode.COUNTERS, Opcode.READ, Opcode.RESET):
            frames.append(self.frame(opcode, 0, 0, 1) + self._words(int(rng.integers(1, 4))))
        return frames

    def _words(self, count: int) -> bytes:
        return self.rng.bytes(count * self.link_bytes)


@bench_stalled(200_000)
async def malformed(dut, stall):
    """Every refusal is exact and changes nothing, between good requests in random order."""
    tb = LinkTB(dut, f"malformed{stall}", stall)
    await tb.reset()
    await tb.fill()
    frames = tb.malformed()
    if tb.config.convolution:
        # Two banks that do not fit, until it is written again.
        length = tb.config.act_depth // 2 + 1
        tb.send(tb.write_frame(Memory.LAYOUT, 0, tb._layout(length)))
        tb.send(tb._infer_striped())
        tb.send(tb.write_frame(Memory.LAYOUT, 0, tb._layout()))
    for index in tb.rng.permutation(len(frames)):
        tb.send(frames[index])
        tb.send_all(tb.good() for _ in range(tb.rng.integers(settings.amount(4) + 1)))
    tb.read_all()
    tb.send(tb.frame(Opcode.COUNTERS))
    await tb.drain()
    never = {Status.ABORTED}
    missing = [s.name for s, n in tb.scoreboard.answered.items() if not n and s not in never]
    assert not missing, f"never answered: {missing}"
    assert not tb.scoreboard.dropped and not tb.scoreboard.aborted


@bench_stalled(200_000)
async def resets(dut, stall):
    """A RESET anywhere, also in the middle of a frame, brings the link back into step."""
    tb = LinkTB(dut, f"resets{stall}", stall)
    await tb.reset()
    await tb.fill()
    null = bytes(tb.link_bytes)
    for round_ in range(settings.amount(60)):
        tb.send_all(tb.infer() for _ in range(tb.rng.integers(5)))
        if tb.rng.random() < 0.3:
            tb.send(tb.good())
        if tb.rng.random() < 0.5:
            frame = tb.good() if tb.rng.random() < 0.5 else tb.infer()
            tb.send(
                frame[: int(tb.rng.integers(len(frame))) // tb.link_bytes * tb.link_bytes], False
            )
            tb.send(null)
        elif tb.rng.random() < 0.5:
            # Let the runs get somewhere before.
            await tb.until(lambda: tb.sent)
            await tb.cycles(int(tb.rng.integers(120)))
        tb.send(tb.frame(Opcode.RESET))
        if round_ % 8 == 7:
            await tb.drain()
            # What a lost run counted is unknown: start anew.
            tb.send_all([tb.frame(Opcode.COUNTERS, arg=1), tb.infer(), tb.frame(Opcode.COUNTERS)])
    await tb.drain()
    assert tb.scoreboard.dropped + tb.scoreboard.aborted, "no RESET met a run"
    await tb.fill()
    tb.send_all(tb.good() for _ in range(10))
    await tb.drain()


@bench_stalled(200_000)
async def reset_pin(dut, stall):
    """A reset of one cycle, wherever the engine stands, leaves one that works."""
    tb = LinkTB(dut, f"reset_pin{stall}", stall)
    await tb.reset()
    for round_ in range(settings.amount(12)):
        await tb.fill()
        # Results that wait inside are the first to be seen where nobody should look any more.
        tb.output.paused = round_ % 2 == 0
        tb.send_all(tb.infer() for _ in range(2))
        await tb.cycles(400 if tb.output.paused else int(tb.rng.integers(300)))
        await tb.reset_again()
        tb = LinkTB(dut, f"reset_pin{stall}{round_}", stall)
    await tb.fill()
    tb.send_all(tb.good() for _ in range(10))
    await tb.drain()


@bench_stalled(100_000)
async def blocked(dut, stall):
    """While the host takes nothing the engine fills up; then a RESET ends what was begun."""
    tb = LinkTB(dut, f"blocked{stall}", stall)
    await tb.reset()
    await tb.fill()
    aborted = 0
    for _ in range(settings.amount(18)):
        tb.output.paused = True
        tb.send_all(tb._infer(2, tb.config.rows, 2) for _ in range(3))
        await tb.cycles(int(tb.rng.integers(200, 600)))
        tb.send(tb.frame(Opcode.RESET))
        await tb.cycles(400)
        tb.output.paused = False
        await tb.drain()
        tb.send(tb.infer())
        await tb.drain()
        aborted = tb.scoreboard.aborted
    assert aborted, "no response was ended in its middle"
    assert tb.scoreboard.answered[Status.ABORTED] == aborted
