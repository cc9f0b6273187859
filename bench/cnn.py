"""MLPerf Tiny's convolutional networks: cycles on the samples, every tensor compared with
LiteRT."""

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from bench.models import wake_word
from bench.row import Row
from celosia import driver
from celosia.compare.reference import litert
from celosia.compiler import compile
from celosia.driver.rtl.transport import prepare
from celosia.importer.tflite import read_tflite
from celosia.model import run as golden
from celosia.network.folding import fold_channels
from celosia.network.graph import Graph
from celosia.network.network import Network
from celosia.spec import Config
from celosia.support.progress import Progress

__all__ = ["Convolutional"]

_FILES = {"KWS": "kws_ref_model", "IC": "pretrainedResnet_quant", "VWW": "vww_96_int8"}
#: Images of a run that is measured, at least: samples are repeated.
_IMAGES = 32
_RANDOM = 200
_SEED = 2
#: Images of the figure of simulation speed.
_MANY = 1000
#: Cycles an image with 256 and 64 multipliers, by Arm's estimator, Vela 5.2.0, with everything
#: in fast memory.
_ETHOS = {
    256: {"KWS": 52_457, "IC": 100_507, "VWW": 119_141},
    64: {"KWS": 135_656, "IC": 353_267, "VWW": 349_639},
}


@dataclass(frozen=True)
class Run:
    """A run on the compiled RTL, and how many of its result bytes the layers' definition does not
    give."""

    cycles: float
    bytes: int
    mismatches: int
    seconds: float


