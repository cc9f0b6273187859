"""The golden model of engines with convolution behind its link: layouts, banks, counters."""

import numpy as np
import pytest
from tests.helpers.random_graphs import MAP_CONFIGS, random_graph

from celosia.compiler import compile
from celosia.driver.frames import pad_records, padded, request, unpad_records
from celosia.model import LinkModel, load
from celosia.model.program import decode
from celosia.network.graph import Graph
from celosia.network.layers import Convolution
from celosia.numerics.quant import Quant
from celosia.spec import INPUT_LAYOUT, TRAILER, InferFlag, Memory, Opcode, Status, memories
from celosia.support.errors import CelosiaError

CONFIG = MAP_CONFIGS["4x12-lanes4"]


def loaded(image, rng: np.random.Generator) -> LinkModel:
    """With rows full of garbage."""
    model, source = LinkModel(image.config), load(image)
    shape = model.memories.activations.shape
    model.memories.activations[:] = rng.integers(0, 256, shape)
    for memory in memories(image.config):
        if memory is not Memory.ACTIVATIONS:
            model.memories.write(memory, 0, source.records(memory))
    return model


def infer(model: LinkModel, image, x: np.ndarray, **change) -> tuple[Status, np.ndarray]:
    """Status and result words of a run on ``x``."""
    config, words = image.config, image.pack_input(x)
    records = words.transpose(1, 0, 2).reshape(-1, config.lanes)
    arg = len(words) - 1 | (InferFlag.STRIPES if image.stripes else 0)
    fields = {"arg": arg, "count": words.shape[1], "address": 0} | change
    payload = pad_records(records, config.link_bytes)
    reply = model.respond(request(config.link_bytes, Opcode.INFER, **fields, payload=payload))
    trailer = TRAILER.unpack(reply[-padded(TRAILER.size, config.link_bytes) :])
    body = reply[: -padded(TRAILER.size, config.link_bytes)]
    return Status(trailer["status"]), unpad_records(body, config.lanes, config.link_bytes)


@pytest.mark.parametrize("goal", ["throughput", "latency"])
@pytest.mark.parametrize("name", MAP_CONFIGS)
def test_runs_in_rows_full_of_garbage(name, goal):
    config = MAP_CONFIGS[name]
    for seed in range(6):
        rng = np.random.default_rng([seed, config.rows, config.lanes])
        graph = random_graph(rng)
        image = compile(graph, config, seed % 2 == 0, goal)
        model = loaded(image, rng)
        for _ in range(3):  # both banks
            images = int(rng.integers(1, image.batch + 1))
            x = rng.integers(-128, 128, (images, int(np.prod(graph.shapes[0])))).astype(np.int8)
            status, words = infer(model, image, x)
            assert status is Status.OK and len(words) == image.result_words(images)
            expected = graph.evaluate(x)
            emitted = [i for i, layer in enumerate(image.model.layers) if layer.emitted]
            found = image.unpack_results(words[None], images)
            for y, index in zip(found, emitted, strict=True):
                assert (y == expected[index]).all(), f"{seed=} {name} {graph.layers[index].name}"
        assert model.bank == 1


def pointwise(rng: np.random.Generator, channels: int = 4, size: tuple[int, int] = (3, 2)) -> Graph:
    """A convolution of 1 x 1 from ``channels`` to 13 channels."""
    weights = rng.integers(-128, 128, (13, 1, 1, channels)).astype(np.int8)
    one = {"bias": np.zeros(13, np.int32), "shift": np.full(13, -9)}
    return Graph(
        "pointwise",
        (
            Convolution(
                "conv",
                weights,
                input=Quant(1.0, -128),
                output=Quant(1.0, 0),
                input_shape=(*size, channels),
                output_size=size,
                multiplier=np.full(13, 1 << 30),
                **one,
            ),
        ),
    )


