"""A float network quantized as a whole, with what the host does before and after the engine."""

import numpy as np

from celosia.network.float_network import FloatNetwork
from celosia.network.network import Network
from celosia.network.steps import Dequantize, FloatSoftmax, Quantize
from celosia.quant import quantize

__all__ = ["quantized"]


def quantized(model: FloatNetwork, calibration: np.ndarray, method: str = "mse") -> Network:
    """`model` as a whole: reals in, quantized on the host; int8 layers; reals out.

    Returns
    -------
    A network from float32 [n, *input_shape] to float32 [n, *output_shape]. The result is the last
    layer's, dequantized; a final softmax of it is computed on the host in float, so that a
    classifier gives probabilities and its argmax is that of the engine's bytes.

    Raises
    ------
    CelosiaError : as `quantize`.
    """
    graph = quantize(model, calibration, method)
    post = [Dequantize(graph.output)]
    if model.final:
        post.append(FloatSoftmax(log=model.final == "log_softmax"))
    return Network(
        graph,
        (Quantize(graph.input),),
        tuple(post),
        model.input_shape,
        "float32",
        model.output_shape,
        "float32",
        model.notes,
    )
