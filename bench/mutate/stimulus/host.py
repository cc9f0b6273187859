"""A host that draws what it asks for."""

import numpy as np

from celosia.compiler import compile
from celosia.compiler.image import Image
from celosia.driver.device import Device
from celosia.driver.frames import pad_records, request
from celosia.spec import (
    Config,
    InferFlag,
    Memory,
    Opcode,
    memories,
    record,
)
from celosia.support.errors import CelosiaError

from ..simulation import Recorder

__all__ = ["Host"]


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
        self.recorder.send(frames, len(frames), most)

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
