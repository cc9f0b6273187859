"""Random programs as descriptors: every field takes all values that are legal and defined."""

from dataclasses import dataclass, field

import numpy as np

from celosia.spec import (
    DESCRIPTOR,
    PARAMETER,
    Config,
    Memory,
    Op,
    pack_descriptor,
    round_up,
)

__all__ = ["Program", "Programs", "parameters", "raw"]

#: Inputs or outputs of a layer at most.
_WIDEST = 300


@dataclass
class Program:
    """A program in memory: its entry, the activation words of an image, and its descriptors."""

    entry: int
    words: int
    layers: list[dict[str, int]] = field(default_factory=list)


class Programs:
    """Fills an engine's memories with random programs, one after the other.

    Attributes
    ----------
    writes : (memory, address, records) in order: the WRITE requests that the host has to send.
    """

    def __init__(self, rng: np.random.Generator, config: Config):
        self.rng, self.config = rng, config
        self.writes: list[tuple[Memory, int, np.ndarray]] = []
        self._weights = self._params = self._program = 0
        if config.tables:
            tables = rng.integers(0, 256, (256 * config.tables, 1)).astype(np.uint8)
            self.writes.append((Memory.TABLES, 0, tables))

    def add(self, layers: int, budget: int, inputs: int | None = None) -> Program:
        """Add a program of ``layers`` layers that takes about ``budget`` weight words.

        An image has ``inputs`` bytes; a random number when None.
        """
        rng, config = self.rng, self.config
        each = max(1, budget // layers)
        inputs = inputs or self._width(min(each, _WIDEST))
        words = min(config.words(inputs), config.act_depth // 2)
        program = Program(self._program, words)
        # Scratch words that hold results of this run; the two banks below them hold inputs.
        scratch = np.zeros(config.act_depth, bool)
        written = range(0)  # by the layer before
        tail = inputs - (words - 1) * config.lanes
        for index in range(layers):
            last = index == layers - 1
            runs = _runs(scratch)
            if index == 0 or not runs or rng.random() < 0.15:
                shape = {"from_input": 1, "src": 0, "src_words": words, "tail": tail}
            else:
                start, length = runs[rng.integers(len(runs))]
                offset = int(rng.integers(length)) if rng.random() < 0.3 else 0
                count = int(rng.integers(1, min(length - offset, self._words(each)) + 1))
                if rng.random() < 0.5:
                    count = min(length - offset, self._words(each))
                shape = {"src": start + offset, "src_words": count}
                shape["tail"] = int(rng.integers(1, config.lanes + 1))
            self._wait(shape, written)
            k = (shape["src_words"] - 1) * config.lanes + shape["tail"]
            tiles = config.tiles(self._width(min(_WIDEST, max(1, each // k) * config.cols)))
            room = config.act_depth - 2 * words
            tiles = max(1, min(tiles, room // config.words_per_tile, max(1, each // k)))
            layer = shape | self._place(shape, tiles, 2 * words, last) | self._constants(k, tiles)
            written = range(0)
            if layer["store"]:
                written = range(layer["dst"], layer["dst"] + tiles * config.words_per_tile)
                scratch[written] = True
            program.layers.append(layer)
        records = np.array([list(pack_descriptor(**layer)) for layer in program.layers], np.uint8)
        self.writes.append((Memory.PROGRAM, self._program, records))
        self._program += layers
        assert self._program <= config.program_depth, "too many layers for the program memory"
        return program

    def images(self, program: Program, images: int) -> np.ndarray:
        """Inputs uint8 [images, words, lanes]: random, mostly 0, all 0, or all 255."""
        rng = self.rng
        shape = (images, program.words, self.config.lanes)
        x = rng.integers(0, 256, shape)
        kind = rng.integers(5)
        if kind == 0:
            x = np.zeros(shape)
        elif kind == 1:
            x = np.full(shape, 255)
        elif kind < 4:
            # The same bytes are 0 in every image: only those can be skipped.
            x = x * (rng.random(shape[1:]) < rng.choice([0.1, 0.5]))
        return x.astype(np.uint8)

    def _place(self, shape, tiles: int, lowest: int, last: bool) -> dict[str, int]:
        """Where results are stored: not at all, in other words, or over the input if legal."""
        rng, config = self.rng, self.config
        size = tiles * config.words_per_tile
        emit = last or rng.random() < 0.3
        place = {"last": int(last), "emit": int(emit), "store": 0}
        if (last or emit) and rng.random() < 0.7:
            return place
        highest = config.act_depth - size
        for _ in range(20):
            dst = int(rng.integers(lowest, highest + 1)) if highest >= lowest else -1
            src, end = shape["src"], shape["src"] + shape["src_words"]
            overlaps = not shape.get("from_input") and dst < end and src < dst + size
            if dst >= 0 and (tiles == 1 or not overlaps):
                return place | {"store": 1, "dst": dst}
        return place

    def _wait(self, shape: dict[str, int], written: range) -> None:
        """A layer that reads words ``written`` by the one before waits: it begins with the first of
        them, or before it. Others may."""
        start, end = shape["src"], shape["src"] + shape["src_words"]
        reads = not shape.get("from_input") and start < written.stop and end > written.start
        if reads and start > written.start:
            shape["src"] = written.start
        shape["waits"] = int(reads or self.rng.random() < 0.2)

    def _constants(self, k: int, tiles: int) -> dict[str, int]:
        """Weights and parameters of a layer, written after those of the last one."""
        rng, config = self.rng, self.config
        chunks = tiles * config.params_per_tile
        stride = k + int(rng.integers(3)) * (rng.random() < 0.2)
        count = (tiles - 1) * stride + k
        if self._weights + count > config.weight_depth:
            # Used a second time: weights may be shared.
            self._weights, stride = 0, k
            count = min(tiles * k, config.weight_depth)
        if self._params + chunks > config.param_depth:
            self._params = 0
        weights = rng.integers(-128, 128, (count, config.cols))
        if rng.random() < 0.2:
            weights = np.full_like(weights, rng.choice([-128, 127]))
        self.writes.append((Memory.WEIGHTS, self._weights, weights.astype(np.int8).view(np.uint8)))
        params = parameters(rng, chunks * config.requantizers, k).reshape(chunks, -1)
        self.writes.append((Memory.PARAMS, self._params, params))
        low, high = sorted(rng.integers(0, 256, 2).tolist())
        low, high = (0, 255) if rng.random() < 0.7 else (low, high)
        constants = {
            "op": Op.DENSE,
            "rounding": int(rng.integers(2)),
            "zero_point": int(rng.integers(256)),
            "clamp_min": low,
            "clamp_max": high,
            "tiles": tiles,
            "weights": self._weights,
            "weight_stride": stride,
            "params": self._params,
            "table": int(rng.integers(16)),  # ignored unless use_table is 1
        }
        if config.tables and rng.random() < 0.4:
            constants |= {"use_table": 1, "table": int(rng.integers(config.tables))}
        self._weights += count
        self._params += chunks
        return constants

    def _width(self, most: int) -> int:
        """A width in 1..most, more often small, or at most 1 from a multiple of a tile."""
        rng, cols = self.rng, self.config.cols
        width = int(np.exp(rng.uniform(0, np.log(most + 1))))
        if rng.random() < 0.3:
            width = round_up(width, cols) + int(rng.integers(-1, 2))
        return min(max(width, 1), most)

    def _words(self, bytes_: int) -> int:
        return max(1, min(bytes_, _WIDEST) // self.config.lanes)


def raw(descriptor: dict[str, int]) -> dict[str, int]:
    """The fields of `DESCRIPTOR`, its part that of a dense layer whatever ``op`` says."""
    packed = pack_descriptor(**descriptor | {"op": Op.DENSE})
    return DESCRIPTOR.unpack(packed) | {"op": descriptor["op"]}


def parameters(rng: np.random.Generator, channels: int, k: int) -> np.ndarray:
    """uint8 [channels * size]: factors that spread sums of ``k`` products, or arbitrary ones."""
    data = b""
    for _ in range(channels):
        shift = -8 - int(np.log2(k + 1) // 2) + int(rng.integers(-2, 3))
        bias = int(rng.integers(-40000, 40000))
        multiplier = int(rng.integers(1 << 30, 1 << 31))
        if rng.random() < 0.25:
            shift = int(rng.integers(-31, 31))
            multiplier = int(rng.choice([0, 1, (1 << 31) - 1, 1 << 30, rng.integers(1 << 31)]))
            edges = [-(1 << 31), (1 << 31) - 1, 0, rng.integers(-(1 << 31), 1 << 31)]
            bias = int(rng.choice(edges))
        data += PARAMETER.pack(bias=bias, multiplier=multiplier, shift=shift)
    return np.frombuffer(data, np.uint8)


def _runs(held: np.ndarray) -> list[tuple[int, int]]:
    """(start, length) of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], held.astype(np.int8), [0]])))
    return [(int(a), int(b - a)) for a, b in edges.reshape(-1, 2)]
