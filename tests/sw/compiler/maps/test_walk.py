"""Walks: single kernels against a plain loop, and that no byte is read before it is stored."""

from dataclasses import replace

import numpy as np
import pytest
from tests.helpers.random_graphs import MAP_CONFIGS, map_config, random_graph

from celosia.compiler.maps.kernel import Kernel, Map, Program
from celosia.compiler.maps.lower import lower
from celosia.compiler.maps.pack import pack_weights, parameters
from celosia.compiler.maps.plan import Plan, plan
from celosia.compiler.maps.walk import walk
from celosia.model.map_inputs import store_input
from celosia.model.memories import Memories
from celosia.model.program import decode
from celosia.network.graph import Graph
from celosia.network.layers import AveragePool, Convolution, Dense
from celosia.numerics.quant import Quant
from celosia.numerics.requantize import requantize
from celosia.ops.window_walk import WindowWalk
from celosia.spec import Config, Memory, Op, Rounding, legal, pack_descriptor, unpack_descriptor
from celosia.support.errors import CelosiaError


def random_kernel(rng: np.random.Generator, lanes: int) -> tuple[Kernel, Map]:
    """A kernel of any geometry that stores map 1, and its source."""

    def pick(low: int, high: int) -> int:
        return int(rng.integers(low, high + 1))

    depthwise, channels, same = bool(pick(0, 1)), pick(1, 20), pick(0, 1)
    taps, stride, dilation = ([pick(1, n), pick(1, n)] for n in (5, 3, 2))
    size, span = [pick(1, 11), pick(1, 7)], [0, 0]
    whole = pick(0, 7) == 0
    if whole:
        depthwise, taps, stride, dilation, same = False, list(size), [1, 1], [1, 1], 0
    span = [(k - 1) * d + 1 for k, d in zip(taps, dilation, strict=True)]
    if not same:
        size = [max(n, s) for n, s in zip(size, span, strict=True)]
    each = list(zip(size, span, stride, strict=True))
    out = [-(-n // s) if same else (n - k) // s + 1 for n, k, s in each]
    padding = [0, 0]
    if same:
        padding = [max((m - 1) * s + k - n, 0) // 2 for (n, k, s), m in zip(each, out, strict=True)]
    words = -(-channels // lanes)
    n, width = (words * lanes, words * lanes) if depthwise else (pick(1, 20), channels)
    count = taps[0] * taps[1]
    weights = rng.integers(-128, 128, (count, n) if depthwise else (n, count, width))
    kernel = Kernel(
        name="kernel",
        op=Op.DEPTHWISE if depthwise else Op.CONVOLUTION,
        source=0,
        first=0,
        source_size=tuple(size),
        result=1,
        result_first=0,
        whole=tuple(out),
        size=tuple(out),
        weights=weights.astype(np.int8),
        bias=rng.integers(-9999, 10000, n),
        multiplier=rng.integers(1 << 30, (1 << 31) - 1, n),
        shift=rng.integers(-8, -2, n),
        rounding=Rounding(pick(0, 1)),
        zero_point=pick(0, 255),
        outside=pick(0, 255),
        taps=tuple(taps),
        stride=tuple(stride),
        dilation=tuple(dilation),
        padding=tuple(padding),
        emit=True,
    )
    packed = 0 if depthwise or lanes & (lanes - 1) or pick(0, 1) else channels
    return kernel, Map(size[0] * size[1], words, packed)


def plain(kernel: Kernel, source: np.ndarray) -> np.ndarray:
    """uint8 [height, width, N] of uint8 [height, width, bytes]: a loop over pixels and taps."""
    acc = np.zeros((*kernel.size, len(kernel.bias)), np.int64)
    for oy, ox, ky, kx in np.ndindex(*kernel.size, *kernel.taps):
        y = oy * kernel.stride[0] - kernel.padding[0] + ky * kernel.dilation[0]
        x = ox * kernel.stride[1] - kernel.padding[1] + kx * kernel.dilation[1]
        u = np.full(source.shape[2], kernel.outside, np.int64)
        if 0 <= y < source.shape[0] and 0 <= x < source.shape[1]:
            u[:] = source[y, x]
        tap = ky * kernel.taps[1] + kx
        if kernel.op is Op.DEPTHWISE:
            acc[oy, ox] += u * kernel.weights[tap]
        else:
            acc[oy, ox] += kernel.weights[:, tap].astype(np.int64) @ u[: kernel.weights.shape[2]]
    parameters = (kernel.bias, kernel.multiplier, kernel.shift, kernel.zero_point)
    return requantize(acc, *parameters, *kernel.clamp, kernel.rounding)


def copy_of(kernel: Kernel, config: Config) -> Kernel:
    """A kernel that reads the result, so that it is stored."""
    size = kernel.result_words(config) * config.lanes
    return replace(
        kernel,
        op=Op.DEPTHWISE,
        source=1,
        source_size=kernel.size,
        result=2,
        weights=np.ones((1, size), np.int8),
        bias=np.zeros(size, np.int64),
        multiplier=np.full(size, 1 << 30),
        shift=np.ones(size, np.int64),
        rounding=Rounding.SINGLE,
        zero_point=0,
        **{name: (1, 1) for name in ("taps", "stride", "dilation")},
        padding=(0, 0),
    )


def engine(program: Program, chosen: Plan, config: Config) -> Memories:
    memories, weight, param = Memories(config), 0, 0
    for index, kernel in enumerate(program.kernels):
        fields = walk(program, chosen, config, index) | {"weights": weight, "params": param}
        fields |= {"op": kernel.op, "rounding": kernel.rounding, "zero_point": kernel.zero_point}
        last = index == len(program.kernels) - 1
        packed = pack_descriptor(**fields, last=last, emit=1, clamp_max=255)
        assert legal(unpack_descriptor(packed), config)
        for memory, address, data in (
            (Memory.PROGRAM, index, packed),
            (Memory.WEIGHTS, weight, pack_weights(kernel, config)),
            (Memory.PARAMS, param, parameters(kernel, config)),
        ):
            shape = memories.records(memory).shape[1]
            memories.write(memory, address, np.frombuffer(data, np.uint8).reshape(-1, shape))
        weight += kernel.weight_words(config)
        param += kernel.param_words(config)
    return memories


def one_kernel(seed: int) -> bool | None:
    """Run a random kernel and a copy of its result in rows full of garbage; whether in images."""
    rng = np.random.default_rng(seed)
    lanes = int(rng.integers(1, 10))
    cols = max(lanes * int(rng.integers(1, 4)), 4 * lanes if lanes < 4 else 0)
    config = map_config(int(rng.integers(1, 17)), cols, lanes, weight_depth=1 << 15)
    kernel, source = random_kernel(rng, lanes)
    pixels, words = kernel.pixels, kernel.result_words(config)
    maps = [source, Map(pixels, words), Map(pixels, words)]
    program, images = Program(maps, [kernel, copy_of(kernel, config)]), bool(rng.integers(2))
    chosen = plan(program, config, images)
    if chosen is None or chosen.depth > config.act_depth:
        return None
    count = int(rng.integers(1, config.rows + 1)) if images else 1
    width = kernel.weights.shape[-1] if kernel.op is Op.DEPTHWISE or source.packed else words
    width = source.packed or source.words * lanes
    x = rng.integers(0, 256, (count, source.pixels, width)).astype(np.uint8)
    flat = np.zeros((count, source.size(config) * lanes), np.uint8)
    flat[:, : source.pixels * width] = x.reshape(count, -1)
    act = rng.integers(0, 256, (1, config.rows, config.act_depth, lanes)).astype(np.uint8)
    place, base = chosen.input, int(rng.integers(2)) * chosen.input.length
    layout = {"row_words": place.row_words, "halo": place.halo, "length": place.length}
    for image, words_of in enumerate(flat.reshape(count, 1, -1, lanes)):
        rows = act[:, image : image + 1] if images else act
        store_input(rows, words_of, None if images else layout, base)
    memory = act.reshape(1, config.rows, -1)
    results = decode(engine(program, chosen, config), 0).run(memory, base, count)
    for index, result in enumerate(results):
        walked = WindowWalk(
            unpack_descriptor(engine(program, chosen, config).program[index].tobytes()),
            config,
            base,
            count,
        )
        pixel, word = walked.drained
        step, row = walked.pixels
        got = np.zeros((len(step), words, lanes), np.uint8)
        got[pixel, word] = result[0]
        for p, (i, r) in enumerate(zip(step.tolist(), row.tolist(), strict=True)):
            image, number = (r, i) if images else (0, r * walked.d["steps"] + i)
            want = plain(kernel, x[image].reshape(*kernel.source_size, width))
            found = got[p].reshape(-1)[: want.shape[2]]
            assert (found == want.reshape(pixels, -1)[number]).all(), (seed, index, kernel)
    return images


def test_random_kernels():
    found = [one_kernel(seed) for seed in range(60)]
    assert found.count(True) > 15 and found.count(False) > 15


@pytest.mark.parametrize("images", [False, True])
@pytest.mark.parametrize("name", MAP_CONFIGS)
def test_no_byte_is_read_before_it_is_stored(name, images):
    """A scanner step waits for `need` result words of the layer before; all it reads are among
    them. Bytes whose weights are all 0 do not matter."""
    config, waiting = MAP_CONFIGS[name], 0
    for seed in range(12):
        rng = np.random.default_rng([seed, config.rows])
        graph = random_graph(rng) if seed > 1 else (overhanging, dense_on_a_map)[seed](config)
        program = lower(graph, config, emit_all=bool(seed % 2))
        chosen = plan(program, config, images)
        if chosen is None:
            continue
        fields = [
            {"op": kernel.op, "waits": 0, "dst": 0} | walk(program, chosen, config, index)
            for index, kernel in enumerate(program.kernels)
        ]
        rows = config.rows if images else 1
        for index in range(1, len(fields)):
            before = WindowWalk(fields[index - 1], config, 0, rows)
            after = WindowWalk(fields[index], config, 0, rows)
            waiting += check_waits(before, after, program.kernels[index], (seed, index))
    assert waiting > 0


def channels(n: int) -> dict:
    return {"multiplier": np.full(n, 1 << 30), "shift": np.full(n, -6), "bias": np.zeros(n, int)}


def overhanging(config: Config) -> Graph:
    """A pool that more than one kernel makes, read at once."""
    shape, q = (5, 5, 3), Quant(0.5, 3)
    window = {"kernel": (3, 3), "stride": (1, 1), "padding": (1, 1), "output_size": (5, 5)}
    weights = np.ones((4, 1, 1, 3), np.int8)
    pool = AveragePool("pool", input=q, output=q, input_shape=shape, **window)
    more = {"weights": weights, "input": q, "output": q, "input_shape": shape}
    last = Convolution("last", output_size=(5, 5), **more, **channels(4))
    return Graph("overhanging", (pool, last))


def dense_on_a_map(config: Config) -> Graph:
    """A map without holes, read as one long tap."""
    n, q = config.cols, Quant(0.5, 3)
    weights = {"weights": np.ones((n, 1, 1, 2), np.int8), "input_shape": (5, 4, 2)}
    first = Convolution("first", input=q, output=q, output_size=(5, 4), **weights, **channels(n))
    last = {"weights": np.ones((3, 20 * n), np.int8), "input_shape": (5, 4, n)}
    return Graph("dense", (first, Dense("last", input=q, output=q, **last, **channels(3))))


def check_waits(before: WindowWalk, after: WindowWalk, kernel: Kernel, note: tuple) -> int:
    """Whether the layer waits at all."""
    d, config = after.d, after.config
    if not before.d["store"]:
        return 0
    # When each word of each row is there, in result words of one row.
    pixel, word = before.drained
    count = before.pixels[0][pixel] * before.d["tiles"] * before.tile_words + word
    row, place, result = before.stores(config.rows)
    stored = np.full((config.rows, config.act_depth), -1)
    stored[row, place] = count[result]
    step, rows = after.pixels
    number = after.places // config.lanes
    when = stored[rows[:, None, None], number]
    matters = after.inside[..., None] & weighted(kernel, config, after)
    when = np.where(matters, when, -1)
    if not d["waits"]:
        assert (when < 0).all(), note
        return 0
    scanned = np.arange(number.shape[2]) // config.lanes
    need = d["wait"] + step[:, None, None] * d["wait_step"] + scanned + 1
    assert (need > when).all(), note
    return 1


def weighted(kernel: Kernel, config: Config, walked: WindowWalk) -> np.ndarray:
    """bool [taps, bytes]: whether any channel has a weight there."""
    depthwise = kernel.op is Op.DEPTHWISE
    weights = kernel.weights != 0 if depthwise else (kernel.weights != 0).any(axis=0)
    return weights.reshape(len(walked.taps[0]), -1)


def test_what_the_fields_cannot_hold():
    kernel, source = random_kernel(np.random.default_rng(0), 4)
    config = MAP_CONFIGS["8x8"]

    def fields(**changes) -> dict[str, int]:
        one = replace(kernel, emit=True, **changes)
        pixels = one.source_size[0] * one.source_size[1]
        program = Program([Map(pixels, source.words), Map(one.pixels, 1)], [one])
        chosen = plan(program, config, images=False)
        assert chosen is not None
        return walk(program, chosen, config, 0)

    for changes, message in (
        ({"source_size": (257, 1)}, "kernel: a map of 257 lines exceeds 256; split the map"),
        ({"source_size": (1, 300)}, "kernel: a map of 300 pixels a line exceeds 256"),
        ({"padding": (510, 0)}, "kernel: its windows reach from -510"),
        ({"stride": (1, 400), "size": (1, 3), "whole": (1, 3)}, "kernel: its windows reach"),
        ({"stride": (1, 512)}, r"kernel: stride \[1, 512\] exceeds 511; use a smaller kernel"),
        ({"dilation": (600, 1)}, r"kernel: dilation \[600, 1\] exceeds 511"),
        ({"taps": (1, 256)}, r"kernel: kernel \[1, 256\] exceeds 255"),
        ({"outside": 256}, "kernel: outside = 256 does not fit a descriptor"),
    ):
        with pytest.raises(CelosiaError, match=message):
            fields(**changes)
