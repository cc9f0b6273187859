"""Convolutional models that are wrong or beyond the engine: one line that names layer and value,
status 2 to 4, nothing written; and those just within the limits, equal to LiteRT."""

import json
import math
from collections.abc import Callable

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as tfl
from tests.helpers.litert import Op, Tensor, build, run
from tests.helpers.random_cnns import Cnn

#: An engine with all operations.
ENGINE = ("--rows", 2, "--cols", 8, "--convolution", 1, "--depthwise", 1)
SMALL = ("--rows", 2, "--cols", 8)


def cnn(shape: tuple[int, int, int] = (6, 5, 4)) -> Cnn:
    return Cnn(np.random.default_rng(5), shape, tame=True)


@pytest.fixture
def refused(celosia, tmp_path):
    """Check that ``compile``, ``check`` and ``run`` refuse a model, in one line with ``parts``."""

    def check(data: bytes, *parts: str, engine=ENGINE, verdict: int | None = None) -> None:
        path, x = tmp_path / "model.tflite", tmp_path / "x.npy"
        path.write_bytes(data)
        np.save(x, np.zeros((1, 6, 5, 4), np.int8))
        before = set(tmp_path.rglob("*"))
        for command in (
            ("compile", path, *engine, "-o", tmp_path / "out.celosia"),
            ("run", path, *engine, "--input", x, "-o", tmp_path / "y.npy"),
            ("diff", path, *engine, "--random", 1, "--json", tmp_path / "diff.json"),
        ):
            ran = celosia(*command)
            assert 2 <= ran.status <= 4, ran
            # What LiteRT has done so far may be said before.
            *progress, error = ran.err.splitlines()
            assert error.startswith("celosia: "), ran.err
            assert not progress or command[0] == "diff", ran.err
            for part in parts:
                assert part in ran.err, ran.err
            assert set(tmp_path.rglob("*")) == before
        found, said = tmp_path / "check.json", ""
        ran = celosia("check", path, *engine, "--json", found)
        assert 2 <= ran.status <= 4 and verdict in (None, ran.status), ran
        if found.exists():
            document = json.loads(found.read_text())
            said = " ".join(f"{op['name']}: {op['why']}" for op in document["operations"])
            found.unlink()
        assert ran.status == 3 or all(part in ran.err + said for part in parts), ran.err + said

    return check


def changed(make: Callable[[Cnn], int], at: int = -1, options: dict | None = None, **tensor):
    """A model of ``make``; its last operator's operand number ``at`` (-1: the result) and options
    changed."""
    model = cnn()
    last = make(model)
    op = model.ops[-1]
    for name, value in (options or {}).items():
        setattr(op.options, name, value)
    for name, value in tensor.items():
        setattr(model.tensors[last if at == -1 else op.inputs[at]], name, value)
    return model.build(last)


def repacked(data: bytes, edit: Callable[[tfl.SubGraphT], None]) -> bytes:
    """``data`` with its graph changed by ``edit``."""
    model = tfl.ModelT.InitFromPackedBuf(data, 0)
    edit(model.subgraphs[0])
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def convolution(model: Cnn) -> int:
    return model.convolution(0, 8, (3, 3))


def depthwise(model: Cnn) -> int:
    return model.depthwise(0)


def average(model: Cnn) -> int:
    return model.pool(0, "AVERAGE_POOL_2D", (2, 2))


def maximum(model: Cnn) -> int:
    return model.pool(0, "MAX_POOL_2D", (2, 2))


def addition(model: Cnn) -> int:
    return model.add(0, 0)


def padding(model: Cnn) -> int:
    return model.pad(0, ((1, 1), (1, 1)))


def joined(model: Cnn) -> int:
    return model.concatenate(0, 0)


def flat(model: Cnn) -> int:
    return model.dense(0, 4)


# Attributes.


@pytest.mark.parametrize(
    ("make", "options", "parts"),
    [
        (convolution, {"fusedActivationFunction": 4}, "(CONV_2D): fused activation TANH"),
        (depthwise, {"fusedActivationFunction": 5}, "(DEPTHWISE_CONV_2D): fused activation SIGN"),
        (flat, {"fusedActivationFunction": 77}, "(FULLY_CONNECTED): fused activation 77"),
        (maximum, {"fusedActivationFunction": 4}, "(MAX_POOL_2D): fused activation TANH"),
        (joined, {"fusedActivationFunction": 1}, "(CONCATENATION): it has a fused activation"),
        (convolution, {"padding": 2}, "(CONV_2D): padding 2 is unknown"),
        (convolution, {"strideW": 0}, "(CONV_2D): stride [1, 0] is not possible"),
        (depthwise, {"dilationHFactor": -3}, "(DEPTHWISE_CONV_2D): dilation [-3, 1] is not"),
        (average, {"filterWidth": 0}, "(AVERAGE_POOL_2D): kernel [2, 0] is not possible"),
        (average, {"padding": 0}, "output of shape [1, 5, 4, 4] is not [1, 6, 5, 4]"),
        (joined, {"axis": 2}, "(CONCATENATION): it runs along axis 2"),
    ],
)
def test_attributes(refused, make, options, parts):
    refused(changed(make, options=options), "operator 0", parts)