class Convolutional:
    """Figures of the models in ``folder``; runs are made when they are needed."""

    def __init__(self, folder: Path, progress: Progress):
        self.folder, self.progress = folder, progress
        self.network = cache(self._network)

    @property
    def missing(self) -> list[Path]:
        """Files that are needed and not there."""
        needed = [self._file(name) for name in _FILES] + [self._sample(name) for name in _FILES]
        return [path for path in needed if not path.exists()]

    def rows(self) -> Iterator[Row]:
        """All figures."""
        yield from self.on(16, 16, {"KWS": 13_200, "IC": 55_500, "VWW": 24_500}, 46_500)
        yield from self.on(8, 8, {"KWS": 46_500, "IC": 208_000, "VWW": 67_000}, 145_000)
        yield self.cycles("KWS", Config.default(1, 64, lanes=64), 28_000, skip=True)
        yield self.wake_word(Config.default(16, 16), 5_300)
        yield self.simulation(Config.default(16, 16), 180)
        yield self.building(Config.default(16, 16), 90)
        for name in _FILES:
            yield from self.folding(name)
            yield self.against_litert(name, Config.default(16, 16))

    def on(self, rows: int, cols: int, goals: dict[str, int], unfolded: int) -> Iterator[Row]:
        config = Config.default(rows, cols)
        for name, goal in goals.items():
            if name == "VWW":
                yield self.cycles(name, config, unfolded, fold=False)
            yield self.cycles(name, config, goal)

    def cycles(
        self, name: str, config: Config, goal: int, skip: bool = False, fold: bool = True
    ) -> Row:
        """Cycles per image, pixels over the rows."""
        run = self._run(self.network(name).graph, self._samples(name), config, skip, fold)
        what = ("zeros skipped" if skip else "no skipping") + ("" if fold else ", no folding")
        peers = _ETHOS.get(config.multipliers, {}).get(name)
        if skip:
            peers = None
        return self._row(
            f"{name} {config}, {what}", run, goal, f"Ethos-U55 {peers:,}" if peers else ""
        )

    def wake_word(self, config: Config, goal: int) -> Row:
        graph = wake_word()
        x = np.random.default_rng(_SEED).integers(-128, 128, (_IMAGES, graph.layers[0].inputs))
        run = self._run(graph, x.astype(np.int8), config, False, True)
        return self._row(f"streaming wake word's shape {config}, no skipping", run, goal, "")

    def simulation(self, config: Config, goal: int) -> Row:
        """Seconds to simulate many images of VWW, the engine's compilation not counted."""
        x = self._samples("VWW")
        x = np.resize(x, (_MANY, x.shape[1]))
        run = self._run(self.network("VWW").graph, x, config, True, True)
        name = f"VWW {config}, {_MANY:,} images simulated, {run.mismatches} bytes differ"
        return Row(name=name, value=run.seconds, unit="s", goal=goal)

    def building(self, config: Config, goal: int) -> Row:
        """Seconds to emit the engine's Verilog and to compile its simulation."""
        with tempfile.TemporaryDirectory() as folder, _environment("CELOSIA_CACHE", folder):
            start = time.perf_counter()
            prepare(config, self.progress)
            seconds = time.perf_counter() - start
        return Row(
            name=f"{config}, engine emitted and compiled, with an empty cache",
            value=seconds,
            unit="s",
            goal=goal,
        )

    def folding(self, name: str) -> Iterator[Row]:
        """What is left after exact folding."""
        graph = self.network(name).graph
        folded = fold_channels(graph).graph
        macs, size = (3.8e6, 32_000) if name == "VWW" else (graph.macs, weights(graph))
        note = "exact folding"
        yield Row(
            name=f"{name} MACs, {note}", value=folded.macs, unit="", goal=macs,
            peers=f"{graph.macs:,} without",
        )  # fmt: skip
        yield Row(
            name=f"{name} weights, {note}", value=weights(folded), unit="bytes", goal=size,
            peers=f"{weights(graph):,} without",
        )  # fmt: skip

    def against_litert(self, name: str, config: Config) -> Row:
        """Bytes of all tensors in the golden model that differ from LiteRT."""
        network = self.network(name)
        samples, rng = self._samples(name, repeat=False), np.random.default_rng(_SEED)
        x = np.concatenate([samples, rng.integers(-128, 128, (_RANDOM, samples.shape[1]))])
        x = x.astype(np.int8)
        expected = litert(self._file(name), network, x, self.progress).tensors[1:]
        found = golden(compile(network.graph, config, emit_all=True), x)
        pairs = [(y, want) for y, want in zip(found, expected, strict=True) if want is not None]
        differ = sum(int((y != want).sum()) for y, want in pairs)
        total = sum(y.size for y, _ in pairs)
        what = f"{name}: bytes that differ from LiteRT in {len(pairs)} tensors, of {total:,}"
        return Row(name=what, value=differ, unit="bytes", goal=0)

    def _network(self, name: str) -> Network:
        return read_tflite(self._file(name))

    def _file(self, name: str) -> Path:
        return self.folder / f"{_FILES[name]}.tflite"

    def _sample(self, name: str) -> Path:
        return self.folder / "samples" / f"{_FILES[name]}.npy"

    def _samples(self, name: str, repeat: bool = True) -> np.ndarray:
        x = np.load(self._sample(name))
        x = x.reshape(len(x), -1)
        times = -(-_IMAGES // len(x)) if repeat else 1
        return np.tile(x, (times, 1))

    def _run(
        self, graph: Graph, x: np.ndarray, config: Config, skip: bool, fold: bool = True
    ) -> Run:
        """All of ``x``, back to back."""
        image = compile(graph, config, goal="latency", fold=fold)
        with driver.open("rtl", config, self.progress) as device:
            device.load(image)
            start = time.perf_counter()
            y = device.run(x, skip=skip, progress=self.progress)
            seconds = time.perf_counter() - start
            cycles = device.cycles / len(x)
        expected = graph.evaluate(x)[graph.outputs[0] - 1]
        return Run(cycles, y.size, int((y != expected).sum()), seconds)

    def _row(self, name: str, run: Run, goal: int, peers: str) -> Row:
        return Row(
            name=f"{name}, {run.mismatches} of {run.bytes:,} bytes differ",
            value=run.cycles if run.mismatches == 0 else float("nan"),
            unit="cycles/image",
            goal=goal,
            peers=peers,
        )


@contextlib.contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def weights(graph: Graph) -> int:
    """Bytes of all weights."""
    return sum(getattr(layer, "weights", np.empty(0)).size for layer in graph.layers)
