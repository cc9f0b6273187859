"""Chains of operations drawn at random give what NumPy gives, or are refused."""

import numpy as np
import pytest

from celosia.importer import operations as run
from celosia.importer.values import Value, assemble, in_layout
from celosia.support.errors import CelosiaError

N = 5


def cut(rng, x, y):
    axis = int(rng.integers(1, y.ndim))
    indices = rng.integers(0, y.shape[axis], rng.integers(1, y.shape[axis] + 2))
    return run.gather(x, indices, axis), np.take(y, indices, axis)


def part(rng, x, y):
    axis = int(rng.integers(1, y.ndim))
    start = int(rng.integers(0, y.shape[axis]))
    keys = slice(start, int(rng.integers(start + 1, y.shape[axis] + 1)), int(rng.integers(1, 3)))
    return run.slices(x, {axis: keys}), y[(slice(None),) * axis + (keys,)]


def turned(rng, x, y):
    axes = [0, *(1 + rng.permutation(y.ndim - 1)).tolist()]
    return run.transpose(x, axes), y.transpose(axes)


def reshaped(rng, x, y):
    width = int(np.prod(y.shape[1:]))
    first = int(rng.choice([k for k in range(1, width + 1) if width % k == 0]))
    return run.reshape(x, [run.BATCH, first, -1]), y.reshape(N, first, -1)


def flat(rng, x, y):
    return run.flatten(x), y.reshape(N, -1)


def factors(rng, x, y):
    """A constant that broadcasts in some axes."""
    shape = [size if rng.integers(2) else 1 for size in y.shape[1:]]
    c = rng.uniform(0.5, 2, shape).astype(np.float32) * rng.choice([-1, 1], shape)
    f = [run.multiply, run.add, run.subtract][rng.integers(3)]
    if rng.integers(2):
        return f(x, c), f_of(f, y, c)
    return f(c, x), f_of(f, c, y)


def f_of(f, one, other):
    return {run.multiply: np.multiply, run.add: np.add, run.subtract: np.subtract}[f](one, other)


def bent(rng, x, y):
    name = ["relu", "tanh", "sigmoid", "abs"][rng.integers(4)]
    expected = {
        "relu": np.maximum(y, 0),
        "tanh": np.tanh(y),
        "sigmoid": 1 / (1 + np.exp(-y)),
        "abs": np.abs(y),
    }
    return run.apply(x, name), expected[name]


def clipped(rng, x, y):
    return run.maximum(run.minimum(x, np.float32(1)), np.float32(-0.5)), np.clip(y, -0.5, 1)


def sloped(rng, x, y):
    slopes = rng.uniform(0.1, 0.5, (y.shape[1], *(1,) * (y.ndim - 2))).astype(np.float32)
    return run.prelu(x, slopes), np.where(y >= 0, y, slopes * y)


def product(rng, x, y):
    w = rng.normal(0, 1 / np.sqrt(y.shape[-1]), (y.shape[-1], rng.integers(1, 7)))
    w = w.astype(np.float32)
    return run.matmul(x, w), y @ w


def joined(rng, x, y):
    axis = int(rng.integers(1, y.ndim))
    other, judge = factors(rng, x, y)
    return run.concatenate([x, other], axis), np.concatenate([y, judge], axis)


def summed(rng, x, y):
    other, judge = bent(rng, x, y)
    return run.add(x, other), y + judge


def map_of(y):
    if y.ndim != 4:
        raise CelosiaError("no map")
    return y.shape[1:]


def convolved(rng, x, y):
    channels, height, width = map_of(y)
    ky, kx = (int(rng.integers(1, min(size, 3) + 1)) for size in (height, width))
    depthwise = rng.integers(2)
    n = channels if depthwise else int(rng.integers(1, 4))
    w = rng.normal(0, 0.5, (n, 1 if depthwise else channels, ky, kx)).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(y, (ky, kx), (2, 3))
    form = "nchwyx,cyx->nchw" if depthwise else "nchwyx,ocyx->nohw"
    judge = np.einsum(form, windows, w[:, 0] if depthwise else w)
    return run.convolution(x, w, groups=channels if depthwise else 1), judge


def of_some(rng, x, y):
    """A convolution of some channels, in any order, some of them twice."""
    channels = rng.integers(0, map_of(y)[0], rng.integers(1, 4))
    return convolved(rng, run.gather(x, channels, 1), y[:, channels])


def pooled(rng, x, y):
    _, height, width = map_of(y)
    kernel = [int(rng.integers(1, min(size, 2) + 1)) for size in (height, width)]
    windows = np.lib.stride_tricks.sliding_window_view(y, kernel, (2, 3))
    kind = ("max", "average")[rng.integers(2)]
    f = np.max if kind == "max" else np.mean
    return run.pool(x, kind, kernel), f(windows, (4, 5))


def bordered(rng, x, y):
    map_of(y)
    before, behind = rng.integers(0, 2, (2, 2)).tolist()
    pads = [(0, 0), (0, 0), *zip(before, behind, strict=True)]
    border = run.pad(x, [0, 0, *before], [0, 0, *behind], channels_first=True)
    return border, np.pad(y, pads)


def averaged(rng, x, y):
    map_of(y)
    return run.mean(x, [2, 3], keep=True), y.mean((2, 3), keepdims=True)


MAPS = (convolved, of_some, pooled, bordered, averaged)
STEPS = (cut, part, turned, reshaped, flat, factors, bent, clipped, sloped, product, joined, summed)


def chain(seed, shape, given, choices):
    """(network, array, names) after steps that are not refused, a product the last of them."""
    names: list[str] = []

    def made(walk):
        own = np.random.default_rng([seed, 17])  # the same steps when the walk starts again
        x, y = Value.input(walk, shape), given.astype(np.float64)
        names.clear()
        for _ in range(int(own.integers(2, 9))):
            step = choices[own.integers(len(choices))]
            state = own.bit_generator.state
            try:
                after, y_after = step(own, x, y)
                # Some forms are refused by what reads them.
                assemble(run.matmul(run.flatten(after), np.ones((after.width, 1))), "m", shape)
            except CelosiaError:
                own.bit_generator.state = state
                own.random()
                continue
            if y_after.size <= 4000 and y_after.ndim <= 4:
                x, y = after, y_after
                names.append(step.__name__)
        # Of a vector it is always possible.
        x, y = product(own, *flat(own, x, y))
        names.extend(("flat", "product"))
        return assemble(x, "m", shape), y

    return *in_layout(1 << 20, made), names


def check(seed, shape, choices):
    given = np.random.default_rng([seed, 16]).normal(0, 1, (N, *shape)).astype(np.float32)
    try:
        model, expected, names = chain(seed, shape, given, choices)
    except CelosiaError as error:  # a map of an order that no permutation of axes gives
        assert "the order in which its input is read" in str(error), f"seed {seed}"
        return
    found = model.forward(given)
    assert np.abs(found - expected.reshape(found.shape)).max() < 1e-3, f"seed {seed}: {names}"


@pytest.mark.parametrize("seed", range(300))
def test_it_is_that_of_numpy(seed):
    check(seed, [(12,), (3, 4), (2, 3, 2)][seed % 3], STEPS)


@pytest.mark.parametrize("seed", range(200))
def test_of_maps(seed):
    """The same with operators on maps, channels first, between those that move data."""
    check(
        seed,
        (2, 4, 5),
        (*MAPS * 3, cut, part, turned, factors, bent, clipped, sloped, joined, summed),
    )
