"""The workload for comparing boards: the MNIST MLP."""

from itertools import pairwise

from celosia.network.outline import LayerOutline, Outline
from celosia.predict.check import Check
from celosia.spec import Config

__all__ = ["MNIST_MLP", "mnist_mlp"]

#: Number of inputs, then of outputs of each layer.
MNIST_MLP = (784, 128, 64, 10)


def mnist_mlp(config: Config, mhz: float) -> Check:
    """Whether the MNIST MLP fits an engine, and its speed at ``mhz`` without skipping zeros."""
    layers = tuple(
        LayerOutline(f"dense_{index}", inputs, outputs)
        for index, (inputs, outputs) in enumerate(pairwise(MNIST_MLP))
    )
    return Check(Outline("-".join(map(str, MNIST_MLP)), "MLP", (), layers), config, mhz)