def test_options_of_another_operator(refused):
    model = cnn()
    last = convolution(model)
    model.ops[-1].options = tfl.Pool2DOptionsT()
    says = "operator 0 (CONV_2D): its options are of type 5, those of this operator 1"
    refused(model.build(last), says)


def test_dilation_with_a_stride_is_exact(celosia, tmp_path):
    model = cnn()
    last = model.convolution(0, 3, (2, 2), (2, 2), (2, 3), same=False)
    assert equal(celosia, tmp_path, model.build(last))


@pytest.mark.parametrize(
    ("make", "inputs", "says"),
    [
        (maximum, [0, 0], "operator 0 (MAX_POOL_2D): 2 inputs, not 1"),
        (addition, [0], "operator 0 (ADD): 1 inputs, not 2"),
        (convolution, [0, 1, 2, 1], "operator 0 (CONV_2D): 4 inputs, not 2 to 3"),
        (convolution, [0, -1, 2], "operator 0 (CONV_2D): its input or its weights are left out"),
        (padding, [0, -1], "operator 0 (PAD): it has no list of borders"),
        (joined, [0, -1], "operator 0 (CONCATENATION): an input is left out"),
    ],
)
def test_inputs(refused, make, inputs, says):
    model = cnn()
    last = make(model)
    model.ops[-1].inputs = inputs
    refused(model.build(last), says)


def test_variables_and_data_elsewhere(refused):
    def variable(graph: tfl.SubGraphT) -> None:
        graph.tensors[1].isVariable = True

    def elsewhere(graph: tfl.SubGraphT) -> None:
        graph.tensors[1].externalBuffer = 1

    refused(repacked(changed(convolution), variable), "tensor 1 ('t1'): a variable with a value")
    says = "tensor 1 ('t1'): its data are outside of the flatbuffer"
    refused(repacked(changed(convolution), elsewhere), says)


# Quantization.


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize("make", [convolution, depthwise, average, addition, flat])
def test_scales_that_are_none(refused, make, value):
    says = f"scale {value:g} is not a positive number"
    refused(changed(make, scale=value), says, "tensor")
    refused(changed(make, at=0, scale=value), says, "tensor 0 ('input')")
    if make in (convolution, depthwise):
        scales = np.float32([0.1] * (8 if make is convolution else 4))
        scales[2] = value
        axis = 0 if make is convolution else 3
        refused(changed(make, at=1, scale=scales, axis=axis), says, "tensor 1 ('t1'), channel 2")


@pytest.mark.parametrize(
    ("make", "at", "fields", "says"),
    [
        (convolution, 1, {"scale": np.full(8, 0.1), "axis": 1}, "along axis 1, not 0"),
        (depthwise, 1, {"scale": np.full(4, 0.1), "axis": 0}, "along axis 0, not 3"),
        (convolution, 1, {"scale": np.full(7, 0.1), "axis": 0}, "7 weight scales for 8 channels"),
        (flat, 1, {"scale": None}, "0 weight scales for 4 channels"),
        (depthwise, 1, {"zero_point": 3}, "weights have zero point 3, not 0"),
        (convolution, 2, {"zero_point": -1}, "the bias has zero point -1, not 0"),
        (convolution, 2, {"scale": np.full(7, 0.1)}, "7 bias scales for 8 channels"),
        (depthwise, 2, {"scale": np.full(3, 0.1)}, "3 bias scales for 4 channels"),
        (average, -1, {"scale": 0.5}, "tensor 0 ('input') has scale"),
        (maximum, -1, {"zero_point": 3}, "tensor 0 ('input') has scale"),
        (padding, -1, {"scale": 0.5}, "tensor 0 ('input') has scale"),
        (joined, -1, {"scale": 0.5}, "tensor 0 ('input') has scale"),
        (convolution, -1, {"zero_point": 128}, "zero point 128, outside of int8"),
        (convolution, 0, {"zero_point": -129}, "zero point -129, outside of int8"),
        (addition, -1, {"scale": None}, "has 0 scales, not 1"),
        (convolution, -1, {"scale": 1e-12}, "beyond LiteRT's 32 bits"),
    ],
)
def test_quantizations(refused, make, at, fields, says):
    refused(changed(make, at=at, **fields), "operator 0", says)


