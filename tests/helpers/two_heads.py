"""A convolutional network with two heads: probabilities in float32, and a map in int8."""

import numpy as np
from ai_edge_litert import schema_py_generated as tfl
from tests.helpers.litert import Op, Tensor, run
from tests.helpers.random_cnns import Cnn

__all__ = ["NAMES", "expected", "two_heads"]

#: In the order of the model; the layers that make them are in the other one.
NAMES = ("scores", "boxes")


def two_heads(seed: int = 5) -> bytes:
    """The file; its input is int8 [1, 6, 5, 3]."""
    cnn = Cnn(np.random.default_rng(seed), (6, 5, 3), tame=True)
    trunk = cnn.convolution(0, 6, (3, 3), activation=1)
    boxes = cnn.convolution(trunk, 4, (1, 1), (2, 2))
    logits = cnn.dense(cnn.pool(trunk, "MAX_POOL_2D", (2, 2), (2, 2)), 7)
    cnn.tensors.append(Tensor((1, 7), "int8", 1 / 256, -128))
    options = tfl.SoftmaxOptionsT()
    options.beta = 1.0
    cnn.ops.append(Op("SOFTMAX", [logits], [len(cnn.tensors) - 1], options))
    cnn.tensors.append(Tensor((1, 7), "float32"))
    scores = len(cnn.tensors) - 1
    cnn.ops.append(Op("DEQUANTIZE", [scores - 1], [scores]))
    cnn.tensors[scores].name, cnn.tensors[boxes].name = NAMES
    return cnn.build(scores, boxes)


def expected(data: bytes, x: np.ndarray) -> dict[str, np.ndarray]:
    """LiteRT's results by name."""
    tensors = run(data, x, resize=False)
    return {name: tensors[name] for name in NAMES}
