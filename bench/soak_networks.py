"""Networks of a soak: random ones of every operation, and the bytes that their judges give."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np
from tests.helpers import litert, tflm
from tests.helpers.networks import network as random_dense
from tests.helpers.random_cnns import LAYERS, random_cnn, random_inputs, random_layer
from tests.helpers.random_graphs import random_graph
from tests.helpers.random_models import random_model

from celosia.importer.tflite import tflite_network
from celosia.network.graph import Graph
from celosia.network.network import Network
from celosia.numerics.runtime import Runtime
from celosia.spec import Config

__all__ = ["Drawn", "draw_network"]

#: Of these an engine without `Config.depthwise` has all.
_PLAIN = ("CONV_2D", "FULLY_CONNECTED", "CONCATENATION")


@dataclass(frozen=True)
class Drawn:
    """A network and who judges it.

    Parameters
    ----------
    model : what the compiler takes.
    judge : "litert" or "tflm", which run the very file, or "graph": direct evaluation of a graph
        that no file holds.
    inputs : of a count, the engine's int8 [count, K] and, of each layer, the judge's [count, N].
    """

    model: Graph | Network
    judge: str
    inputs: Callable[[int], tuple[np.ndarray, list[np.ndarray]]]

    @property
    def graph(self) -> Graph:
        return self.model.graph if isinstance(self.model, Network) else self.model


def draw_network(rng: np.random.Generator, config: Config, size: float) -> Drawn:
    """A network of operations that the engine has.

    Parameters
    ----------
    size : 0..1: how large it may be.

    Raises
    ------
    Unsupported : TFLite Micro, which was drawn as the judge, lacks an operator.
    """
    kind = rng.random()
    if not config.convolution:
        return _graph(rng, _dense(rng, config, size)) if kind < 0.5 else _file(rng, *_mlp(rng))
    if kind < 0.35:
        layers, largest = 1 + round(6 * size), 1 + round(8 * size)
        return _graph(rng, random_graph(rng, layers, largest))
    if kind < 0.45:
        return _graph(rng, _dense(rng, config, size))
    if kind < 0.55:
        return _file(rng, *_mlp(rng))
    codes = LAYERS if config.depthwise else _PLAIN
    if kind < 0.75:
        data = random_layer(rng, str(rng.choice(codes)))
    else:
        side, channels = 2 + round(10 * size), 2 + round(14 * size)
        data = random_cnn(rng, 2 + round(6 * size), side, channels, codes)
    return _file(rng, data, None)


def _dense(rng: np.random.Generator, config: Config, size: float) -> Graph:
    widths = rng.integers(1, 4 + round(150 * size), 2 + round(4 * size)).tolist()
    return random_dense(rng, widths, config.tables)


def _mlp(rng: np.random.Generator) -> tuple[bytes, int]:
    data, inputs, _ = random_model(rng)
    return data, inputs


def _graph(rng: np.random.Generator, graph: Graph) -> Drawn:
    def inputs(count: int) -> tuple[np.ndarray, list[np.ndarray]]:
        x = rng.integers(-128, 128, (count, prod(graph.shapes[0])))
        kept = rng.random(x.shape[1]) < rng.choice([0.0, 0.1, 0.5, 1.0, 1.0])
        x = np.where(kept, x, -128).astype(np.int8)
        return x, graph.evaluate(x)

    return Drawn(graph, "graph", inputs)


def _file(rng: np.random.Generator, data: bytes, width: int | None) -> Drawn:
    """A .tflite file judged by the runtime it is for; ``width`` of its input if it is a vector."""
    runtime = Runtime.TFLM if rng.random() < 0.35 else Runtime.LITERT
    model = tflite_network(data, "soak", runtime)

    def inputs(count: int) -> tuple[np.ndarray, list[np.ndarray]]:
        shape = model.host.input_shape if width is None else (width,)
        x = random_inputs(rng, shape, count)
        if runtime == Runtime.TFLM:
            _, *results = tflm.run(data, x, list(model.tensors[1:]))
        else:
            found = litert.run(data, x, resize=False, key="index")
            results = [found[tensor] for tensor in model.tensors[1:]]
        return model.prepare(x), [y.reshape(count, -1) for y in results]

    return Drawn(model, str(runtime), inputs)
