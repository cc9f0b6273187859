"""What operators compute of values and constants, whatever the file they come from."""

import numpy as np
import pytest

from celosia.importer import operations as run
from celosia.importer.guard import Budget
from celosia.importer.operations.arithmetic import compare
from celosia.importer.operations.constants import BATCH, cast, plain, spend
from celosia.importer.operations.windows import same_padding
from celosia.importer.values import Value, Walk
from celosia.importer.values.walk import Layout
from celosia.support.errors import CelosiaError

C = np.array([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]], np.float32)


def value(*shape) -> Value:
    return Value.input(Walk(1 << 20), shape)


def image(channels, *size) -> Value:
    """An input that is a map with its channels first."""
    height, width = size if len(size) == 2 else (1, *size)
    order = np.arange(channels * height * width).reshape(channels, height, width)
    layout = Layout((height, width, channels), np.moveaxis(order, 0, -1).ravel())
    return Value.input(Walk(1 << 20, layout), (channels, *size))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (lambda: run.add(C, C[0]), C + C[0]),
        (lambda: run.subtract(C, np.float32(1)), C - 1),
        (lambda: run.multiply(C, C), C * C),
        (lambda: run.divide(np.array([7, -7]), np.array([2, 2]), whole=True), [3, -3]),
        (lambda: run.divide(np.array([7, -7]), np.array([2, 2])), [3.5, -3.5]),
        (lambda: run.power(C, np.float32(2)), C**2),
        (lambda: run.maximum(C, np.float32(0)), np.maximum(C, 0)),
        (lambda: run.minimum(C, np.float32(0)), np.minimum(C, 0)),
        (lambda: compare(C, "<=", np.float32(1)), C <= 1),
        (lambda: run.where(C > 0, C, np.float32(7)), np.where(C > 0, C, 7)),
        (lambda: run.prelu(C, np.array([0.1, 0.2, 0.3], np.float32)),
         np.where(C >= 0, C, C * np.array([0.1, 0.2, 0.3], np.float32))),
        (lambda: run.apply(C, "hard_shrink", 1.0), np.where(np.abs(C) > 1, C, 0)),
        (lambda: run.apply(C, "soft_shrink", 1.0), np.sign(C) * np.maximum(np.abs(C) - 1, 0)),
        (lambda: run.apply(C, "shrink", 0.5, 1.5),
         np.where(C > 1.5, C - 0.5, np.where(C < -1.5, C + 0.5, 0))),
        (lambda: run.apply(C, "erfc") + run.apply(C, "erf"), np.ones_like(C)),
        (lambda: run.apply(np.float32(4), "rsqrt"), 0.5),
        (lambda: run.apply(C, "tanh_shrink"), C - np.tanh(C)),
        (lambda: run.apply(C, "log2") - run.apply(C, "log10") * np.log2(10), "not finite"),
        (lambda: run.apply(np.float32(8), "log2"), 3),
        (lambda: run.apply(np.float32(100), "log10"), 2),
        (lambda: run.matmul(C, C.T), C @ C.T),
        (lambda: run.linear(C, C.T, np.float32([1, 2])), C @ C.T + [1, 2]),
        (lambda: run.flatten(np.float32(3)), [3]),
        (lambda: run.flatten(C, 0, 1), C.ravel()),
        (lambda: run.squeeze(C[None, :, None]), C),
        (lambda: run.squeeze(C[None], [0, 1], strict=False), C),
        (lambda: run.expand_dims(C, [0]), C[None]),
        (lambda: run.transpose(C), C.T),
        (lambda: run.gather(C, np.array([1, 1]), 0), C[[1, 1]]),
        (lambda: run.concatenate([C, C], 1), np.concatenate([C, C], 1)),
        (lambda: run.split(C, [1, 2], 1)[1], C[:, 1:]),
        (lambda: run.slices(C, {1: slice(0, 2)}), C[:, :2]),
        (lambda: run.pad(C, [1, 0], [0, 2], 5.0), np.pad(C, [(1, 0), (0, 2)], constant_values=5)),
        (lambda: cast(np.array([BATCH, 3]), np.int32), [BATCH, 3]),
        (lambda: run.shape_of(value(3, 4)), [BATCH, 3, 4]),
        (lambda: same_padding([5], [2], [1], [1], upper=False), [[1], [0]]),
    ],
)  # fmt: skip
def test_of_constants(found, expected):
    if isinstance(expected, str):
        with pytest.raises(CelosiaError, match=expected):
            found()
    else:
        np.testing.assert_allclose(found(), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("compute", "reason"),
    [
        (lambda: run.add(C, np.ones(2, np.float32)), r"constants of \[2, 3\] and \[2\] do not fit"),
        (lambda: run.add(np.ones((900, 1)), np.ones(900)), r"constants that become \[900, 900\]"),
        (lambda: run.add(np.int64(BATCH), np.int64(1)), "computes with the size of the batch"),
        (lambda: run.add(value(2, 3), run.matmul(value(5), np.ones((5, 4)))), "it adds branches"),
        (lambda: run.divide(C, np.float32(0)), "division by zero"),
        (lambda: run.apply(np.float32(-1), "sqrt"), "its result is not finite"),
        (lambda: run.multiply(np.float32(3e38), np.float32(3e38)), "its result is not finite"),
        (lambda: run.batch_norm(C, C, C), "does not depend on the model's"),
        (lambda: run.batch_norm(value(3), C[0], [1, 1, 1], axis=0), "axis 0 of 2"),
        (lambda: run.batch_norm(value(3), C[0], [1, 0, 1]), "a variance is not positive"),
        (lambda: run.batch_norm(value(3), C[0], [1, 1]), "parameters differ in shape"),
        (lambda: run.linear(value(3), np.ones(3)), r"weights of \[3\], not a matrix"),
        (lambda: run.linear(value(3), np.ones((3, 2)), np.ones(3)), r"a bias of \[3\] does not"),
        (lambda: run.linear(value(3), np.ones((4, 2))), r"do not take an input of \[3\]"),
        (lambda: run.linear(value(3), np.full((3, 2), np.nan)), "not a finite number"),
        (lambda: run.linear(value(3), value(3)), "weights depend on the model's input"),
        (lambda: run.matmul(value(3), value(3)), "a product of two tensors"),
        (lambda: run.reshape(C, [4, 2]), r"\[2, 3\] cannot become \[4, 2\]"),
        (lambda: run.reshape(C, [BATCH, 2]), "a constant of the size of the batch"),
        (lambda: run.reshape(C, [1] * 9), "9 axes are more than 8"),
        (lambda: run.reshape(value(6), []), "to a single number"),
        (lambda: run.reshape(value(6), [2, 3, BATCH]), r"to \[2, 3, batch\], which has no batch"),
        (lambda: run.reshape(value(6), [1, -1, -1]), r"to \[1, -1, -1\]"),
        (lambda: run.reshape(value(6), [1, 2, 2]), r"\[6\] cannot become \[2, 2\]"),
        (lambda: run.reshape(value(6), [-1, 3]), "across the batch axis"),
        (lambda: run.flatten(C, 0, 5), "axes 0 to 5 of 2"),
        (lambda: run.flatten(value(2, 3), 0, 1), "from the batch axis on"),
        (lambda: run.transpose(C, [0, 5]), r"axes or sizes do not fit \[2, 3\]"),
        (lambda: run.transpose(value(2, 3), [1, 0, 2]), "moves the batch axis"),
        (lambda: run.squeeze(value(2, 1), [7]), r"axes \[7\] of 3"),
        (lambda: run.squeeze(value(2, 1), [1]), "axes or sizes do not fit"),
        (lambda: run.expand_dims(value(2), [1] * 8), "10 axes are more than 8"),
        (lambda: run.slices(C, {4: slice(1)}), "axis 4 of 2"),
        (lambda: run.gather(C, np.array(0), 4), "axis 4 of 2"),
        (lambda: run.gather(C, np.zeros(1 << 23, int), 0), r"8388608 parts of \[2, 3\]"),
        (lambda: run.split(C, [1, 1], 5), "along axis 5 of 2"),
        (lambda: run.split(C, [1, 1], 1), r"parts of \[1, 1\] do not make 3"),
        (lambda: run.concatenate([], 0), "nothing to concatenate"),
        (lambda: run.concatenate([C, C[0]], 0), "its parts do not fit together"),
        (lambda: run.pad(C, [1], [1]), "a border for 1 axes of 2"),
        (lambda: run.pad(C, [-1, 0], [0, 0]), "a negative border"),
        (lambda: run.pad(C, [BATCH, 0], [0, 0]), "a border of"),
        (lambda: run.pad(value(2, 3, 4), [0, 0, 1, 1], [0] * 4, channels_first=False),
         "a border around the channels, axis 3 of 4"),
        (lambda: run.convolution(image(3, 4, 4), value(3)), "weights depend on the model's input"),
        (lambda: run.convolution(C, C), "does not depend on the model's"),
        (lambda: run.convolution(image(3, 4), np.ones((2, 3, 1, 1))), "on a map of 1 axes"),
        (lambda: run.convolution(image(3, 4, 4), np.ones((2, 2, 1, 1))), "weights for 2 channels"),
        (lambda: run.convolution(image(3, 4, 4), np.full((2, 3, 1, 1), np.inf)), "not a finite"),
        (lambda: run.convolution(image(3, 4, 4), np.ones((2, 3, 1, 1)), np.ones(3)), "a bias of"),
        (lambda: run.convolution(image(3, 4, 4), np.ones((2, 3, 5, 1))), "larger than the map"),
        (lambda: run.convolution(value(3, 4, 4, 4), np.ones((2, 3, 1, 1, 1))),
         "maps of one or two dimensions"),
        (lambda: run.pool(image(3, 4, 4), "max", [2, 2], run.Window([1, 1, 1])), "for 2 axes"),
        (lambda: run.pool(image(3, 4, 4), "max", [2, 2], run.Window([1, 0])), "is not possible"),
        (lambda: run.pool(C, "max", [2]), "does not depend on the model's"),
        (lambda: run.adaptive_pool(C, "max", [1]), "does not depend on the model's"),
        (lambda: run.adaptive_pool(value(3, 4, 4), "max", [1]), r"a map of \[1\] from one of"),
        (lambda: run.mean(C, [0], True), "does not depend on the model's"),
        (lambda: run.mean(value(3, 4, 4), [7], True), r"axes \[7\] of 4"),
        (lambda: same_padding([5], [2], [0], [1]), "stride 0 is not possible"),
        (lambda: plain(np.array([BATCH])), "computes with the size of the batch"),
        (lambda: cast(np.array([BATCH]), np.float32), "computes with the size of the batch"),
        (lambda: spend(Budget(1 << 20, ""), np.zeros((1,) * 9)), "9 axes are more than 8"),
        (lambda: value(0), r"a tensor of shape \[0\]"),
        (lambda: value(1 << 25), "at most 16777216 are possible"),
        (lambda: value(3).affine(np.nan), "a constant is not a finite number"),
        (lambda: value(3).affine(np.ones(2)), r"a constant of \[2\] does not fit \[3\]"),
        (lambda: run.gather(value(3), np.array([0, 0]), 1).affine(np.array([1.0, 2.0])),
         "a constant differs between copies"),
    ],
)  # fmt: skip
def test_what_is_refused(compute, reason):
    with pytest.raises(CelosiaError, match=reason):
        compute()
