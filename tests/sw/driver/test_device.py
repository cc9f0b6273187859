"""The driver over the golden model: the RTL runs the same driver in `tests/sw/driver/rtl`."""

from dataclasses import replace

import numpy as np
import pytest
from tests.helpers.networks import CONFIGS, images, network
from tests.helpers.random_graphs import MAP_CONFIGS, map_config

from celosia import driver
from celosia.compiler import compile
from celosia.driver import device as device_module
from celosia.driver.device import Device
from celosia.driver.frames import pad_records, response, unpad_records
from celosia.driver.golden import GoldenTransport
from celosia.model import evaluate
from celosia.network.graph import Graph
from celosia.network.host_steps import HostSteps
from celosia.network.layers import Mean
from celosia.network.network import Network
from celosia.network.steps import Dequantize, FloatSoftmax, Requantize
from celosia.numerics.quant import Quant
from celosia.spec import DESCRIPTOR, IDENTITY, TRAILER, Config, Memory, Opcode, Status
from celosia.spec.link import VERSION
from celosia.support.errors import CelosiaError, Unsupported


def same(device, graph, x, note, **options):
    for index, (y, want) in enumerate(
        zip(device.run_layers(x, **options), evaluate(graph, x), strict=True)
    ):
        bad = np.argwhere(y != want)
        assert not len(bad), f"{note} layer {index}: first difference at {bad[0]}"


#: Perceptrons on engines for dense layers and on those for maps.
ALL_CONFIGS = CONFIGS | {f"{name}-maps": each for name, each in MAP_CONFIGS.items()}


@pytest.mark.parametrize("name", ALL_CONFIGS)
@pytest.mark.parametrize("seed", range(6))
def test_random_networks(name, seed):
    config = ALL_CONFIGS[name]
    rng = np.random.default_rng(2000 + seed)
    widths = rng.integers(1, 301, rng.integers(2, 8)).tolist()
    graph = network(rng, widths)
    x = images(rng, graph, int(rng.integers(1, 3 * max(config.rows, 16) + 2)))
    note = f"seed={2000 + seed} widths={widths} images={len(x)}"
    with driver.open("golden", config) as device:
        device.load(compile(graph, config, emit_all=True))
        same(device, graph, x, note)
        same(device, graph, x, note, skip=False)
        same(device, graph, x, note, batch=1)
        device.load(compile(graph, config))
        y = device.run(x)
        assert y.dtype == np.int8 and (y == evaluate(graph, x)[-1]).all(), note


GRAPH = network(np.random.default_rng(9), [10, 7, 3])
CONFIG = CONFIGS["3x5"]
IMAGE = compile(GRAPH, CONFIG)


class Recorder(GoldenTransport):
    """Counts frames, claims 10 cycles an exchange, and can spoil responses."""

    def __init__(self, config, spoil=None):
        super().__init__(config)
        self.exchanges, self.cycles, self.spoil, self.closed = [], 10, spoil, False

    def stream(self, frames):
        self.exchanges.append(len(frames))
        replies = [reply for part in super().stream(frames) for reply in part]
        yield self.spoil(replies) if self.spoil else replies

    def close(self):
        self.closed = True


def ready(**options) -> tuple[Device, Recorder]:
    transport = Recorder(CONFIG)
    device = Device(transport)
    device.load(IMAGE)
    transport.exchanges.clear()
    return device, transport


@pytest.mark.parametrize(("limit", "exchanges"), [(1 << 28, [258]), (250 * 36, [250, 8])])
def test_one_exchange_unless_memory_asks_for_more(monkeypatch, limit, exchanges):
    # Two words of 5 bytes, padded to 6, for each of 3 images are 36 bytes a frame.
    monkeypatch.setattr(device_module, "EXCHANGE_BYTES", limit)
    device, transport = ready()
    rng = np.random.default_rng(1)
    x = images(rng, GRAPH, 772)
    seen = []
    y = device.run(x, progress=lambda *args: seen.append(args))
    assert (y == evaluate(GRAPH, x)[-1]).all()
    assert transport.exchanges == exchanges and device.cycles == 10 * len(exchanges)
    assert seen[-1] == ("running", 772, 772) and len(seen) == len(exchanges)
    assert device.counters(clear=True)["images"] == 772
    assert device.counters()["images"] == 0


def test_blocks_come_as_they_are_computed():
    device = Device(GoldenTransport(CONFIG))
    device.load(IMAGE)
    x = images(np.random.default_rng(1), GRAPH, 7)
    want = evaluate(GRAPH, x)[-1]
    blocks = [(start, *outputs) for start, outputs in device.stream(x)]
    assert [(start, len(y)) for start, y in blocks] == [(0, 3), (3, 3), (6, 1)]
    assert (np.concatenate([y for _, y in blocks]) == want).all()


