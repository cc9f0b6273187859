"""Random int8 perceptrons as .tflite files, drawn to reach the corners of the numerics."""

import numpy as np
from ai_edge_litert import schema_py_generated as tfl
from tests.helpers.litert import Op, Tensor, build

__all__ = ["ACTIVATIONS", "fully_connected", "random_model"]

#: Operators that may follow a layer; ELU is missing from LiteRT's BUILTIN_REF.
ACTIVATIONS = (
    "LOGISTIC",
    "TANH",
    "GELU",
    "RELU",
    "RELU6",
    "RELU_N1_TO_1",
    "RELU_0_TO_1",
    "LEAKY_RELU",
    "HARD_SWISH",
    "QUANTIZE",
)


def fully_connected(activation: int = 0):
    """Options of FULLY_CONNECTED with a fused activation by its number."""
    options = tfl.FullyConnectedOptionsT()
    options.fusedActivationFunction = activation
    options.keepNumDims = bool(activation % 2)
    return options


def random_model(rng: np.random.Generator) -> tuple[bytes, int, list[str]]:
    """The file, its number of inputs, and the name of each layer's last tensor.

    1..8 layers of 1..48 channels; scales anywhere or powers of two (exact ties), one per tensor or
    per channel; zero points anywhere or at the ends; results from all in one step to all saturated.
    """
    k = int(rng.integers(1, 65))
    tensors = [Tensor((1, k), "int8", _scale(rng), _zero_point(rng), name="input")]
    ops, results, current, inputs = [], [], 0, k
    for index in range(rng.integers(1, 9)):
        n = int(rng.integers(1, 49))
        largest = int(rng.choice([1, 3, 40, 127]))
        weights = rng.integers(-largest, largest + 1, (n, k)).astype(np.int8)
        source = tensors[current]
        bias = rng.integers(-(1 << 12), 1 << 12, n) * int(rng.choice([0, 1, 1, 1 << 10]))
        spread = largest * 64 * np.sqrt(k) + np.abs(bias).max(initial=0)
        # Scales that make the sums fill the output, times up to 30 either way.
        output = _scale(rng)
        scale = output * 128 / (float(source.scale) * spread) * 10.0 ** rng.uniform(-1.5, 1.5)
        scale = scale * 10.0 ** rng.uniform(-1, 0, n if rng.random() < 0.5 else 1)
        if rng.random() < 0.5:
            scale = 2.0 ** np.round(np.log2(scale))
        scale = scale.astype(np.float32)
        tensors += [
            Tensor((n, k), "int8", scale, 0, weights),
            Tensor((n,), "int32", np.float32(source.scale) * scale, 0, bias.astype(np.int32)),
            Tensor((1, n), "int8", output, _zero_point(rng), name=f"dense{index}"),
        ]
        at = len(tensors)
        third = -1 if rng.random() < 0.1 else at - 2
        options = fully_connected(int(rng.integers(0, 4)))
        ops.append(Op("FULLY_CONNECTED", [current, at - 3, third], [at - 1], options))
        current, k = at - 1, n
        if rng.random() < 0.5:
            ops.append(_activation(rng, tensors, current))
            current += 1
        results.append(tensors[current].name)
    return build(tensors, ops, [0], [current]), inputs, results


def _activation(rng, tensors: list[Tensor], current: int) -> Op:
    code = str(rng.choice(ACTIVATIONS))
    source, options = tensors[current], None
    scale, zero_point = float(source.scale) * 10.0 ** rng.uniform(-1, 0.5), _zero_point(rng)
    if code == "LOGISTIC":
        scale, zero_point = 1 / 256, -128
    elif code.startswith("RELU") and rng.random() < 0.5:
        scale, zero_point = source.scale, source.zero_point
    elif code == "LEAKY_RELU":
        options = tfl.LeakyReluOptionsT()
        options.alpha = float(np.float32(rng.uniform(0, 1.2)))
    elif code == "GELU":
        options = tfl.GeluOptionsT()
        options.approximate = bool(rng.integers(2))
    tensors.append(
        Tensor(source.shape, "int8", np.float32(scale), zero_point, name=f"{code}{current}")
    )
    return Op(code, [current], [current + 1], options)


def _scale(rng) -> np.float32:
    if rng.random() < 0.5:
        return np.float32(2.0 ** rng.integers(-9, 3))
    return np.float32(10.0 ** rng.uniform(-3, 0.7))


def _zero_point(rng) -> int:
    return int(rng.choice([-128, 127, 0, rng.integers(-128, 128)]))
