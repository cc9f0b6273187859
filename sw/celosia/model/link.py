"""The whole engine as seen over its link: request frames in, response frames out."""

import zlib
from functools import partial

import numpy as np

from celosia.ops import OPERATIONS
from celosia.spec import (
    CHECKSUM,
    COUNTERS,
    INPUT_LAYOUT,
    REQUEST,
    TRAILER,
    Config,
    InferFlag,
    Memory,
    Opcode,
    Status,
    identity,
    memories,
    record,
    round_up,
)

from .map_inputs import store_input
from .map_layer import Fed, MapLayer
from .map_program import MapProgram
from .memories import Memories
from .program import Layer, Program, decode

__all__ = ["LinkModel"]


class LinkModel:
    """Executes the link protocol; every response is byte for byte the engine's.

    A request is checked in this order, and the first failure is the answer: header complete,
    opcode, (WRITE, READ, CHECKSUM) memory, count, range, (INFER) images, count, range, then the
    length of the payload. Two things are left open, as the host cannot tell them apart from timing:
    the counters other than `issued`, `skipped` and `images` stay 0 here, and rows beyond the images
    asked for keep their activations. Runs end at once, so RESET never finds one in flight.

    The input of INFER goes to bank 0 or 1 at activation word ``bank * count``; the bank changes
    after every INFER that ran, and RESET returns to bank 0. An INFER refused for its payload has
    stored the words that came. With `InferFlag.STRIPES` a bank has as many words as the input
    layout says a row keeps, and the images must be 1. Without, of engines with convolution, what
    is undefined here is an input of more than ``2**16 / rows`` words: numbers of words repeat then.

    Parameters
    ----------
    config : shape of the engine.
    """

    def __init__(self, config: Config):
        self.config = config
        self.memories = Memories(config)
        self.bank = 0
        self.counters = {"issued": 0, "skipped": 0, "images": 0}
        self._programs: dict[int, Program | MapProgram] = {}
        self._header = _padded(REQUEST.size, config.link_bytes)

    def respond(self, frame: bytes) -> bytes:
        """The response frame to the request ``frame``, padding included.

        Raises
        ------
        ValueError : ``frame`` is empty or not whole link words, which no link can carry.
        CelosiaError : the program leaves the memories (`program.decode`); nothing is defined then.
        """
        if not frame or len(frame) % self.config.link_bytes:
            raise ValueError(f"{len(frame)} bytes are not words of {self.config.link_bytes}")
        if len(frame) < self._header:
            return self._trailer(Status.TRUNCATED, 0)
        request, payload = REQUEST.unpack(frame), memoryview(frame)[self._header :]
        opcode = request["opcode"]
        if opcode not in tuple(Opcode) or (opcode == Opcode.CHECKSUM and not self.config.checksum):
            return self._trailer(Status.UNKNOWN_OPCODE, opcode)
        if opcode in (Opcode.WRITE, Opcode.READ, Opcode.CHECKSUM):
            return self._access(request, payload)
        if opcode == Opcode.INFER:
            return self._infer(request, payload)
        if payload:
            return self._trailer(Status.OVERLONG, opcode)
        if opcode == Opcode.IDENTIFY:
            return self._pad(identity(self.config)) + self._trailer(Status.OK, opcode)
        if opcode == Opcode.COUNTERS:
            response = self._pad(COUNTERS.pack(**self.counters))
            if request["arg"] & 1:
                self.counters = dict.fromkeys(self.counters, 0)
            return response + self._trailer(Status.OK, opcode)
        self.bank = 0
        return self._trailer(Status.OK, opcode)

    def _access(self, request: dict[str, int], payload: memoryview) -> bytes:
        opcode, address, count = request["opcode"], request["address"], request["count"]
        if request["arg"] not in memories(self.config):
            return self._trailer(Status.UNKNOWN_MEMORY, opcode)
        memory = Memory(request["arg"])
        shape = record(self.config, memory)
        if opcode == Opcode.WRITE and not shape.writable:
            return self._trailer(Status.UNKNOWN_MEMORY, opcode)
        if count == 0:
            return self._trailer(Status.EMPTY, opcode)
        if address + count > shape.depth:
            return self._trailer(Status.OUT_OF_RANGE, opcode)
        if opcode != Opcode.WRITE:
            if payload:
                return self._trailer(Status.OVERLONG, opcode)
            response = self._pad_records(self.memories.records(memory)[address : address + count])
            if opcode == Opcode.CHECKSUM:
                response = self._pad(CHECKSUM.pack(crc32=zlib.crc32(response)))
            return response + self._trailer(Status.OK, opcode, count=count)
        records, status = self._receive(payload, count, shape.size)
        self.memories.write(memory, address, records)
        self._programs.clear()
        return self._trailer(status, opcode, count=len(records))

    def _infer(self, request: dict[str, int], payload: memoryview) -> bytes:
        config, opcode = self.config, Opcode.INFER
        address, words = request["address"], request["count"]
        images = (request["arg"] & InferFlag.IMAGES_MASK) + 1
        layout = self._stripes(request)
        if images > (1 if layout else config.rows):
            return self._trailer(Status.TOO_MANY_IMAGES, opcode)
        if words == 0:
            return self._trailer(Status.EMPTY, opcode)
        bank = layout["length"] if layout else words
        if 2 * bank > config.act_depth or address >= config.program_depth:
            return self._trailer(Status.OUT_OF_RANGE, opcode)
        received, status = self._receive(payload, words * images, config.lanes)
        base = self.bank * bank
        act = self.memories.activations.reshape(config.rows, config.act_depth, config.lanes)
        if layout:
            store_input(act[None], received[None], layout, base)
        elif status == Status.OK:
            act[:images, base : base + words] = _rows(received, images)
        else:
            for index, word in enumerate(received):
                act[index % images, base + index // images] = word
        if status != Status.OK:
            return self._trailer(status, opcode)
        if address not in self._programs:
            self._programs[address] = decode(self.memories, address)
        program = self._programs[address]
        self.bank ^= 1
        # Only a program that reaches its end has computed its images.
        self.counters["images"] += images if program.status == Status.OK else 0
        skip = not request["arg"] & InferFlag.NO_SKIP
        records = self._run(program, base, images, skip)
        count = sum(map(len, records)) if program.status == Status.OK else 0
        response = b"".join(map(self._pad_records, records))
        return response + self._trailer(program.status, opcode, program.info, count)

    def _stripes(self, request: dict[str, int]) -> dict[str, int] | None:
        """The input layout if the rows are to share one image."""
        if not self.config.convolution or not request["arg"] & InferFlag.STRIPES:
            return None
        return INPUT_LAYOUT.unpack(self.memories.layout.tobytes())

    def _run(
        self, program: Program | MapProgram, base: int, images: int, skip: bool
    ) -> list[np.ndarray]:
        """uint8 [words, lanes] of each layer that emits, in link order."""
        act = self.memories.activations
        if isinstance(program, Program):
            trace = partial(self._count, skip=skip)
            return [_words(y, self.config.lanes) for y in program.run(act[:images], base, trace)]

        def count(layer: MapLayer, fed: Fed) -> None:
            self._add(*fed.issues(skip))

        return [words[0] for words in program.run(act[None], base, images, count)]

    def _count(self, layer: Layer, u: np.ndarray, skip: bool) -> None:
        d = layer.descriptor
        self._add(*OPERATIONS[d["op"]].issues(d, u, skip))

    def _add(self, issued: int, skipped: int) -> None:
        self.counters["issued"] += issued
        self.counters["skipped"] += skipped

    def _receive(self, payload: memoryview, count: int, size: int) -> tuple[np.ndarray, Status]:
        """The whole records among the first ``count`` of ``payload``, and how its length fits."""
        step = _padded(size, self.config.link_bytes)
        whole = min(count, len(payload) // step)
        records = np.frombuffer(payload[: whole * step], np.uint8).reshape(whole, step)[:, :size]
        if len(payload) < count * step:
            return records, Status.TRUNCATED
        return records, Status.OK if len(payload) == count * step else Status.OVERLONG

    def _trailer(self, status: Status, opcode: int, info: int = 0, count: int = 0) -> bytes:
        return self._pad(TRAILER.pack(status=status, opcode=opcode, info=info, count=count))

    def _pad(self, data: bytes) -> bytes:
        return data.ljust(_padded(len(data), self.config.link_bytes), b"\0")

    def _pad_records(self, records: np.ndarray) -> bytes:
        count, size = records.shape
        padded = np.zeros((count, _padded(size, self.config.link_bytes)), np.uint8)
        padded[:, :size] = records
        return padded.tobytes()


def _padded(size: int, link_bytes: int) -> int:
    return round_up(size, link_bytes)


def _rows(received: np.ndarray, images: int) -> np.ndarray:
    """[words * images, lanes] in link order, one word of every image after the other, by image."""
    return received.reshape(-1, images, received.shape[1]).transpose(1, 0, 2)


def _words(y: np.ndarray, lanes: int) -> np.ndarray:
    """[images, C] in link order: uint8 [words * images, lanes]."""
    return y.reshape(len(y), -1, lanes).transpose(1, 0, 2).reshape(-1, lanes)
