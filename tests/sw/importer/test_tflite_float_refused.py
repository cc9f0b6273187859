"""What a float .tflite file may ask for that no engine computes is refused, by its true reason; and
operators that no converted model of the other tests has, against LiteRT."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as tfl
from ai_edge_litert.interpreter import OpResolverType
from tests.helpers.float_tflite import Writer
from tests.helpers.litert import run

from celosia.importer import model_from_bytes
from celosia.support.errors import CelosiaError


def options(kind: str, **values):
    made = getattr(tfl, f"{kind}OptionsT")()
    for name, value in values.items():
        setattr(made, name, value)
    return made


def reals(*shape):
    return np.random.default_rng(3).normal(0, 1, shape).astype(np.float32)


def dense(w, x=0, k=12):
    return w.add("FULLY_CONNECTED", [x, w.constant(reals(5, k)), -1], (1, 5),
                 options("FullyConnected"))  # fmt: skip


def image(w):
    return w.add("RESHAPE", [0, w.constant(np.int32([1, 2, 3, 2]))], (1, 2, 3, 2))


def kernel(w, code, weights, **more):
    kind = {"CONV_2D": "Conv2D", "DEPTHWISE_CONV_2D": "DepthwiseConv2D"}[code]
    given = options(kind, strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1, **more)
    return w.add(code, [image(w), w.constant(weights), -1], (1, 2, 3, 4), given)


def pool(w, x, **more):
    given = options("Pool2D", strideH=1, strideW=1, filterHeight=2, filterWidth=2, **more)
    return w.add("MAX_POOL_2D", [x], (1, 1, 2, 2), given)


#: What the error says -> (writer with an input of 12) -> the output.
REFUSED = {
    r"weights of \[12\], not \[N, K\]": lambda w: w.add(
        "FULLY_CONNECTED", [0, w.constant(reals(12)), -1], (1, 5), options("FullyConnected")
    ),
    "has several vectors of 6; set keep_num_dims": lambda w: dense(w, k=6),
    "option adj_x = True": lambda w: w.add(
        "BATCH_MATMUL", [0, w.constant(reals(12, 5))], (1, 5), options("BatchMatMul", adjX=True)
    ),
    "a product of two tensors": lambda w: w.add(
        "BATCH_MATMUL", [0, 0], (1, 5), options("BatchMatMul")
    ),
    r"its input of 2 axes is no map": lambda w: pool(w, 0),
    r"weights of \[4, 2\]": lambda w: kernel(w, "CONV_2D", reals(4, 2)),
    r"weights of \[2, 1, 1, 4\]": lambda w: kernel(w, "DEPTHWISE_CONV_2D", reals(2, 1, 1, 4)),
    "weights for 5 channels in 0 groups": lambda w: kernel(w, "CONV_2D", reals(4, 1, 1, 5)),
    "padding 7 is unknown": lambda w: pool(w, image(w), padding=7),
    r"axes \[9\] of 4": lambda w: w.add(
        "MEAN", [image(w), w.constant(np.int32([9]))], (1, 2), options("Reducer")
    ),
    r"over axes \[1\] of 4, not all pixels of a map": lambda w: w.add(
        "REDUCE_MAX", [image(w), w.constant(np.int32([1]))], (1, 3, 2), options("Reducer")
    ),
    r"borders of \[4\]": lambda w: w.add(
        "PAD", [image(w), w.constant(np.int32([0, 1, 1, 0]))], (1, 4, 5, 2)
    ),
    "option mode = REFLECT is not supported": lambda w: w.add(
        "MIRROR_PAD", [image(w), w.constant(np.int32([[0, 0], [1, 1], [1, 1], [0, 0]]))],
        (1, 4, 5, 2), options("MirrorPad", mode=0),
    ),
    r"axis \[0, 1\] of \[1, 12\] does not exist": lambda w: w.add(
        "EXPAND_DIMS", [0, w.constant(np.int32([0, 1]))], (1, 1, 12)
    ),
    "parts from": lambda w: w.add(
        "STRIDED_SLICE",
        [0, *(w.constant(np.int32(each)) for each in ([0, 1], [1, 5], [1, 0]))],
        (1, 4), options("StridedSlice"),
    ),
    "chooses one image of the batch": lambda w: w.add(
        "STRIDED_SLICE",
        [0, *(w.constant(np.int32(each)) for each in ([0, 1], [1, 5], [1, 1]))],
        (4,), options("StridedSlice", shrinkAxisMask=1),
    ),
    "takes the batch apart": lambda w: w.add("UNPACK", [0], (12,), options("Unpack", num=1)),
    "it chooses images of the batch": lambda w: w.add(
        "GATHER", [0, w.constant(np.int32([0]))], (1, 12), options("Gather", axis=0)
    ),
    "num_splits = 5 does not divide 12": lambda w: w.add(
        "SPLIT", [w.constant(np.int32(1)), 0], (1, 3), options("Split", numSplits=5)
    ),
    "it computes a shape of the model's values": lambda w: cast(w, 0, "int32"),
    r"a constant of shape \[90000\]": lambda w: w.add(
        "ADD", [0, w.add("FILL", [w.constant(np.int32([90000])), w.constant(np.float32(2))],
                         (90000,))], (1, 12), options("Add")
    ),
    "a fused activation, which LiteRT refuses": lambda w: w.add(
        "CONCATENATION", [0, 0], (1, 24), options("Concatenation", axis=1,
                                                  fusedActivationFunction=1)
    ),
    "does not depend on the input": lambda w: w.add(
        "ADD", [w.constant(reals(1, 12)), w.constant(reals(1, 12))], (1, 12), options("Add")
    ),
    "this operator is not supported": lambda w: w.add("CUMSUM", [0], (1, 12)),
    "has a value before it is computed": lambda w: again(w),
}  # fmt: skip


def cast(w, x, kind):
    end = w.add("CAST", [x], w.shape(x), options("Cast"))
    w.tensors[end].dtype = kind
    return end


def again(w):
    """Two operators with one result."""
    end = w.add("RELU", [0], (1, 12))
    w.add("TANH", [0], (1, 12))
    w.ops[-1].outputs[0] = end
    return end


@pytest.mark.parametrize("reason", REFUSED)
def test_the_reason_is_said(reason):
    writer = Writer((12,))
    with pytest.raises(CelosiaError, match=reason):
        model_from_bytes(writer.build(REFUSED[reason](writer)), "m")


@pytest.mark.parametrize("shape", [(12,), (2, 12)])
def test_an_input_without_a_batch(shape):
    writer = Writer((12,))
    end = writer.add("RELU", [0], (1, 12))
    writer.tensors[0].shape = shape
    with pytest.raises(CelosiaError, match="has no batch axis of 1"):
        model_from_bytes(writer.build(end), "m")


#: (writer with an input of 12) -> the output, judged by LiteRT.
ACCEPTED = {
    "SPLIT_V": lambda w: dense(w, parts(w, [5, -1])[1], 7),
    "BATCH_MATMUL": lambda w: w.add("BATCH_MATMUL", [0, w.constant(reals(5, 12))], (1, 5),
                                    options("BatchMatMul", adjY=True)),
    "GATHER": lambda w: dense(w, w.add("GATHER", [0, w.constant(np.int32([5, 0, 2]))], (1, 3),
                                       options("Gather", axis=1)), 3),
    "CAST": lambda w: dense(w, cast(w, 0, "float32")),
    "SQUARED_DIFFERENCE": lambda w: w.add(
        "SQUARED_DIFFERENCE", [dense(w), w.constant(reals(1, 5))], (1, 5),
        options("SquaredDifference")),
    "LOG_SOFTMAX": lambda w: w.add("LOG_SOFTMAX", [dense(w)], (1, 5), options("LogSoftmax")),
    "SOFTMAX": lambda w: w.add("SOFTMAX", [dense(w)], (1, 5), options("Softmax", beta=0.5)),
}  # fmt: skip


def parts(w, sizes):
    shapes = [(1, 5), (1, 7)]
    first = w.add("SPLIT_V", [0, w.constant(np.int32(sizes)), w.constant(np.int32(1))], shapes[0],
                  options("SplitV", numSplits=2))  # fmt: skip
    operator = w.ops[-1]
    second = w.add("RELU", [0], shapes[1])
    w.ops.pop()
    operator.outputs.append(second)
    return first, second


@pytest.mark.parametrize("name", ACCEPTED)
def test_it_is_that_of_litert(name):
    writer = Writer((12,))
    data = writer.build(end := ACCEPTED[name](writer))
    x = np.random.default_rng(7).normal(0, 1, (6, 12)).astype(np.float32)
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    real = run(data, x, resize=False, resolver=plain, key="index")[end]
    assert np.abs(model_from_bytes(data, "m").forward(x) - real).max() < 1e-5


def test_a_sum_of_many_is_that_of_two_and_two():
    found = []
    for many in (True, False):
        writer = Writer((12,))
        y, one, other = dense(writer), *(writer.constant(reals(1, 5) * k) for k in (1, 2))
        if many:
            end = writer.add("ADD_N", [y, one, other], (1, 5), options("AddN"))
        else:
            half = writer.add("ADD", [y, one], (1, 5), options("Add"))
            end = writer.add("ADD", [half, other], (1, 5), options("Add"))
        found.append(model_from_bytes(writer.build(end), "m").forward(reals(6, 12)))
    assert np.array_equal(*found)
