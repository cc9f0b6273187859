"""Program images: everything an engine needs to run one model, as one checked file.

A `.celosia` file is, little endian: `MAGIC`, version (u32), size of the whole file (u64), then
sections, each its size (u64) and its bytes: configuration and model as JSON, and the records of
weights, parameters, program and tables, and of engines with convolution the input layout; last the
SHA-256 of everything before it. It is data only: loading one executes nothing.
"""

import hashlib
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from celosia.spec import (
    INPUT_LAYOUT,
    Config,
    Memory,
    memories,
    record,
    unpack_descriptor,
    violations,
)
from celosia.support.errors import CelosiaError
from celosia.support.files import atomic_write, read

from .metadata import ModelInfo
from .program_check import check_dense, check_maps
from .transfer import dense_results, input_words, map_results, result_words

__all__ = ["MAGIC", "SUFFIX", "VERSION", "Image"]

SUFFIX = ".celosia"
#: The control characters catch files mangled as text on their way.
MAGIC = b"\x93CELO\r\n\x1a"
#: Version of the file format, of descriptors and of parameters together.
VERSION = 8
_HEADER = struct.Struct("<8sIQ")
_SIZE = struct.Struct("<Q")
_DIGEST = hashlib.sha256().digest_size
_TODO = "compile the model again"