def test_no_images():
    device, transport = ready()
    assert device.run(np.zeros((0, 10), np.int8)).shape == (0, 3)
    assert transport.exchanges == [] and device.cycles is None


def test_golden_has_no_cycles():
    device = driver.open("golden", CONFIG)
    device.load(IMAGE)
    device.run(np.zeros((4, 10), np.int8))
    assert device.cycles is None


@pytest.mark.parametrize("batch", [0, 4, -1])
def test_bad_batch(batch):
    with pytest.raises(CelosiaError, match=f"batch = {batch} is outside 1..3"):
        ready()[0].run(np.zeros((1, 10), np.int8), batch=batch)


def test_bad_input():
    device, _ = ready()
    with pytest.raises(CelosiaError, match=r"random: input is \[1, 11\], not \[n, 10\]"):
        device.run(np.zeros((1, 11), np.int8))
    with pytest.raises(CelosiaError, match="input is uint8, neither int8 nor float"):
        device.run(np.zeros((1, 10), np.uint8))
    with pytest.raises(CelosiaError, match=r"inf at \[0, 3\]"):
        device.run([[0, 1, 2, float("inf"), *[0] * 6]])
    for x in (np.zeros((1, 10)), np.zeros((1, 2, 5), np.int8)):
        with pytest.raises(CelosiaError, match=r"not int8 \[images, 10\]"):
            device.run_layers(x)


def test_a_bare_graph_takes_floats_too():
    device, _ = ready()
    q = images(np.random.default_rng(4), GRAPH, 6)
    real = GRAPH.input.dequantize(q)
    for x in (q, real, real.astype(np.float64).reshape(6, 5, 2), real.tolist()):
        y = device.run(x)
        assert y.dtype == np.int8 and (y == evaluate(GRAPH, q)[-1]).all()


def test_a_model_takes_its_own_inputs_and_gives_its_own_results():
    """uint8 pictures in, float columns out; `run_layers` stays with the engine's bytes."""
    host = HostSteps(
        pre=(Requantize(Quant(0.5, 7), GRAPH.input, "uint8"),),
        post=(Dequantize(GRAPH.output), FloatSoftmax()),
        input_shape=(5, 2),
        input_dtype="uint8",
        output_shape=(3, 1),
        output_dtype="float32",
    )
    network_ = Network(GRAPH, host)
    device = Device(GoldenTransport(CONFIG))
    device.load(compile(network_, CONFIG))
    x = np.random.default_rng(4).integers(0, 256, (7, 5, 2)).astype(np.uint8)
    q = network_.prepare(x)
    y = device.run(x)
    assert (y.shape, y.dtype) == ((7, 3, 1), np.float32)
    assert (y == network_.finish(evaluate(GRAPH, q)[-1])).all()
    assert (device.run_layers(q)[-1] == evaluate(GRAPH, q)[-1]).all()
    assert device.run(x[:0]).shape == (0, 3, 1)
    with pytest.raises(CelosiaError, match="random: input is int8, not uint8"):
        device.run(q)


def test_nothing_loaded():
    with pytest.raises(CelosiaError, match="no program is loaded; load an image first"):
        driver.open("golden", CONFIG).run(np.zeros((1, 10), np.int8))


def test_image_for_another_engine():
    device = driver.open("golden", replace(CONFIG, rows=2, tables=7))
    expected = (
        r"random: compiled for a 3x5 \(tables 4\) engine, this one is 2x5 \(tables 7\); compile"
    )
    with pytest.raises(CelosiaError, match=expected):
        device.load(IMAGE)


@pytest.mark.parametrize(
    ("lacks", "option"),
    [
        ({"depthwise": 0}, "--depthwise 1"),
        ({"depthwise": 0, "convolution": 0}, "--convolution 1 --depthwise 1"),
    ],
)
def test_an_engine_without_the_operation(lacks, option):
    whole = map_config(2, 4, 4, link_bytes=8)
    q = Quant(0.5, 3)
    image = compile(Graph("net", (Mean("mean", q, q, (3, 3, 4)),)), whole)
    device = driver.open("golden", replace(whole, **lacks))
    expected = "^net: descriptor 0 needs DEPTHWISE, an operation that this engine lacks; "
    with pytest.raises(Unsupported, match=f"{expected}choose an engine with {option}$"):
        device.load(image)
    assert device.image is None


