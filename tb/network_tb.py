"""The bench of an engine with convolution that runs random networks, compiled for it."""

import numpy as np
from tests.helpers.random_graphs import random_graph

from celosia.compiler import compile
from celosia.compiler.image import Image
from celosia.predict.cycles import predict
from celosia.predict.workload import dense_load
from celosia.spec import Opcode
from celosia.support.errors import DoesNotFit

from .engine_tb import EngineTB

__all__ = ["NetworkTB"]

#: Layers of a network, and the most pixels and channels of its input in each direction.
_FEWEST, _MOST, _LARGEST = 2, 8, 6


class NetworkTB(EngineTB):
    """Makes random networks and the requests that load and run them."""

    def network(self, budget: int, stripes: bool) -> Image:
        """A network whose run of one image takes at most ``budget`` cycles, branches included.

        ``stripes`` : whether its rows share an image, or each has one of its own; a single row
        does both.
        """
        rng = self.rng
        while True:
            goal = "latency" if stripes else "throughput"
            graph = random_graph(rng, _MOST, _LARGEST, _FEWEST)
            try:
                image = compile(graph, self.config, bool(rng.random() < 0.3), goal)
            except DoesNotFit:
                continue
            if self.config.rows > 1 and image.stripes != stripes:
                continue
            if predict(self.config, [dense_load(image, 1)]).cycles <= budget:
                return image

    def load(self, image: Image) -> None:
        """Queue what writes the program to its memories."""
        for memory in image.sections:
            if len(image.records(memory)):
                self.send(self.write_frame(memory, 0, image.records(memory)))

    def inputs(self, image: Image, images: int) -> np.ndarray:
        """int8 [images, inputs]: random, mostly -128, which is 0 to the engine, or nothing else."""
        x = self.rng.integers(-128, 128, (images, image.model.inputs))
        kept = self.rng.random(x.shape[1]) < self.rng.choice([0.0, 0.1, 0.5, 1.0, 1.0])
        return np.where(kept, x, -128).astype(np.int8)

    def run_frame(self, image: Image, x: np.ndarray, skip: bool = True) -> bytes:
        """INFER of int8 ``x`` [images, inputs], at most `Image.batch` of them."""
        return self.infer_frame(0, image.pack_input(x), skip, image.stripes)

    def any_run(self, image: Image) -> bytes:
        """A run of any number of images, with skipping or without."""
        images = int(self.rng.integers(1, image.batch + 1))
        x = self.inputs(image, images)
        return self.run_frame(image, x, skip=bool(self.rng.random() < 0.8))

    def counters(self, clear: bool = False) -> bytes:
        return self.frame(Opcode.COUNTERS, arg=int(clear))

    def cut(self, frame: bytes) -> bytes:
        """The first words of ``frame``, at least one and not all."""
        words = len(frame) // self.link_bytes
        return frame[: int(self.rng.integers(1, max(words, 2))) * self.link_bytes]

    def longer(self, frame: bytes) -> bytes:
        """``frame`` and up to three words more."""
        return frame + self.rng.bytes(int(self.rng.integers(1, 4)) * self.link_bytes)
