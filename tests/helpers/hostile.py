"""Damaged files of every format, made from good ones by a seed; for the tests and `bench.fuzz`."""

import io
import struct
import time
import zipfile
from dataclasses import replace

import numpy as np
from tests.helpers.hostile_tflite import other_value
from tests.helpers.hostile_values import other_json, other_onnx

from celosia.compiler import compile, needs
from celosia.compiler.image import Image
from celosia.importer import model_from_bytes
from celosia.importer.tflite.outline import tflite_outline
from celosia.network.float_network import FloatNetwork
from celosia.network.network import Network
from celosia.spec import Config
from celosia.support.errors import CelosiaError

__all__ = ["mutate", "outcome"]

#: Seconds of processor time for one file; what is slower counts as a hang.
_PATIENCE = 5.0
#: What .tflite files are compiled for.
_ENGINE = replace(Config.default(4, 8), convolution=1, depthwise=1)


def outcome(data: bytes, suffix: str) -> str:
    """How reading ended, "model" or "error"; whatever is neither escapes."""
    begin = time.process_time()
    try:
        if suffix == ".celosia":
            image = Image.from_bytes(data)
            if image.model.host is not None:
                host = image.model.host
                host.prepare(np.zeros((1, *host.input_shape), host.input_dtype))
            return "model"
        if suffix == ".tflite":
            return _tflite(data)
        model = model_from_bytes(data, "fuzz", suffix)
        if isinstance(model, FloatNetwork):
            with np.errstate(all="ignore"):
                model.forward(np.zeros((1, *model.input_shape), np.float32))
        else:
            model.prepare(np.zeros((1, *model.host.input_shape), model.host.input_dtype))
        return "model"
    except CelosiaError as error:
        text = str(error)
        assert "\n" not in text and text.isprintable(), ascii(text)
        return "error"
    finally:
        assert time.process_time() - begin < _PATIENCE


def _tflite(data: bytes) -> str:
    """What `celosia check` and `celosia compile` do with the file."""
    try:
        network = model_from_bytes(data, "fuzz", ".tflite")
    except CelosiaError:
        tflite_outline(data)
        raise
    outline = tflite_outline(data)
    assert isinstance(network, Network) and not outline.unsupported
    network.prepare(np.zeros((1, *network.host.input_shape), network.host.input_dtype))
    needs(outline, _ENGINE)
    compile(network, _ENGINE)
    return "model"


def mutate(data: bytes, suffix: str, seed: list[int]) -> bytes:
    """``data`` damaged: cut short, bits flipped or words overwritten.

    Of half of the .tflite files, three of four .onnx files and half of the JSON members a value of
    the structure is changed, and the file is made again.
    Zip files have check sums, which would catch almost all of it: three of four times a member is
    damaged, and stored with a right sum, as somebody hostile would. So it is with program images.
    """
    rng = np.random.default_rng(seed)
    if suffix == ".tflite" and rng.random() < 0.5:
        return other_value(data, rng)
    if suffix == ".onnx" and rng.random() < 0.75:
        return other_onnx(data, rng)
    if suffix in (".keras", ".pt2") and rng.random() < 0.75:
        return _inside_zip(data, rng)
    if suffix == ".celosia" and rng.random() < 0.75:
        import hashlib

        body = _damage(data[:-32], rng)
        if len(body) >= 20:
            body = body[:12] + struct.pack("<Q", len(body) + 32) + body[20:]
        return body + hashlib.sha256(body).digest()
    return _damage(data, rng)


def _inside_zip(data: bytes, rng: np.random.Generator) -> bytes:
    source, target = zipfile.ZipFile(io.BytesIO(data)), io.BytesIO()
    # What is never read is no target.
    names = [n for n in source.namelist() if not n.endswith((".pt", "id", "version"))]
    chosen = names[rng.integers(len(names))]
    with zipfile.ZipFile(target, "w", int(rng.choice([0, 8]))) as made:
        for name in source.namelist():
            content = source.read(name)
            if name == chosen and name.endswith(".json") and rng.random() < 0.5:
                content = other_json(content, rng)
            elif name == chosen and content:
                content = _damage(content, rng, text=name.endswith(".json"))
            made.writestr(name, content)
    return target.getvalue()


def _damage(data: bytes, rng: np.random.Generator, text: bool = False) -> bytes:
    changed = bytearray(data)
    kind = rng.integers(4 if text else 3)
    if kind == 0 or len(data) < 16:
        return bytes(changed[: rng.integers(len(changed))])
    for _ in range(rng.integers(1, 9) if not text else rng.integers(1, 3)):
        at = int(rng.integers(len(changed) - 8))
        if rng.random() < 0.5:
            # Near the ends is where structure is.
            at = int(rng.choice([at % 400, len(changed) - 8 - at % 4000])) % (len(changed) - 8)
        if kind == 1:
            changed[at] ^= 1 << rng.integers(8)
        elif kind == 2:
            word = rng.choice([0, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, rng.integers(1 << 32), at])
            struct.pack_into("<I", changed, at // 4 * 4, int(word))
        else:
            changed = _other_value(changed, at, rng)
    return bytes(changed)


def _other_value(text: bytearray, at: int, rng: np.random.Generator) -> bytearray:
    """JSON that stays JSON: a number or name after ``at`` becomes another value."""
    start = text.find(b": ", at)
    if start < 0:
        return text
    ends = [e for e in (text.find(c, start) for c in (b",", b"}", b"]")) if e >= 0]
    values = [b"null", b"-1", b"0", b"1e999", b"99999999999", b'"x"', b"[]", b"{}", b"[[[1]]]"]
    value = values[rng.integers(len(values))]
    return text[: start + 2] + value + text[min(ends, default=len(text)) :]
