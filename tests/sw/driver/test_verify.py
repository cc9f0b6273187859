"""Memories compared with the program image by the engine's checksums, over the golden model."""

import zlib
from dataclasses import replace

import numpy as np
import pytest
from tests.helpers.networks import CONFIGS, images, network
from tests.helpers.random_graphs import MAP_CONFIGS, random_graph

from celosia.compiler import compile
from celosia.driver.device import Device
from celosia.driver.golden import GoldenTransport
from celosia.driver.parallel import run_parallel
from celosia.spec import Config, Memory, Opcode, record
from celosia.support.errors import CelosiaError, Unsupported

#: With an element table.
GRAPH = network(np.random.default_rng(10), [40, 7, 3])
#: One for dense layers, one for maps; the latter has a layout of inputs too.
ENGINES = {"3x5": CONFIGS["3x5"], "3x5-maps": MAP_CONFIGS["3x5"]}


def loaded(config: Config) -> Device:
    graph = random_graph(np.random.default_rng(4)) if config.convolution else GRAPH
    device = Device(GoldenTransport(config))
    device.load(compile(graph, config))
    return device


@pytest.mark.parametrize("name", ENGINES)
def test_a_flipped_bit_is_found_and_named(name):
    device, rng = loaded(ENGINES[name]), np.random.default_rng(5)
    image = device.image
    for memory, section in image.sections.items():
        shape = record(device.config, memory)
        contents = device.transport.model.memories.records(memory)
        assert section, memory
        for _ in range(5):
            index = int(rng.integers(len(section) // shape.size))
            byte, bit = int(rng.integers(shape.size)), 1 << int(rng.integers(8))
            contents[index, byte] ^= bit
            with pytest.raises(CelosiaError) as caught:
                device.verify()
            text = str(caught.value)
            assert text.startswith(f"engine, {shape.title}: record {index} differs from the"), text
            with pytest.raises(CelosiaError, match="no program is loaded"):
                device.verify()
            contents[index, byte] ^= bit
            device.image = image
            device.verify()
        # What lies behind the image is not its.
        if len(section) < shape.size * shape.depth:
            contents[-1] ^= 255
            device.verify()


def test_two_bits_and_exchanged_records_are_found():
    device, rng = loaded(CONFIGS["3x5"]), np.random.default_rng(6)
    image, weights = device.image, device.transport.model.memories.records(Memory.WEIGHTS)
    before = weights.copy()
    count = len(image.records(Memory.WEIGHTS))
    for trial in range(60):
        first, second = rng.choice(count, 2, replace=False)
        if trial % 2:
            weights[[first, second]] = weights[[second, first]]
            if (weights == before).all():
                continue
        else:
            weights[first, rng.integers(5)] ^= 1 << rng.integers(8)
            weights[second, rng.integers(5)] ^= 1 << rng.integers(8)
        with pytest.raises(CelosiaError, match=f"weights: record {min(first, second)} differs"):
            device.verify()
        weights[:] = before
        device.image = image


def test_what_the_engine_does_not_store_is_not_compared():
    """Bits of padding, which an image from elsewhere may have set."""
    config = CONFIGS["3x5"]
    image = compile(GRAPH, config)
    params = np.array(image.records(Memory.PARAMS))
    params[:, -1] |= 0x80
    image = replace(image, sections=image.sections | {Memory.PARAMS: params.tobytes()})
    device = Device(GoldenTransport(config))
    device.load(image)
    device.verify()


def test_loading_is_verified():
    class Faulty(GoldenTransport):
        """Stores one byte of the parameters wrongly."""

        def stream(self, frames):
            for frame in frames:
                reply = self.model.respond(frame)
                if frame[:2] == bytes([Opcode.WRITE, Memory.PARAMS]):
                    self.model.memories.params[1, 2] ^= 4
                yield [reply]

    device = Device(Faulty(CONFIGS["3x5"]))
    with pytest.raises(CelosiaError, match="engine, parameters: record 1 differs .* load the"):
        device.load(compile(GRAPH, device.config))
    assert device.image is None


def test_large_memories_are_summed_up_in_parts():
    """A slow engine would else be silent for so long that it seems to hang."""
    config = CONFIGS["16x16"]
    graph = network(np.random.default_rng(1), [784, 128, 10])
    asked = []

    class Recorder(GoldenTransport):
        def stream(self, frames):
            asked.extend(frame for frame in frames if frame[0] == Opcode.CHECKSUM)
            yield from super().stream(frames)

    device = Device(Recorder(config))
    device.load(compile(graph, config))
    weights = [frame for frame in asked if frame[1] == Memory.WEIGHTS]
    assert len(weights) == 2
    steps = []
    device.verify(lambda text, done, total: steps.append(text))
    assert "verifying weights" in steps


def test_an_engine_without_checksums_says_so():
    config = replace(CONFIGS["3x5"], checksum=0)
    device = loaded(config)
    with pytest.raises(Unsupported, match="cannot be verified: this engine has no checksums; .*-"):
        device.verify()
    assert device.image is not None
    with pytest.raises(CelosiaError, match="UNKNOWN_OPCODE"):
        device._command(Opcode.CHECKSUM, Memory.WEIGHTS, 0, 1)


@pytest.mark.parametrize("has", [0, 1])
def test_images_run_with_checksums_and_without(has):
    image = compile(GRAPH, replace(CONFIGS["3x5"], checksum=has))
    device = Device(GoldenTransport(replace(CONFIGS["3x5"], checksum=1 - has)))
    device.load(image)
    x = images(np.random.default_rng(1), GRAPH, 4)
    assert (device.run(x) == Device.run(loaded(CONFIGS["3x5"]), x)).all()


def test_a_checksum_is_that_of_what_is_read():
    device = loaded(CONFIGS["4x12-lanes4"])
    weights = device.read(Memory.WEIGHTS, 3, 9)
    # Records of 12 bytes in words of 8.
    padded = np.pad(weights, ((0, 0), (0, 4))).tobytes()
    assert device.checksum(Memory.WEIGHTS, 3, 9) == zlib.crc32(padded)
    with pytest.raises(CelosiaError, match="OUT_OF_RANGE"):
        device.checksum(Memory.WEIGHTS, device.config.weight_depth, 1)


class _Failing(GoldenTransport):
    """A bit of its weights flips while it runs."""

    def stream(self, frames):
        for replies in super().stream(frames):
            if frames[0][0] == Opcode.INFER:
                self.model.memories.weights[0, 0] ^= 1
            yield replies


def test_a_run_is_verified_at_its_end():
    image, x = compile(GRAPH, CONFIGS["3x5"]), images(np.random.default_rng(1), GRAPH, 3)

    def run(transport: type, config: Config, verify: bool = True):
        return run_parallel(lambda: Device(transport(config)), image, x, verify=verify).verified

    assert run(GoldenTransport, image.config) is True
    assert run(GoldenTransport, replace(image.config, checksum=0)) is False
    assert run(_Failing, image.config, verify=False) is None
    with pytest.raises(CelosiaError, match="weights: record 0 differs .*after 3 of 3 images"):
        run(_Failing, image.config)
