"""Program images: everything an engine needs to run one model, as one checked file.

A `.celosia` file is, little endian: `MAGIC`, version (u32), size of the whole file (u64), then six
sections, each its size (u64) and its bytes: configuration and model as JSON, and the records of
weights, parameters, program and tables; last the SHA-256 of everything before it. It is data
only: loading one executes nothing.
"""

import hashlib
import json
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from celosia.ops import OPERATIONS
from celosia.spec import Config, Memory, record, unpack_descriptor, violations
from celosia.support.errors import CelosiaError
from celosia.support.files import atomic_write, read

from .metadata import ModelInfo

__all__ = ["MAGIC", "SUFFIX", "VERSION", "Image"]

SUFFIX = ".celosia"
#: The control characters catch files mangled as text on their way.
MAGIC = b"\x93CELO\r\n\x1a"
#: Version of the file format, of descriptors and of parameters together.
VERSION = 6
_MEMORIES = (Memory.WEIGHTS, Memory.PARAMS, Memory.PROGRAM, Memory.TABLES)
_HEADER = struct.Struct("<8sIQ")
_SIZE = struct.Struct("<Q")
_DIGEST = hashlib.sha256().digest_size
_TODO = "compile the model again"


@dataclass(frozen=True, eq=False)
class Image:
    """A compiled model.

    Parameters
    ----------
    config : the engine it was compiled for; it runs on no other.
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
        for memory in _MEMORIES:
            shape, size = record(self.config, memory), len(self.sections[memory])
            if size % shape.size:
                raise ValueError(f"{shape.title}: {size} bytes are not records of {shape.size}")
            if size > shape.size * shape.depth:
                raise ValueError(
                    f"{shape.title}: {size // shape.size} records exceed the memory's {shape.depth}"
                )
        self._check_program()

    @property
    def input_words(self) -> int:
        """Activation words of one input."""
        return self.config.words(self.model.inputs)

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
        parts += [self.sections[memory] for memory in _MEMORIES]
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
            config, model, *memories = _sections(data[_HEADER.size : -_DIGEST])
            return cls(
                Config.from_dict(json.loads(config)),
                ModelInfo.from_dict(json.loads(model)),
                dict(zip(_MEMORIES, memories, strict=True)),
            )
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            # Names out of the file must not reach a terminal as they are.
            text = "".join(c if c.isprintable() else "?" for c in str(error)[:200])
            raise refuse(f"inconsistent: {text}") from error

    def _check_program(self) -> None:
        """One legal descriptor a layer that stays inside the sections and fits the model."""
        program, config = self.descriptors(), self.config
        if len(program) != len(self.model.layers):
            raise ValueError(f"{len(program)} descriptors for {len(self.model.layers)} layers")
        weights, params = len(self.records(Memory.WEIGHTS)), len(self.records(Memory.PARAMS))
        tables = len(self.sections[Memory.TABLES]) // 256
        for index, (d, layer) in enumerate(zip(program, self.model.layers, strict=True)):
            if broken := violations(d, config):
                raise ValueError(f"descriptor {index} is illegal: {', '.join(broken)}")
            operation = OPERATIONS[d["op"]]
            agree = operation.agrees(d, layer.inputs, layer.outputs, layer.macs, config) | {
                "emitted": d["emit"] == layer.emitted,
                "last": d["last"] == (index == len(program) - 1),
                "weights": operation.weights_read(d, config).stop <= weights,
                "params": d["params"] + d["tiles"] * config.params_per_tile <= params,
                "table": not d["use_table"] or d["table"] < tables,
                "src": all(
                    words.stop <= config.act_depth
                    for words in operation.reads(d, config, base=self.input_words)
                ),
                "dst": operation.writes(d, config).stop <= config.act_depth,
            }
            for what, good in agree.items():
                if not good:
                    raise ValueError(f"descriptor {index} contradicts the model: {what}")


def _sections(body: bytes) -> list[bytes]:
    sections, start = [], 0
    for index in range(2 + len(_MEMORIES)):
        if len(body) - start < _SIZE.size:
            raise ValueError(f"section {index} is missing")
        (size,) = _SIZE.unpack_from(body, start)
        start += _SIZE.size
        if size > len(body) - start:
            raise ValueError(f"section {index} of {size} bytes exceeds the file")
        sections.append(body[start : start + size])
        start += size
    if start != len(body):
        raise ValueError(f"{len(body) - start} bytes after the last section")
    return sections
