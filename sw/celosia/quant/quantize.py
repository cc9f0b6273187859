"""Post-training quantization of a float perceptron to an int8 graph."""

import numpy as np

from celosia.errors import CelosiaError
from celosia.graph import Dense, Graph, Quant
from celosia.mlp import FloatMLP
from celosia.quant.calibrate import activation_quant, observe
from celosia.quant.fit import accumulator_range, fit_multipliers
from celosia.quant.multiplier import effective_scale
from celosia.spec import WEIGHT, Rounding

__all__ = ["quantize"]


def quantize(
    mlp: FloatMLP, calibration: np.ndarray, method: str = "mse", name: str = "mlp"
) -> Graph:
    """An int8 `Graph` that computes `mlp`.

    Weights are symmetric per output channel, ``scale[n] = max(abs(w[:, n])) / 127``, in
    -127..127 (dead channels: `_weight_scale`). Activations are asymmetric over the range that
    `method` finds in `calibration`, the input over all of it: pixels in 0..1 get scale 1/255 and
    zero point -128.
    A ReLU costs nothing: its output's range begins at 0, so saturation at -128 is the ReLU. Biases
    are ``round(b / (s_in * s_w[n]))``. Multipliers are fitted (`fit_multipliers`).

    Parameters
    ----------
    mlp : layers with activation "relu" or "none".
    calibration : float [n, inputs], a sample of the inputs to expect; some hundred are enough.
    method : of the hidden layers and the result: "minmax", "percentile" or "mse" (`observe`).
    name : of the graph.

    Raises
    ------
    CelosiaError : naming the layer, when the calibration set is empty, not float, of another width
        or not finite, or the outputs span no float32 scale.
    """
    x = np.asarray(calibration)
    outputs = mlp.layer_outputs(x)
    quant = activation_quant(*_observe(x, "minmax", "input"))
    layers = []
    for k, (w, b, y) in enumerate(zip(mlp.weights, mlp.biases, outputs, strict=True)):
        where = f"dense_{k}"
        output = activation_quant(*_observe(y, method, where))
        layers.append(_dense(where, w, b, quant, output, mlp.activations[k]))
        quant = output
    return Graph(name, tuple(layers))


def _observe(values: np.ndarray, method: str, where: str) -> tuple[float, float]:
    try:
        return observe(values, method)
    except CelosiaError as error:
        raise CelosiaError(error.what, where=where, todo=error.todo) from error


def _dense(
    name: str, w: np.ndarray, b: np.ndarray, source: Quant, output: Quant, activation: str
) -> Dense:
    scale = _weight_scale(w, b, source.scale)
    weights = np.clip(np.rint(w / scale), -WEIGHT.max, WEIGHT.max).astype(np.int8).T.copy()
    bias = np.rint(b / (np.float64(source.scale) * scale)).astype(np.int32)
    clamp = (output.zero_point if activation == "relu" else -128, 127)
    low, high = accumulator_range(weights, bias, source.zero_point)
    real = effective_scale(source.scale, scale, output.scale)
    m, shift, _ = fit_multipliers(real, low, high, output.zero_point, clamp)
    return Dense(
        name, weights, bias, source, m, shift, output, clamp=clamp, rounding=Rounding.SINGLE
    )


def _weight_scale(w: np.ndarray, b: np.ndarray, input_scale: float) -> np.ndarray:
    """float32 [N], ``max(abs(w[:, n])) / 127``, but large enough that the bias stays within 2**30.

    Training can leave a channel dead, with weights next to 0 and a bias: at their own scale that
    bias would need more than 32 bits. What the coarser scale rounds away there is less than the
    bias's own last bit times the inputs. A channel of zeros, or of subnormals, gets scale 1.
    """
    scale = np.abs(w).max(axis=0).astype(np.float64) / WEIGHT.max
    scale = np.maximum(scale, np.abs(b) / (input_scale * 2.0**30)).astype(np.float32)
    return np.where(scale < np.finfo(np.float32).tiny, np.float32(1), scale)