def test_memories():
    device, _ = ready()
    weights = device.read(Memory.WEIGHTS, 0, len(IMAGE.records(Memory.WEIGHTS)))
    assert (weights == IMAGE.records(Memory.WEIGHTS)).all()
    device.write(Memory.TABLES, 5, np.array([[1], [2]], np.uint8))
    assert device.read(Memory.TABLES, 4, 4).tolist() == [[0], [1], [2], [0]]
    with pytest.raises(CelosiaError, match="READ: OUT_OF_RANGE: it lies outside the memory"):
        device.read(Memory.TABLES, 1023, 2)
    with pytest.raises(CelosiaError, match="WRITE: UNKNOWN_MEMORY"):
        device.write(Memory.ACTIVATIONS, 0, np.zeros((1, 5), np.uint8))
    with pytest.raises(CelosiaError, match=r"writing weights: int64 \[1, 5\] is not uint8"):
        device.write(Memory.WEIGHTS, 0, np.zeros((1, 5), np.int64))
    with pytest.raises(CelosiaError, match="READ: request.address = -1 is outside"):
        device.read(Memory.WEIGHTS, -1, 1)


def test_reset_keeps_the_program():
    device, _ = ready()
    device.reset()
    x = images(np.random.default_rng(0), GRAPH, 5)
    assert (device.run(x) == evaluate(GRAPH, x)[-1]).all()


def test_spoilt_program():
    device, _ = ready()
    device.write(Memory.PROGRAM, 1, np.zeros((1, DESCRIPTOR.size), np.uint8))
    with pytest.raises(CelosiaError, match=r"INFER: BAD_DESCRIPTOR: .* \(descriptor 1\)"):
        device.run(np.zeros((1, 10), np.int8))


def test_loading_reports_and_a_failed_load_leaves_nothing():
    device, transport = ready()
    seen = []
    device.load(IMAGE, progress=lambda *args: seen.append(args[0]))
    assert seen[0] == "loading weights" and len(set(seen)) >= 3
    transport.spoil = lambda replies: [Status.OUT_OF_RANGE.to_bytes() + r[1:] for r in replies]
    with pytest.raises(CelosiaError, match="OUT_OF_RANGE"):
        device.load(IMAGE)
    assert device.image is None


def test_context_closes():
    transport = Recorder(CONFIG)
    with Device(transport):
        pass
    assert transport.closed


def identity(**changes):
    """Spoils the first response, an identity."""

    def spoil(replies):
        fields = IDENTITY.unpack(replies[0]) | changes
        return [IDENTITY.pack(**fields) + replies[0][IDENTITY.size :]]

    return spoil


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (identity(magic=1), "no Celosia engine"),
        (identity(version=9), f"speaks link version 9, this driver {VERSION}"),
        (identity(rows=0), "impossible identity: rows = 0"),
        (identity(link_bytes=4), "4-byte link words, the transport 2"),
        (identity(ops=0), "impossible identity: ops = 0x0"),
        (lambda replies: [replies[0][IDENTITY.size :]], "an identity of 0 bytes"),
        (lambda replies: [b""], "0 bytes that are no response"),
        (lambda replies: [b"\xff" * 8], "8 bytes that are no response"),
        (lambda replies: [], "0 responses to 1 requests"),
    ],
)
def test_strange_engines(spoil, message):
    with pytest.raises(CelosiaError, match=message):
        Device(Recorder(CONFIG, spoil))


@pytest.mark.parametrize("cut", [2, 6])
def test_results_of_another_size(cut):
    device, transport = ready()
    transport.spoil = lambda replies: [reply[cut:] for reply in replies]
    with pytest.raises(CelosiaError, match="bytes of results are not those of 'random'"):
        device.run(np.zeros((1, 10), np.int8))


@pytest.mark.parametrize("status", [s for s in Status if s])
def test_every_status_has_a_message(status):
    frame = TRAILER.pack(status=status, opcode=Opcode.READ)
    with pytest.raises(CelosiaError, match=f"engine, READ: {status.name}: "):
        response(8, Opcode.READ, frame)


def test_truncated_header_is_answered_without_opcode():
    frame = TRAILER.pack(status=Status.TRUNCATED, opcode=0)
    with pytest.raises(CelosiaError, match="INFER: TRUNCATED: the request ended early"):
        response(8, Opcode.INFER, frame)


def test_out_of_step():
    frame = TRAILER.pack(status=Status.OK, opcode=Opcode.READ)
    with pytest.raises(CelosiaError, match="INFER: the response is to opcode 4; reset the link"):
        response(8, Opcode.INFER, frame)


@pytest.mark.parametrize("link_bytes", [1, 2, 4, 8, 16, 32])
@pytest.mark.parametrize("size", [1, 5, 16, 33])
def test_records_round_trip(size, link_bytes):
    records = np.random.default_rng(size).integers(0, 256, (3, size)).astype(np.uint8)
    payload = pad_records(records, link_bytes)
    assert len(payload) % link_bytes == 0
    assert (unpad_records(payload, size, link_bytes) == records).all()
    if link_bytes > 1:
        with pytest.raises(CelosiaError, match="are not records"):
            unpad_records(payload[:-1], size, link_bytes)


def test_unknown_transport():
    with pytest.raises(CelosiaError, match="no transport 'usb'; choose golden or rtl or serial"):
        driver.open("usb")
    assert driver.open().config == Config.default()
