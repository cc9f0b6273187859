"""Post-training quantization of float networks to int8."""

import numpy as np

from celosia.network.float_layers import FloatDense
from celosia.network.float_network import FloatNetwork
from celosia.network.graph import Dense, Graph
from celosia.network.host_steps import HostSteps, Step
from celosia.network.network import Network
from celosia.network.steps import Dequantize, FloatSoftmax, Quantize
from celosia.numerics.multiplier import effective_scale
from celosia.numerics.quant import Quant
from celosia.spec import WEIGHT, Rounding
from celosia.support.errors import CelosiaError, Unsupported, located

from .activation import Activation, activation
from .calibrate import activation_quant, choose_range
from .exact_multiplier import accumulator_range, fit_multipliers

__all__ = ["quantize"]


def quantize(
    model: FloatNetwork,
    calibration: np.ndarray,
    method: str = "mse",
    name: str | None = None,
) -> Network:
    """`model` in int8 as a whole: reals in, quantized on the host; int8 layers; reals out.

    Weights are symmetric per output channel, ``scale[n] = max(abs(w[:, n])) / 127``, in
    -127..127 (dead channels: `_weight_scale`). Activations are asymmetric over the range that
    ``method`` finds in ``calibration``, the input over all of it: pixels in 0..1 get scale 1/255
    and zero point -128.
    A ReLU costs nothing: its output's range begins at 0, so saturation at -128 is the ReLU. Other
    functions become tables (`activation`). Biases are ``round(b / (s_in * s_w[n]))``. Multipliers
    are those of `fit_multipliers`.

    Parameters
    ----------
    model : any float network.
    calibration : float [n, inputs], a sample of the inputs to expect; some hundred are enough.
    method : of the hidden layers and the result: "minmax", "percentile" or "mse"
        (`choose_range`).
    name : of the graph; the network's own when None.

    Returns
    -------
    A network from float32 [n, *input_shape] to float32 [n, *output_shape]. The result is the last
    layer's, dequantized; a final softmax of it is computed on the host in float, so that a
    classifier gives probabilities and its argmax is that of the engine's bytes.

    Raises
    ------
    CelosiaError : the calibration set is empty, not float, of another width or not finite, or the
        range of a layer's outputs has no float32 scale; the error names the layer.
    """
    graph = _graph(model, np.asarray(calibration), method, name or model.name)
    post: list[Step] = [Dequantize(graph.output)]
    if model.final:
        post.append(FloatSoftmax(log=model.final == "log_softmax"))
    host = HostSteps(
        pre=(Quantize(graph.input),),
        post=tuple(post),
        input_shape=model.input_shape,
        input_dtype="float32",
        output_shape=model.output_shape,
        output_dtype="float32",
    )
    return Network(graph, host, model.notes)


def _graph(model: FloatNetwork, x: np.ndarray, method: str, name: str) -> Graph:
    outputs = model.layer_outputs(x)
    with located("input"):
        quant = activation_quant(*choose_range(x, "minmax"))
    layers = []
    for k, (layer, (sums, results)) in enumerate(zip(model.layers, outputs, strict=True)):
        where = f"dense_{k}"
        if not isinstance(layer, FloatDense):
            raise Unsupported("only dense layers are quantized yet", where=where)
        with located(where):
            end = activation(layer.function, sums, results, method)
        layers.append(_dense(where, layer, quant, end))
        quant = layers[-1].result
    return Graph(name, tuple(layers))


def _dense(name: str, layer: FloatDense, source: Quant, end: Activation) -> Dense:
    w, b = layer.weights, layer.bias
    scale = _weight_scale(w, b, source.scale)
    weights = np.clip(np.rint(w / scale), -WEIGHT.max, WEIGHT.max).astype(np.int8).T.copy()
    bias = np.rint(b / (np.float64(source.scale) * scale)).astype(np.int32)
    low, high = accumulator_range(weights, bias, source.zero_point)
    real = effective_scale(source.scale, scale, end.output.scale)
    with located(name):
        if not np.isfinite(real).all():
            raise CelosiaError("its weights have no finite scale", todo="train the model again")
        m, shift, _ = fit_multipliers(real, low, high, end.output.zero_point, end.clamp)
    return Dense(
        name,
        weights,
        bias,
        source,
        m,
        shift,
        end.output,
        clamp=end.clamp,
        rounding=Rounding.SINGLE,
        table=end.table,
        table_output=end.table_output,
    )


def _weight_scale(w: np.ndarray, b: np.ndarray, input_scale: float) -> np.ndarray:
    """float32 [N], ``max(abs(w[:, n])) / 127``, but large enough that the bias stays within 2**30.

    Training can leave a channel dead, with a bias and weights close to 0: at the weights' own scale
    the bias would exceed 32 bits. What the coarser scale rounds away there is less than the bias's
    own last bit times the inputs. A channel of zeros, or of subnormal numbers, has scale 1.
    """
    scale = np.abs(w).max(axis=0).astype(np.float64) / WEIGHT.max
    scale = np.maximum(scale, np.abs(b) / (input_scale * 2.0**30)).astype(np.float32)
    return np.where(scale < np.finfo(np.float32).tiny, np.float32(1), scale)