def test_counters_and_skipping():
    """A byte is skipped where it is 0 in all images; a tile with none left multiplies one."""
    rng = np.random.default_rng(3)
    image = compile(pointwise(rng), CONFIG)
    assert not image.stripes and image.descriptors()[0]["skip"]
    x = np.full((2, 6, 4), -128, np.int8)
    x[0, 0] = [1, -128, 2, -128]
    x[1, 0] = [-128, -128, 3, 4]
    x[1, 5, 3] = 9
    model = loaded(image, rng)
    infer(model, image, x.reshape(2, -1))
    # 13 channels are two tiles; 3 bytes of pixel 0, one of 5, and one for each of the others.
    assert model.counters == {"issued": 2 * (3 + 1 + 4), "skipped": 2 * (24 - 3 - 1), "images": 2}
    model = loaded(image, rng)
    infer(model, image, x.reshape(2, -1), arg=1 | InferFlag.NO_SKIP)
    assert model.counters == {"issued": 48, "skipped": 0, "images": 2}


def test_stripes_never_skip():
    rng = np.random.default_rng(3)
    image = compile(pointwise(rng), CONFIG, goal="latency")
    model = loaded(image, rng)
    infer(model, image, np.full((1, 24), -128, np.int8))
    # 6 pixels on 4 rows are 2 steps.
    assert model.counters == {"issued": 2 * 2 * 4, "skipped": 0, "images": 1}


def test_refusals_of_stripes():
    rng = np.random.default_rng(5)
    image = compile(pointwise(rng), CONFIG, goal="latency")
    x = np.zeros((1, 24), np.int8)
    model = loaded(image, rng)
    assert infer(model, image, x, arg=InferFlag.STRIPES | 1)[0] is Status.TOO_MANY_IMAGES
    assert infer(model, image, x, count=0)[0] is Status.EMPTY
    assert infer(model, image, x, count=7)[0] is Status.TRUNCATED
    assert infer(model, image, x, count=5)[0] is Status.OVERLONG
    assert infer(model, image, x, address=CONFIG.program_depth)[0] is Status.OUT_OF_RANGE
    assert model.bank == 0 and model.counters["images"] == 0
    for length, status in (
        (CONFIG.act_depth // 2, Status.OK),
        (CONFIG.act_depth // 2 + 1, Status.OUT_OF_RANGE),
    ):
        layout = INPUT_LAYOUT.pack(**image.input_layout | {"length": length})
        model.memories.write(Memory.LAYOUT, 0, np.frombuffer(layout, np.uint8)[None])
        assert infer(model, image, x)[0] is status


def test_input_is_stored_in_ranges():
    rng = np.random.default_rng(5)
    image = compile(pointwise(rng), CONFIG, goal="latency")
    model = loaded(image, rng)
    before = model.memories.activations.copy()
    layout = {"row_words": 2, "halo": 1, "length": 3}
    record = np.frombuffer(INPUT_LAYOUT.pack(**layout), np.uint8)[None]
    model.memories.write(Memory.LAYOUT, 0, record)
    x = rng.integers(-128, 128, (1, 24)).astype(np.int8)
    words = image.pack_input(x)[0]
    infer(model, image, x)
    act = model.memories.activations.reshape(CONFIG.rows, -1, CONFIG.lanes)
    for row in range(CONFIG.rows):
        for local in range(3):
            word = row * 2 - 1 + local
            inside = 0 <= word < 6
            old = before.reshape(act.shape)[row, local]
            assert (act[row, local] == (words[word] if inside else old)).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"start": 4 * 16000}, "reads activation word 160.. of"),
        ({"dst": CONFIG.act_depth - 1, "store": 1}, "writes activation word"),
        ({"dst": 0, "store": 1, "length": 40, "row_words": 40}, "overwrites its input in use"),
        ({"weights": CONFIG.weight_depth - 1}, "reads weight words"),
        ({"params": CONFIG.param_depth - 1}, "reads parameter words"),
    ],
)
def test_undefined_programs(change, message):
    from dataclasses import replace

    from celosia.spec import pack_descriptor

    rng = np.random.default_rng(5)
    shallow = replace(CONFIG, act_depth=1 << 13)
    image = compile(pointwise(rng), shallow)
    model = loaded(image, rng)
    fields = image.descriptors()[0] | {"length": 40, "row_words": 40} | change
    if "dst" in change and change["dst"]:
        fields["dst"] = shallow.act_depth - 1
    packed = np.frombuffer(pack_descriptor(**fields), np.uint8)
    model.memories.write(Memory.PROGRAM, 0, packed[None])
    with pytest.raises(CelosiaError, match=f"the program {message}"):
        program = decode(model.memories, 0)
        program.run(model.memories.activations[None], 0, 1)
