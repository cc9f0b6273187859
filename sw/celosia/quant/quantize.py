"""Post-training quantization of float networks to int8."""

from dataclasses import dataclass

import numpy as np

from celosia.network.float_graph import FloatGraph
from celosia.network.float_network import FloatNetwork
from celosia.network.host_steps import HostSteps, Step
from celosia.network.network import Network
from celosia.network.steps import Dequantize, FloatSoftmax, Quantize, Reorder, Scale
from celosia.numerics.quant import Quant
from celosia.numerics.runtime import Runtime
from celosia.support.errors import CelosiaError

from .choose import chosen
from .graph import int8_graph
from .scales import Affine, Settled, settle

__all__ = ["Quantized", "quantize", "quantized"]


@dataclass(frozen=True, eq=False)
class Quantized:
    """An int8 network beside the reals that it stands for.

    Parameters
    ----------
    network : int8.
    settled : the float graph with a layer for each of the int8 graph, and what the host does
        around both in float.
    changes : what equalization changed (`chosen`).
    """

    network: Network
    settled: Settled
    changes: tuple[str, ...] = ()

    @property
    def graph(self) -> FloatGraph:
        return self.settled.graph


def quantize(
    model: FloatNetwork,
    calibration: np.ndarray,
    method: str = "mse",
    name: str | None = None,
    reference: Runtime | str = Runtime.LITERT,
) -> Network:
    """`model` in int8 as a whole: reals in, quantized on the host; int8 layers; reals out.

    Weights are symmetric per output channel, ``scale[n] = max(abs(w[n])) / 127``, in -127..127
    (dead channels: `celosia.quant.layers`). Activations are asymmetric over the range that
    ``method`` finds in ``calibration``, the input over all of it: pixels in 0..1 get scale 1/255
    and zero point -128. Results of pools, borders and concatenations have the scale of what they
    read, as LiteRT demands.
    A ReLU costs nothing: its output's range begins at 0, so saturation at -128 is the ReLU. Other
    functions become tables (`activation`). Biases are ``round(b / (s_in * s_w[n]))``. Multipliers
    are those of `fit_multipliers` for dense layers and LiteRT's for all others.
    Factors per channel at both ends are the host's, in float (`celosia.quant.scales`), and channels
    of unlike range are brought to one where that raises the measured ratio (`chosen`).

    Parameters
    ----------
    model : any float network.
    calibration : float [n, *input_shape], a sample of the inputs to expect; some hundred are
        enough.
    method : of the hidden layers and the result: "minmax", "percentile" or "mse"
        (`choose_range`).
    name : of the graph; the network's own when None.
    reference : "litert" or "tflm", whose bytes the int8 layers give: those of a .tflite file with
        the same scales. The scales are the same for both.

    Returns
    -------
    A network from float32 [n, *input_shape] to float32 [n, *output_shape]. The result is the last
    layer's, dequantized; a final softmax of it is computed on the host in float, so that a
    classifier gives probabilities and its argmax is that of the engine's bytes.

    Raises
    ------
    CelosiaError : the calibration set is empty, not float, of another width or not finite, or the
        range of a layer's outputs has no float32 scale; the error names the layer.
    Unsupported : a layer has no int8 form.
    """
    return quantized(model, calibration, method, name, reference).network


def quantized(
    model: FloatNetwork,
    calibration: np.ndarray,
    method: str = "mse",
    name: str | None = None,
    reference: Runtime | str = Runtime.LITERT,
) -> Quantized:
    """As `quantize`, with the reals that the network stands for."""
    entry = model.prepare(np.asarray(calibration))
    if bad := int(np.count_nonzero(~np.isfinite(entry))):
        at = int(np.argmax(~np.isfinite(entry)))
        raise CelosiaError(
            f"{bad / entry.size:.2%} of the values are not finite, value {at} is {entry.flat[at]}",
            where="input",
            todo="check the calibration data",
        )
    runtime = Runtime(reference)
    settled, changes = chosen(settle(model.graph), entry, method, bool(model.final))
    x = settled.before(entry)
    outputs, correct = settled.graph.evaluate(x), "biases" in changes
    graph = int8_graph(settled.graph, x, outputs, method, name or model.name, correct, runtime)
    host = HostSteps(
        pre=_before(model, settled.before, graph.input),
        post=_after(model, settled.after, graph.output),
        input_shape=model.input_shape,
        input_dtype="float32",
        output_shape=model.output_shape,
        output_dtype="float32",
    )
    return Quantized(Network(graph, host, model.notes, reference=runtime), settled, changes)


def _before(model: FloatNetwork, scale: Affine, output: Quant) -> tuple[Step, ...]:
    steps: list[Step] = []
    if model.input_axes:
        steps.append(Reorder(model.input_shape, model.input_axes))
    if not scale.is_nothing:
        steps.append(_step(scale))
    return (*steps, Quantize(output))


def _after(model: FloatNetwork, scale: Affine, source: Quant) -> tuple[Step, ...]:
    steps: list[Step] = [Dequantize(source)]
    if not scale.is_nothing:
        steps.append(_step(scale))
    if model.output_axes:
        steps.append(Reorder(model.graph.shapes[-1], model.output_axes))
    if model.final:
        steps.append(FloatSoftmax(log=model.final == "log_softmax"))
    return tuple(steps)


def _step(affine: Affine) -> Scale:
    return Scale(tuple(affine.scale.tolist()), tuple(affine.shift.tolist()))
