"""The work that boards are compared by: MNIST's MLP."""

from itertools import pairwise

from celosia.network.outline import LayerOutline, Outline
from celosia.predict.check import Check
from celosia.spec import Config

__all__ = ["MNIST_MLP", "mnist_mlp"]

#: Inputs, and outputs of each layer.
MNIST_MLP = (784, 128, 64, 10)


def mnist_mlp(config: Config, mhz: float) -> Check:
    """Does MNIST's MLP fit an engine, and how fast is it at ``mhz``, no zero skipped?"""
    layers = tuple(
        LayerOutline(f"dense_{index}", inputs, outputs)
        for index, (inputs, outputs) in enumerate(pairwise(MNIST_MLP))
    )
    return Check(Outline("-".join(map(str, MNIST_MLP)), "MLP", (), layers), config, mhz)
