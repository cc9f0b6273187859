"""Random convolutional networks on an engine in compiled simulation, counted: every byte of every
tensor against LiteRT, every counter against the cycle model."""

from dataclasses import dataclass

import numpy as np
from tests.helpers.litert import run as litert
from tests.helpers.random_cnns import random_cnn, random_inputs

from celosia.compiler import compile
from celosia.driver.device import Device
from celosia.importer.tflite import tflite_network
from celosia.predict.cycles import predict
from celosia.predict.workload import run_loads

__all__ = ["Compared", "compare"]

#: Of each network; on many rows the last run is not full.
_IMAGES = 3


@dataclass
class Compared:
    """What was compared and what differed.

    Parameters
    ----------
    networks, runs : of networks in stripes or with images in the rows, with skipping or without.
    bytes, different : results of all layers, and those that are not LiteRT's.
    counts, unequal : counters and cycles at the pins, and those that are not the cycle model's.
    cycles : simulated, from first input words to last output words.
    first : where the first difference is; empty without one.
    """

    networks: int = 0
    runs: int = 0
    bytes: int = 0
    different: int = 0
    counts: int = 0
    unequal: int = 0
    cycles: int = 0
    first: str = ""

    def add(self, seed: int, device: Device) -> None:
        """Compare random network number ``seed``."""
        rng = np.random.default_rng([seed, 7])
        data = random_cnn(rng)
        network = tflite_network(data)
        x = random_inputs(rng, network.host.input_shape, _IMAGES)
        judge = litert(data, x, resize=False, key="index")
        wanted = [judge[tensor].reshape(len(x), -1) for tensor in network.tensors[1:]]
        q, skip = network.prepare(x), seed % 3 != 2
        self.networks += 1
        modes = set()
        for goal in ("throughput", "latency"):
            image = compile(network, device.config, emit_all=True, goal=goal)
            if image.stripes in modes:
                continue
            modes.add(image.stripes)
            where = f"network {seed}, {goal}"
            device.load(image)
            device.counters(clear=True)
            self._layers(device.run_layers(q, skip=skip), wanted, where)
            counted = device.counters() | {"cycles": device.cycles}
            predicted = predict(device.config, run_loads(image, q, skip=skip))
            self._counts(counted, predicted, where)

    def _layers(self, found: list[np.ndarray], wanted: list[np.ndarray], where: str) -> None:
        self.runs += 1
        for index, (y, want) in enumerate(zip(found, wanted, strict=True)):
            self.bytes += y.size
            bad = np.argwhere(y != want)
            self.different += len(bad)
            if len(bad):
                at = tuple(bad[0].tolist())
                self._note(f"{where}, layer {index} at {at}: {y[at]} is not {want[at]}")

    def _counts(self, counted: dict[str, int | None], predicted: object, where: str) -> None:
        self.cycles += counted["cycles"] or 0
        for name, value in counted.items():
            self.counts += 1
            if value != getattr(predicted, name):
                self.unequal += 1
                self._note(f"{where}, {name}: {value} is not {getattr(predicted, name)}")

    def _note(self, text: str) -> None:
        self.first = self.first or text


def compare(device: Device, count: int) -> Compared:
    """Networks 0 to ``count`` - 1 on ``device``."""
    found = Compared()
    for seed in range(count):
        found.add(seed, device)
    return found