@dataclass(frozen=True, eq=False)
class Image:
    """A compiled model.

    Parameters
    ----------
    config : the engine it was compiled for; it `runs_on` no other.
    model : names, shapes and quantization.
    sections : for each writable memory, its records from address 0 on, without link padding.

    Raises
    ------
    ValueError
        when a section is not whole records, exceeds its memory, or when program and model
        disagree.
    """

    config: Config
    model: ModelInfo
    sections: dict[Memory, bytes]

    def __post_init__(self) -> None:
        for memory in _written(self.config):
            shape, size = record(self.config, memory), len(self.sections[memory])
            if size % shape.size:
                raise ValueError(f"{shape.title}: {size} bytes are not records of {shape.size}")
            if size > shape.size * shape.depth:
                raise ValueError(
                    f"{shape.title}: {size // shape.size} records exceed the memory's {shape.depth}"
                )
        self._check_program()

    def runs_on(self, config: Config) -> bool:
        """Whether an engine of shape ``config`` runs it: the one it was compiled for, with or
        without checksums."""
        return replace(self.config, checksum=config.checksum) == config

    @property
    def input_words(self) -> int:
        """Activation words of the inputs of one row, or of all rows if they share an image."""
        if self.model.packed:
            return self.config.words(self.model.inputs)
        height, width, channels = self.model.shape
        return self.model.images_per_row * height * width * self.config.words(channels)

    @cached_property
    def stripes(self) -> bool:
        """Whether rows share one image; else each computes an image of its own."""
        return bool(self.config.convolution) and not self.descriptors()[0]["images"]

    @property
    def batch(self) -> int:
        """Images that are computed together, at most."""
        return 1 if self.stripes else self.config.rows * self.model.images_per_row

    @property
    def input_layout(self) -> dict[str, int]:
        """`INPUT_LAYOUT`; of an image for dense layers only what it would be."""
        if self.config.convolution:
            return INPUT_LAYOUT.unpack(self.sections[Memory.LAYOUT])
        words = self.input_words
        return {"row_words": words, "halo": 0, "length": words}

    def pack_input(self, x: np.ndarray) -> np.ndarray:
        """uint8 [rows, input_words, lanes] of int8 ``x`` [images, inputs], one word after the other
        of each row's `ModelInfo.images_per_row` images; those of the last row that are missing are
        0."""
        return input_words(self.model, self.config, x)

    def result_words(self, images: int) -> int:
        """Activation words in the response to a run of ``images``."""
        return result_words(self.model, self.descriptors(), self.config, images)

    def unpack_results(self, words: np.ndarray, images: int) -> list[np.ndarray]:
        """The emitted layers of runs.

        Parameters
        ----------
        words : uint8 [runs, N, lanes], the response of each run, of ``images`` images.

        Returns
        -------
        One int8 [runs * images, outputs] for each of `ModelInfo.emitted`.
        """
        if self.config.convolution:
            return map_results(self.model, self.descriptors(), self.config, words, images)
        return dense_results(self.model, self.config, words, images)

    def records(self, memory: Memory) -> np.ndarray:
        """uint8 [count, size], the records of ``memory``."""
        size = record(self.config, memory).size
        return np.frombuffer(self.sections[memory], np.uint8).reshape(-1, size)

    def descriptors(self) -> list[dict[str, int]]:
        """The program, one descriptor a layer."""
        return [unpack_descriptor(row.tobytes()) for row in self.records(Memory.PROGRAM)]

    def check_input(self, x: np.ndarray) -> np.ndarray:
        """``x`` as an array; CelosiaError unless it is int8 [images, inputs]."""
        x, inputs = np.asarray(x), self.model.inputs
        if x.dtype != np.int8 or x.ndim != 2 or x.shape[1] != inputs:
            shape = list(x.shape)
            raise CelosiaError(
                f"the input is {x.dtype} {shape}, not int8 [images, {inputs}]",
                where=self.model.name,
                todo="quantize it with the model's input scale",
            )
        return x

    def to_bytes(self) -> bytes:
        """The file."""
        documents = [self.config.to_dict(), self.model.to_dict()]
        parts = [json.dumps(each, allow_nan=False).encode() for each in documents]
        parts += [self.sections[memory] for memory in _written(self.config)]
        body = b"".join(_SIZE.pack(len(part)) + part for part in parts)
        size = _HEADER.size + len(body) + _DIGEST
        data = _HEADER.pack(MAGIC, VERSION, size) + body
        return data + hashlib.sha256(data).digest()

    def save(self, path: Path | str) -> None:
        """Write the file, whole or not at all (`atomic_write`)."""
        atomic_write(path, self.to_bytes())

    @classmethod
    def load(cls, path: Path | str) -> "Image":
        """Read and check a file.

        Raises
        ------
        CelosiaError : it cannot be read or `from_bytes` refuses it.
        """
        return cls.from_bytes(read(path), where=str(path))

    @classmethod
    def from_bytes(cls, data: bytes, where: str = "program image") -> "Image":
        """The inverse of `to_bytes`.

        Raises
        ------
        CelosiaError
            naming ``where``: a foreign, newer, truncated, overlong or corrupt file, or one whose
            parts contradict each other.
        """

        def refuse(what: str, todo: str = _TODO) -> CelosiaError:
            return CelosiaError(what, where=where, todo=todo)

        if data[: len(MAGIC)] != MAGIC[: len(data)] or not data:
            raise refuse("not a Celosia program image", f"give a {SUFFIX} file")
        if len(data) < _HEADER.size:
            raise refuse(f"truncated: only {len(data)} bytes")
        _, version, size = _HEADER.unpack_from(data)
        if version != VERSION:
            raise refuse(f"file format {version}, this Celosia reads {VERSION}")
        if len(data) != size:
            kind = "truncated" if len(data) < size else "too long"
            raise refuse(f"{kind}: {len(data)} bytes, the header says {size}")
        if hashlib.sha256(data[:-_DIGEST]).digest() != data[-_DIGEST:]:
            raise refuse("corrupt: the checksum does not match")
        # From here on the file is what somebody wrote, though not necessarily Celosia.
        try:
            sections = _sections(data[_HEADER.size : -_DIGEST])
            first, second = next(sections), next(sections)
            config = Config.from_dict(json.loads(first))
            model = ModelInfo.from_dict(json.loads(second))
            records = {memory: next(sections) for memory in _written(config)}
            used = sum(_SIZE.size + len(part) for part in (first, second, *records.values()))
            if used != len(data) - _HEADER.size - _DIGEST:
                left = len(data) - _HEADER.size - _DIGEST - used
                raise ValueError(f"{left} bytes after the last section")
            return cls(config, model, records)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            # Names out of the file must not reach a terminal as they are.
            text = "".join(c if c.isprintable() else "?" for c in str(error)[:200])
            raise refuse(f"inconsistent: {text}") from error

    def _check_program(self) -> None:
        """Legal descriptors that stay inside the sections and fit the model."""
        program = self.descriptors()
        for index, d in enumerate(program):
            if broken := violations(d, self.config):
                raise ValueError(f"descriptor {index} is illegal: {', '.join(broken)}")
        depths = {memory: len(self.records(memory)) for memory in _written(self.config)}
        if self.config.convolution:
            check_maps(self.model, program, self.config, depths, self.input_layout)
        else:
            check_dense(self.model, program, self.config, depths, self.input_words)


def _written(config: Config) -> tuple[Memory, ...]:
    """The memories that a program image fills."""
    return tuple(each for each in memories(config) if record(config, each).writable)


def _sections(body: bytes) -> Iterator[bytes]:
    """The sections, one after the other, and an error where one is missing."""
    index = start = 0
    while True:
        if len(body) - start < _SIZE.size:
            raise ValueError(f"section {index} is missing")
        (size,) = _SIZE.unpack_from(body, start)
        start += _SIZE.size
        if size > len(body) - start:
            raise ValueError(f"section {index} of {size} bytes exceeds the file")
        yield body[start : start + size]
        start, index = start + size, index + 1
