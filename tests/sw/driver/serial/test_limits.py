"""What docs/serial.md says of the published models: bytes on the line, and what a rate allows."""

from pathlib import Path

import numpy as np
import pytest
from bench.engines import ENGINES

from celosia.compiler import compile
from celosia.driver.device import Device
from celosia.driver.frames import padded
from celosia.driver.serial.packets import pack
from celosia.importer.tflite import read_tflite
from celosia.model.link import LinkModel
from celosia.spec import TRAILER, Opcode
from celosia.spec.serial import Kind, max_words

TEXT = (Path(__file__).parents[4] / "docs" / "serial.md").read_text()
#: Rows of the table: a network, its file, and the engine of `bench/engines.py`.
ROWS = (
    ("KWS", "kws_ref_model", "ulx3s-85f 16x16 maps"),
    ("IC", "pretrainedResnet_quant", "ulx3s-85f 16x16 maps"),
    ("VWW", "vww_96_int8", "ulx3s-85f 16x16 maps"),
    ("KWS", "kws_ref_model", "tang-nano-20k 3x8 maps"),
)
#: Its rates, in million bits per second.
RATES = (1, 3, 12)
#: Bits of a byte on the line: a start bit, eight, a stop bit.
BITS = 10


class Recorder:
    """A `Transport` that keeps the frames of a run, whose results it answers with zeros."""

    cycles = None

    def __init__(self, config, words):
        self.model, self.link_bytes = LinkModel(config), config.link_bytes
        trailer = TRAILER.pack(opcode=Opcode.INFER)
        self.response = bytes(words * padded(config.lanes, self.link_bytes))
        self.response += trailer.ljust(padded(len(trailer), self.link_bytes), b"\0")

    def exchange(self, frames):
        return [self.model.respond(frame) for frame in frames]

    def stream(self, frames):
        self.requests = list(frames)
        yield [self.response] * len(self.requests)


def packets(kind, frames, link_bytes):
    """All bytes on the line of each packet of ``frames``: header, CRC, flags and escapes too."""
    size = max_words(link_bytes) * link_bytes
    pieces = [frame[at : at + size] for frame in frames for at in range(0, len(frame), size)]
    words = [len(piece) // link_bytes for piece in pieces]
    return [len(pack(kind, p, session=1, words=n)) for p, n in zip(pieces, words, strict=True)]


@pytest.mark.parametrize("name, file, engine", ROWS, ids=lambda value: value)
def test_the_table(name, file, engine, models_dir):
    config = next(each.config for each in ENGINES if each.name == engine)
    image = compile(read_tflite(models_dir / f"{file}.tflite"), config)
    samples = np.load(models_dir / "samples" / f"{file}.npy")
    # Whole batches that have every sample equally often.
    x = np.tile(samples, (image.batch, *[1] * (samples.ndim - 1)))
    transport = Recorder(config, image.result_words(image.batch))
    device = Device(transport)
    device.load(image)
    device.run(x)
    sent = packets(Kind.DATA, transport.requests, config.link_bytes)
    back = packets(Kind.REPLY, [transport.response] * len(transport.requests), config.link_bytes)
    # Every packet is answered: by one without words while there is no response.
    back += [len(pack(Kind.REPLY, session=1))] * (len(sent) - len(back))
    request = len(transport.requests[0]) / image.batch
    there = sum(sent) / len(x)
    rates = [f"{rate * 1e6 / BITS / there:,.{0 if there < 1e4 else 1}f}" for rate in RATES]
    figures = [f"{figure:,.0f}" for figure in (request, there, sum(back) / len(x))]
    row = f"| {' | '.join([name, engine, str(image.batch), *figures, *rates])} |"
    print(row)
    assert row in TEXT
