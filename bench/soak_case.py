"""One case of a soak: an engine, networks on it, and requests to its memories, all compared.

    python -m bench.soak_case SEED INDEX [--networks 20]

prints JSON and repeats the case exactly. Exit status 1 when something differs.
"""

import argparse
import json
import os
import time
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from celosia.compiler import compile
from celosia.compiler.image import Image
from celosia.driver.device import Device
from celosia.driver.frames import pad_records, request
from celosia.driver.golden import GoldenTransport
from celosia.driver.rtl import verilator
from celosia.driver.rtl.transport import RtlTransport
from celosia.predict.cycles import predict
from celosia.predict.workload import dense_load, run_loads
from celosia.spec import Memory, Opcode, memories, record
from celosia.support.cache import cache_dir
from celosia.support.errors import CelosiaError

from .soak_engines import Engine, draw_engine
from .soak_networks import Drawn, draw_network

__all__ = ["NETWORKS", "Found", "run_case"]

#: Networks of a case: as long to run as the engine takes to compile.
NETWORKS = 20
#: Clock cycles of one run at most, and draws of a network until one fits.
_LONGEST, _DRAWS = 40_000, 12
#: Images of a network at most.
_IMAGES = 40
#: Cycles without a word after which an engine counts as hung: a checksum of 64 KiB, the most that
#: the driver asks for at once, takes up to 2.2 million (`celosia.predict.checksum`).
_HUNG = 5_000_000


@dataclass
class Found:
    """What a case compared and what differed.

    Parameters
    ----------
    engine : configuration, technology and stalls, for people.
    networks, runs : compiled networks, and runs of them on the RTL.
    refused : networks that the compiler refused: too large, or an operation is missing.
    judged : layers' bytes compared with LiteRT, TFLite Micro or direct evaluation, by judge.
    bytes : of the RTL, compared with the golden model.
    counters : compared with the cycle model, cycles at the pins included.
    cycles : of these runs.
    frames : requests to memories whose responses were compared.
    operations : layers that ran, by kind.
    differences : each a line; empty when all is equal.
    seconds : of the whole case.
    """

    engine: dict = field(default_factory=dict)
    networks: int = 0
    runs: int = 0
    refused: int = 0
    judged: dict[str, int] = field(default_factory=dict)
    bytes: int = 0
    counters: int = 0
    cycles: int = 0
    frames: int = 0
    operations: dict[str, int] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    seconds: float = 0.0


def run_case(seed: int, index: int, networks: int = NETWORKS) -> Found:
    """Case ``index`` of the soak ``seed``, with that many networks."""
    begin = time.perf_counter()
    rng = np.random.default_rng([seed, index])
    engine, found = draw_engine(rng), Found()
    found.engine = {
        "config": engine.config.to_dict(),
        "technology": engine.technology,
        "stalls": engine.stalls,
    }
    # A case simulates little: what counts is the compiler's time.
    verilator.FAST_FLAGS = ("-O1",) if engine.config.multipliers < 100 else ("-O0",)
    library = None
    try:
        verilog = engine.verilog()
        library = verilator.build(verilog, engine.config.link_bytes)
        _Case(engine, verilog, rng, found).run(networks)
    except Exception:
        # Whatever goes wrong is a finding; the case's number repeats it.
        found.differences.append(traceback.format_exc())
    finally:
        for each in library.parent.glob(f"{library.stem}*") if library else ():
            each.unlink(missing_ok=True)
    found.seconds = round(time.perf_counter() - begin, 1)
    return found