def test_zero_points_and_axes_that_litert_refuses(refused):
    def no_zero_points(graph: tfl.SubGraphT) -> None:
        graph.tensors[0].quantization.zeroPoint = None

    def no_axis(graph: tfl.SubGraphT) -> None:
        graph.tensors[0].quantization.quantizedDimension = 4

    says = "tensor 0 ('input'): 1 scales but 0 zero points"
    refused(repacked(changed(convolution), no_zero_points), says)
    says = "tensor 0 ('input'): scales along axis 4 of 4"
    refused(repacked(changed(convolution), no_axis), says)


def test_a_bias_scale_that_is_not_input_times_weights(refused):
    model = cnn()
    last = flat(model)
    entry, weights, bias = model.ops[-1].inputs
    model.tensors[last].scale = model.tensors[entry].scale
    model.tensors[weights].scale = np.float32(0.5)
    model.tensors[bias].scale = np.float32(0.25) * model.tensors[entry].scale
    refused(model.build(last), "operator 0 (FULLY_CONNECTED): bias scale", "weight scale")


def test_a_bias_that_litert_refuses(refused):
    model = cnn()
    last = depthwise(model)
    model.ops[-1].inputs[2] = -1
    refused(model.build(last), "operator 0 (DEPTHWISE_CONV_2D): its bias is tensor -1")


def test_a_reshape_that_changes_the_quantization(refused):
    model = cnn()
    convolution(model)
    last = model.reshape(model.ops[-1].outputs[0], (6 * 5 * 8,))
    model.tensors[last].scale = np.float32(3)
    refused(model.build(last), "operator 1 (RESHAPE)", "has scale", "the result 3")


# Shapes that the file gives, but LiteRT does not compute.


@pytest.mark.parametrize("code", ["TANH", "QUANTIZE", "RESHAPE", "ADD"])
def test_shapes_that_contradict_the_operators(refused, code):
    model = cnn()
    first = convolution(model)
    if code == "TANH":
        last = model.activation(first, "TANH")
    elif code == "QUANTIZE":
        last = model.quantize(first)
    elif code == "RESHAPE":
        last = model.reshape(first, (6, 5, 8))
    else:
        last = model.add(first, first)
    model.tensors[last].shape = (1, 5, 6, 8)
    after = model.convolution(last, 2, (3, 1))
    refused(model.build(after), f"({code}): output of shape [1, 5, 6, 8] is not [1, 6, 5, 8]")


@pytest.mark.parametrize(
    ("code", "options", "second", "shape", "says"),
    [
        ("RESHAPE", None, [1, 4, 30], (1, 30, 4), "output of shape [1, 30, 4] is not [1, 4, 30]"),
        ("RESHAPE", None, [1, 7, -1], (1, 30, 4), "is not [1, 7, 17]"),
        ("RESHAPE", None, np.int8([1, 30, 4]), (1, 30, 4), "shape is constant int8, not constant"),
        ("SQUEEZE", [1], None, (1, 6, 5, 4), "axes [1] of [1, 6, 5, 4] are not all 1"),
        ("SQUEEZE", [0], None, (1, 6, 5, 4), "is not [6, 5, 4]"),
        ("EXPAND_DIMS", None, [1], (1, 6, 1, 5, 4), "is not [1, 1, 6, 5, 4]"),
        ("EXPAND_DIMS", None, [9], (1, 1, 6, 5, 4), "axis [9] of [1, 6, 5, 4] does not exist"),
    ],
)
def test_reshapes(refused, code, options, second, shape, says):
    model = cnn()
    first = model.convolution(0, 4)
    model.tensors.append(Tensor(shape, "int8", 0.5, 0))
    model.tensors[-1].scale = model.tensors[first].scale
    model.tensors[-1].zero_point = model.tensors[first].zero_point
    last, more, own = len(model.tensors) - 1, [], None
    if second is not None:
        values = np.asarray(second, getattr(second, "dtype", np.int32))
        model.tensors.append(Tensor(values.shape, values.dtype.name, data=values))
        more = [len(model.tensors) - 1]
    if options is not None:
        own = tfl.SqueezeOptionsT()
        own.squeezeDims = options
    model.ops.append(Op(code, [first, *more], [last], own))
    refused(model.build(last), f"operator 1 ({code})", says)


# Graphs.