class _Case:
    def __init__(self, engine: Engine, verilog: str, rng: np.random.Generator, found: Found):
        self.engine, self.verilog, self.rng, self.found = engine, verilog, rng, found
        self.config = engine.config
        self.golden = Device(GoldenTransport(self.config))

    def run(self, networks: int) -> None:
        stall_input, stall_output = self.engine.stalls
        stalled = {"stall_input": stall_input, "stall_output": stall_output, "seed": 1}
        with (
            Device(RtlTransport(self.config, self.verilog, max_idle=_HUNG)) as paced,
            Device(RtlTransport(self.config, self.verilog, max_idle=_HUNG, **stalled)) as held,
        ):
            if not paced.config == held.config == self.config:
                self.differs(f"identity: {paced.config.to_dict()}")
            self.memories(held)
            for number in range(networks):
                self.network(number, paced, held)

    def differs(self, what: str) -> None:
        self.found.differences.append(what)

    # Requests to memories.

    def memories(self, device: Device) -> None:
        """Write, read and sum up records, in bounds and out: the golden model's responses."""
        frames = []
        for memory in memories(self.config):
            for _ in range(6):
                frames += self._requests(memory)
        at = self.rng.permutation(len(frames) // 3) * 3
        frames = [frames[i + part] for i in at for part in range(3)]
        pairs = zip(
            device.transport.exchange(frames), self.golden.transport.exchange(frames), strict=True
        )
        for number, (mine, theirs) in enumerate(pairs):
            self.found.frames += 1
            self.found.bytes += len(theirs)
            if mine != theirs:
                self.differs(f"request {number} {frames[number][:16].hex()}: {mine.hex()[:80]}")

    def _requests(self, memory: Memory) -> list[bytes]:
        """Write, read and sum up the same records, which of activations lie outside."""
        rng, config = self.rng, self.config
        shape, count = record(config, memory), int(rng.integers(0, 4))
        last = max(shape.depth - count, 0)
        address = int(rng.choice([0, last, rng.integers(last + 1), last + 1, shape.depth + 7]))
        if not shape.writable:
            address = shape.depth
        records = rng.integers(0, 256, (count, shape.size)).astype(np.uint8)
        payload = pad_records(records, config.link_bytes)
        return [
            request(config.link_bytes, Opcode.WRITE, memory, address, count, payload),
            request(config.link_bytes, Opcode.READ, memory, address, count),
            request(config.link_bytes, Opcode.CHECKSUM, memory, address, count),
        ]

    # Networks.

    def network(self, number: int, paced: Device, held: Device) -> None:
        for draw in range(_DRAWS):
            try:
                drawn = draw_network(self.rng, self.config, 1 - draw / _DRAWS)
                images = list(self.images(drawn))
            except CelosiaError:
                self.found.refused += 1
                continue
            if images:
                break
        else:
            return
        self.found.networks += 1
        for layer in drawn.graph.layers:
            _count(self.found.operations, type(layer).__name__, 1)
        most = max(image.batch for image in images)
        x, judged = drawn.inputs(int(self.rng.integers(1, min(2 * most + 2, _IMAGES) + 1)))
        for image in images:
            where = f"network {number}, {'stripes' if image.stripes else 'images'}"
            self.compare(image, drawn, x, judged, paced, held, where)

    def images(self, drawn: Drawn):
        """The programs of a network: one for each way to spread it over the rows."""
        emit_all, fold = bool(self.rng.random() < 0.75), bool(self.rng.random() < 0.75)
        modes = set()
        for goal in ("throughput", "latency"):
            image = compile(drawn.model, self.config, emit_all, goal, fold)
            if image.stripes in modes:
                continue
            modes.add(image.stripes)
            if predict(self.config, [dense_load(image, 1)]).cycles <= _LONGEST:
                yield image

    def compare(
        self,
        image: Image,
        drawn: Drawn,
        x: np.ndarray,
        judged: list[np.ndarray],
        paced: Device,
        held: Device,
        where: str,
    ) -> None:
        skip = bool(self.rng.random() < 0.8)
        batch = None if self.rng.random() < 0.6 else int(self.rng.integers(1, image.batch + 1))
        wanted = self.results(self.golden, image, x, batch, skip)
        self.judge(image, drawn, wanted, judged, where)
        for device in (paced, held):
            found = self.results(device, image, x, batch, skip)
            self.found.runs += 1
            for layer, (y, want) in enumerate(zip(found, wanted, strict=True)):
                self.found.bytes += y.size
                self.same(y, want, f"{where}, RTL, layer {layer}")
            if device is paced:
                self.counted(device, image, x, batch, skip, where)

    def results(self, device: Device, image: Image, x, batch, skip) -> list[np.ndarray]:
        device.load(image)
        device.counters(clear=True)
        return device.run_layers(x, batch, skip)

    def judge(self, image: Image, drawn: Drawn, golden, judged, where: str) -> None:
        """The golden model against whoever judges it; of the heads alone unless all is emitted."""
        if len(golden) == len(judged):
            pairs = zip(golden, judged, strict=True)
        else:
            heads = [judged[head - 1] for head in drawn.graph.outputs]
            pairs = zip((golden[at] for at in image.model.positions), heads, strict=True)
        for layer, (y, want) in enumerate(pairs):
            _count(self.found.judged, drawn.judge, y.size)
            self.same(y, want, f"{where}, golden model against {drawn.judge}, layer {layer}")

    def same(self, y: np.ndarray, want: np.ndarray, where: str) -> None:
        if y.shape != want.shape:
            self.differs(f"{where}: {y.shape} is not {want.shape}")
        elif len(bad := np.argwhere(y != want)):
            at = tuple(bad[0].tolist())
            self.differs(f"{where} at {at}: {y[at]} is not {want[at]} ({len(bad)} differ)")

    def counted(self, device: Device, image: Image, x, batch, skip, where: str) -> None:
        """Counters, of their width, and cycles at the pins against the cycle model."""
        counters, cycles = device.counters(), device.cycles
        predicted = predict(self.config, run_loads(image, x, batch, skip))
        self.found.cycles += cycles or 0
        of_width = (1 << self.config.counter_bits) - 1
        wanted = {name: getattr(predicted, name) & of_width for name in counters}
        found = counters | {"cycles": cycles}
        for name, want in (wanted | {"cycles": predicted.cycles}).items():
            self.found.counters += 1
            if found[name] != want:
                self.differs(f"{where}, counter {name}: {found[name]} is not {want}")


def _count(counts: dict[str, int], name: str, more: int) -> None:
    counts[name] = counts.get(name, 0) + more


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("seed", type=int)
    parser.add_argument("index", type=int)
    parser.add_argument("--networks", type=int, default=NETWORKS, help=f"of the case ({NETWORKS})")
    args = parser.parse_args()
    # What a soak compiles is used once: it does not go to the user's own cache.
    os.environ.setdefault("CELOSIA_CACHE", str(Path(cache_dir()) / "soak"))
    found = run_case(args.seed, args.index, args.networks)
    print(json.dumps(asdict(found)))
    return int(bool(found.differences))


if __name__ == "__main__":
    raise SystemExit(main())