@pytest.mark.parametrize(
    ("edges", "outputs", "says"),
    [
        ([(2, 1), (1, 2)], [2], "operator 0 (TANH): its input tensor 2 ('t2') is not computed"),
        ([(0, 1), (3, 2)], [2, 1], "operator 1 (TANH): its input tensor 3 ('t3') is not computed"),
        ([(0, 2), (0, 2)], [2], "operator 1 (TANH): tensor 2 ('t2') has a value before"),
        ([(0, 0)], [0], "operator 0 (TANH): tensor 0 ('t0') has a value before it is computed"),
        ([(0, 1), (0, 2)], [2], "operator 0 (TANH): nothing reads its result, tensor 1 ('t1')"),
        ([(0, 1)], [1, 2], "the model's output tensor 2 ('t2') is not a layer's result"),
        ([(0, 1)], [1, 0], "the model's output tensor 0 ('t0') is the model's input"),
        ([(0, 1)], [1, 1], "two outputs of the model are the same values"),
    ],
)
def test_graphs(refused, edges, outputs, says):
    tensors = [Tensor((1, 6, 5, 4), "int8", 1 / 128, 0) for _ in range(4)]
    ops = [Op("TANH", [source], [target]) for source, target in edges]
    refused(build(tensors, ops, [0], outputs), says)


# What engines lack.


@pytest.mark.parametrize("make", [convolution, depthwise, average, maximum, addition, padding])
def test_engines_for_dense_layers_only(refused, make):
    model = cnn()
    last = make(model)
    parts = (model.tensors[last].name, "an operation that this engine lacks", "--convolution 1")
    refused(model.build(last), *parts, engine=SMALL, verdict=3)


@pytest.mark.parametrize("make", [depthwise, average, maximum, addition])
def test_engines_without_depthwise(refused, make):
    model = cnn()
    last = make(model)
    parts = (f"{model.tensors[last].name}: needs DEPTHWISE, an operation that", "--depthwise 1")
    refused(model.build(last), *parts, engine=(*SMALL, "--convolution", 1), verdict=3)


# Beyond a descriptor's fields, and just within.

WIDE = (*ENGINE, "--act-depth", 8192)


def line(shape: tuple[int, int, int], make: Callable[[Cnn], int]) -> bytes:
    model = cnn(shape)
    return model.build(make(model))


LIMITS = {
    "a map of 257 lines exceeds 256": (
        256,
        lambda n: line((n, 2, 1), lambda m: m.convolution(0, 2, (3, 3))),
    ),
    "a map of 257 pixels a line exceeds 256": (
        256,
        lambda n: line((2, n, 1), lambda m: m.depthwise(0, 1, (3, 3))),
    ),
    "kernel [256, 1] exceeds 255": (
        255,
        lambda n: line((10, 2, 1), lambda m: m.convolution(0, 2, (n, 1))),
    ),
    "kernel [1, 256] exceeds 255": (
        255,
        lambda n: line((2, 10, 3), lambda m: m.depthwise(0, 1, (1, n))),
    ),
    "average_pool_2d0: kernel [256, 1] exceeds 255": (
        255,
        lambda n: line((n, 1, 3), lambda m: m.pool(0, "AVERAGE_POOL_2D", (n, 1), (n, 1))),
    ),
    "mean0: kernel [256, 1] exceeds 255": (255, lambda n: line((n, 1, 3), lambda m: m.mean(0))),
    "stride [512, 1] exceeds 511": (
        511,
        lambda n: line((10, 4, 1), lambda m: m.convolution(0, 2, (1, 1), (n, 1))),
    ),
    "stride [1, 512] exceeds 511": (
        511,
        lambda n: line((4, 10, 1), lambda m: m.pool(0, "MAX_POOL_2D", (2, 2), (1, n))),
    ),
    "dilation [512, 1] exceeds 511": (
        511,
        lambda n: line((10, 4, 1), lambda m: m.convolution(0, 2, (2, 1), (1, 1), (n, 1))),
    ),
}


def equal(celosia, tmp_path, data: bytes) -> bool:
    """Whether ``run`` gives LiteRT's bytes for three inputs."""
    path, x, y = (tmp_path / name for name in ("m.tflite", "x.npy", "y.npy"))
    path.write_bytes(data)
    shape = tfl.ModelT.InitFromPackedBuf(data, 0).subgraphs[0].tensors[0].shape
    given = np.random.default_rng(1).integers(-128, 128, (3, *shape[1:])).astype(np.int8)
    np.save(x, given)
    ran = celosia("run", path, *WIDE, "--input", x, "-o", y, "-q")
    assert ran.status == 0, ran
    last = tfl.ModelT.InitFromPackedBuf(data, 0).subgraphs[0].outputs[0]
    judge = run(data, given, resize=False, key="index")[last]
    return np.array_equal(np.load(y).reshape(3, -1), judge.reshape(3, -1))


@pytest.mark.parametrize("says", LIMITS)
def test_limits_of_descriptors(celosia, refused, tmp_path, says):
    most, make = LIMITS[says]
    assert equal(celosia, tmp_path, make(most))
    refused(make(most + 1), says, engine=WIDE)


def test_padding_beyond_the_coordinates(refused):
    data = line((200, 1, 1), lambda m: m.convolution(0, 1, (255, 1), (1, 1), (3, 1)))
    refused(data, "conv_2d0: its windows reach from -381 to 580 of 200 lines", engine=WIDE)
