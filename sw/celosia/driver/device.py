"""One engine, whatever it is made of: load a program image, run images through it."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike

from celosia.compiler.image import Image
from celosia.spec import (
    CHECKSUM,
    COUNTERS,
    IDENTITY,
    Config,
    InferFlag,
    Memory,
    Op,
    Opcode,
    ceil_div,
    config_of,
    record,
)
from celosia.spec.link import MAGIC, VERSION
from celosia.support.errors import CelosiaError, Unsupported
from celosia.support.progress import Progress, silent

from .frames import pad_records, padded, request, response, unpad_records
from .inputs import finish_heads, prepare
from .transport import Transport
from .verify import find_difference

__all__ = ["EXCHANGE_BYTES", "Device"]

#: Requests of a run are sent back to back up to this size. Every exchange starts with an empty
#: pipeline, so there is one for the whole run unless memory asks for more.
EXCHANGE_BYTES = 256 << 20
#: Records of a memory sent in one frame.
_RECORDS_PER_FRAME = 4096


class Device:
    """Drives one engine over ``transport``.

    The constructor asks the engine who it is. Use it as a context manager, or `close` it.

    Attributes
    ----------
    transport : as given.
    config : the engine's configuration, as it said.
    image : the program image last loaded, or None.
    cycles : clock cycles the last run took, up to its last output word so far; None on the golden
        model, which has no clock.

    Raises
    ------
    CelosiaError : what answers is no Celosia engine, or one of another version.
    """

    def __init__(self, transport: Transport):
        self.transport = transport
        self.image: Image | None = None
        self.cycles: int | None = None
        try:
            self.config = self.identify()
        except BaseException:
            transport.close()  # as `close` would: the caller has no device to close
            raise

    def __enter__(self) -> "Device":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the engine."""
        self.transport.close()

    def identify(self) -> Config:
        """Ask the engine for its configuration."""
        payload = self._command(Opcode.IDENTIFY)
        if len(payload) < IDENTITY.size:
            raise CelosiaError(f"an identity of {len(payload)} bytes", where="engine")
        identity = IDENTITY.unpack(payload)
        if identity["magic"] != MAGIC:
            raise CelosiaError(
                f"what answers is no Celosia engine (magic {identity['magic']:#010x})",
                where="engine",
            )
        if identity["version"] != VERSION:
            raise CelosiaError(
                f"speaks link version {identity['version']}, this driver {VERSION}",
                where="engine",
                todo="build engine and driver from the same release",
            )
        try:
            config = config_of(identity)
        except ValueError as error:
            raise CelosiaError(f"an impossible identity: {error}", where="engine") from error
        if config.link_bytes != self.transport.link_bytes:
            raise CelosiaError(
                f"has {config.link_bytes}-byte link words, the transport "
                f"{self.transport.link_bytes}",
                where="engine",
            )
        return config

    def load(self, image: Image, progress: Progress = silent) -> None:
        """Write a program image to the engine's memories.

        An engine with checksums is asked for those of what it has stored (`verify`).

        Raises
        ------
        Unsupported : this engine lacks an operation of the program; it is named.
        CelosiaError : the image was compiled for another configuration, naming both; or a memory
            holds something else than was written, naming it.
        """
        self._check_operations(image)
        if not image.runs_on(self.config):
            theirs, ours = image.config.to_dict(), self.config.to_dict()
            names = [name for name in ours if theirs[name] != ours[name] and name != "checksum"]
            raise CelosiaError(
                f"compiled for a {_describe(theirs, names)} engine, "
                f"this one is {_describe(ours, names)}",
                where=image.model.name,
                todo="compile it for this engine",
            )
        # Until all of it is there, the memories hold a mixture.
        self.image = None
        for memory in image.sections:
            records = image.records(memory)
            for start in range(0, len(records), _RECORDS_PER_FRAME):
                text = f"loading {memory.name.lower()}"
                progress(text, start, len(records))
                self.write(memory, start, records[start : start + _RECORDS_PER_FRAME])
        self.image = image
        if self.config.checksum:
            self.verify(progress)

    def verify(self, progress: Progress = silent) -> None:
        """Compare the engine's memories with the loaded image, by checksums that it computes.

        Finds every single and every double flipped bit, and any other difference but for one in
        2**32 (docs/trust.md). No image may be running; nothing else changes.

        Raises
        ------
        Unsupported : this engine has no checksums (`Config.checksum`).
        CelosiaError : nothing is loaded, or a memory holds something else; it is named, with the
            first record that differs. The image no longer counts as loaded then.
        """
        image = self._loaded()
        try:
            find_difference(image, self.checksum, progress)
        except CelosiaError:
            self.image = None if self.config.checksum else image
            raise

    def checksum(self, memory: Memory, address: int, count: int) -> int:
        """CRC-32 (`zlib.crc32`) of what READ of these records answers, computed by the engine.

        Raises
        ------
        Unsupported : this engine has no checksums (`Config.checksum`).
        """
        if not self.config.checksum:
            raise Unsupported(
                "cannot be verified: this engine has no checksums",
                where="engine",
                todo="build it with --checksum 1",
            )
        payload = self._command(Opcode.CHECKSUM, memory, address, count)
        if len(payload) < CHECKSUM.size:
            raise CelosiaError(f"a checksum of {len(payload)} bytes", where="engine")
        return CHECKSUM.unpack(payload)["crc32"]

    def run(
        self,
        x: ArrayLike,
        batch: int | None = None,
        skip: bool = True,
        progress: Progress = silent,
    ) -> np.ndarray:
        """The output of a model with one, of its own inputs, as `celosia run` computes it.

        Parameters
        ----------
        x : any number of inputs. If the image carries host steps: what the model takes, such as
            float32 [n, 28, 28]. If not, for it was compiled from a bare graph: int8 [n, K], or
            float [n, K], which is quantized with the input's scale.
        batch : images computed together, 1..`Image.batch`; the most when None. The last batch may
            be smaller.
        skip : False to multiply zero bytes too, for measurements; the results are the same.
        progress : told whenever results have come.

        Returns
        -------
        [n, *output_shape] of the model's type; of a bare graph int8 [n, N].

        Raises
        ------
        CelosiaError : nothing is loaded, an argument is wrong, or the model has several outputs.
        """
        image = self._loaded()
        if len(image.model.results) > 1:
            names = ", ".join(head.name for head in image.model.results)
            raise CelosiaError(
                f"the model has {len(image.model.results)} outputs: {names}",
                where=image.model.name,
                todo="use run_heads",
            )
        (y,) = self.run_heads(x, batch, skip, progress).values()
        return y

    def run_heads(
        self,
        x: ArrayLike,
        batch: int | None = None,
        skip: bool = True,
        progress: Progress = silent,
    ) -> dict[str, np.ndarray]:
        """All results of the model by name, in its own order; parameters and errors as `run`.

        Returns
        -------
        [n, *shape] of its own type for each head (`ModelInfo.results` has their shapes and types,
        `ModelInfo.describe_results` their quantization too).
        """
        image = self._loaded()
        layers = self.run_layers(prepare(image, x), batch, skip, progress)
        return finish_heads(image, [layers[position] for position in image.model.positions])

    def run_layers(
        self,
        x: np.ndarray,
        batch: int | None = None,
        skip: bool = True,
        progress: Progress = silent,
    ) -> list[np.ndarray]:
        """The outputs of every layer that emits: all of them if compiled with ``emit_all``.

        Of the engine alone: ``x`` is int8 [n, K] (`inputs.prepare` makes it), and no host step
        follows. The other parameters and errors are those of `run`.

        Returns
        -------
        One int8 [n, N] per emitted layer.
        """
        image = self._loaded()
        x = image.check_input(x)
        outputs = [np.empty((len(x), layer.outputs), np.int8) for layer in image.model.emitted]
        for start, block in self.stream(x, batch=batch, skip=skip):
            stop = start + len(block[0])
            for y, part in zip(outputs, block, strict=True):
                y[start:stop] = part
            progress("running", stop, len(x))
        return outputs

    def stream(
        self, x: np.ndarray, batch: int | None = None, skip: bool = True
    ) -> Iterator[tuple[int, list[np.ndarray]]]:
        """What `run_layers` returns, in blocks of images as the results come.

        Yields the index of a block's first image and its int8 [images, N] of each emitted layer.
        Blocks are in order and without gaps; `cycles` counts up to the last result of the block.
        """
        image = self._loaded()
        x = image.check_input(x)
        most = image.batch
        batch = most if batch is None else batch
        if not 1 <= batch <= most:
            raise CelosiaError(
                f"batch = {batch} is outside 1..{most}, the images computed together"
            )
        self.cycles, before = None, 0
        step = batch * _frames_per_exchange(image, batch)
        for start in range(0, len(x), step):
            part = x[start : start + step]
            frames = list(self._infer_frames(image, part, batch, skip))
            first, answered = start, 0
            for replies in self.transport.stream(frames):
                answered += len(replies)
                if answered > len(frames):
                    break
                if self.transport.cycles is not None:
                    self.cycles = before + self.transport.cycles
                block = self._blocks(image, replies, batch, start + len(part) - first)
                yield first, block
                first += len(block[0])
            _check_count(len(frames), answered)
            before = self.cycles or 0

    def counters(self, clear: bool = False) -> dict[str, int]:
        """The performance counters of `spec.COUNTERS`, by name; cleared after reading if asked."""
        return COUNTERS.unpack(self._command(Opcode.COUNTERS, arg=int(clear)))

    def write(self, memory: Memory, address: int, records: np.ndarray) -> None:
        """Store uint8 [count, size] ``records`` of ``memory`` from ``address``."""
        size = record(self.config, memory).size
        if records.dtype != np.uint8 or records.ndim != 2 or records.shape[1] != size:
            raise CelosiaError(
                f"{records.dtype} {list(records.shape)} is not uint8 [count, {size}]",
                where=f"writing {memory.name.lower()}",
            )
        payload = pad_records(records, self.config.link_bytes)
        self._command(Opcode.WRITE, memory, address, len(records), payload)

    def read(self, memory: Memory, address: int, count: int) -> np.ndarray:
        """uint8 [count, size] records of ``memory`` from ``address``."""
        payload = self._command(Opcode.READ, memory, address, count)
        return unpad_records(payload, record(self.config, memory).size, self.config.link_bytes)

    def reset(self) -> None:
        """Bring the link into step, wherever a frame stands; memories keep their contents."""
        # One word that ends a frame ends any frame. Whatever it was, one refusal answers it.
        self.transport.exchange([bytes(self.transport.link_bytes)])
        self._command(Opcode.RESET)

    def _check_operations(self, image: Image) -> None:
        names = [n for n in ("convolution", "depthwise") if not getattr(self.config, n)]
        options = [f"--{name} 1" for name in names if getattr(image.config, name)]
        for index, each in enumerate(image.descriptors()):
            if options and each["op"] not in self.config.ops:
                raise Unsupported(
                    f"descriptor {index} needs {Op(each['op']).name}, an operation that this "
                    "engine lacks",
                    where=image.model.name,
                    todo=f"choose an engine with {' '.join(options)}",
                )

    def _loaded(self) -> Image:
        if self.image is None:
            raise CelosiaError("no program is loaded", where="engine", todo="load an image first")
        return self.image

    def _command(
        self, opcode: Opcode, arg: int = 0, address: int = 0, count: int = 0, payload: bytes = b""
    ) -> bytes:
        try:
            frame = request(self.transport.link_bytes, opcode, arg, address, count, payload)
        except ValueError as error:
            raise CelosiaError(str(error), where=opcode.name) from error
        replies = self.transport.exchange([frame])
        _check_count(1, len(replies))
        return response(self.transport.link_bytes, opcode, replies[0])[0]

    def _infer_frames(self, image: Image, x: np.ndarray, batch: int, skip: bool) -> Iterator[bytes]:
        flags = InferFlag(0) if skip else InferFlag.NO_SKIP
        if image.stripes:
            flags |= InferFlag.STRIPES
        for start in range(0, len(x), batch):
            part = image.pack_input(x[start : start + batch])
            # On the link a word of every row follows the other: [words, rows, lanes].
            payload = pad_records(part.transpose(1, 0, 2), self.config.link_bytes)
            yield request(
                self.config.link_bytes,
                Opcode.INFER,
                arg=flags | (len(part) - 1),
                count=image.input_words,
                payload=payload,
            )

    def _blocks(
        self, image: Image, replies: Sequence[bytes], batch: int, images: int
    ) -> list[np.ndarray]:
        """int8 [n, N] for each emitted layer, of ``replies`` to frames of the next ``images``."""
        whole = min(len(replies), images // batch)
        blocks = []
        if whole:
            blocks.append(self._results(image, replies[:whole], batch))
        if whole < len(replies):
            blocks.append(self._results(image, replies[whole:], images - whole * batch))
        return [np.concatenate(parts) for parts in zip(*blocks, strict=True)]

    def _results(self, image: Image, replies: Sequence[bytes], images: int) -> list[np.ndarray]:
        """int8 [n, N] for each emitted layer, of ``replies`` to frames of ``images`` each."""
        lanes, link_bytes = self.config.lanes, self.config.link_bytes
        expected = image.result_words(images)
        runs = np.empty((len(replies), expected, lanes), np.uint8)
        for run, reply in zip(runs, replies, strict=True):
            payload, _ = response(link_bytes, Opcode.INFER, reply)
            if len(payload) != expected * padded(lanes, link_bytes):
                raise CelosiaError(
                    f"{len(payload)} bytes of results are not those of {image.model.name!r}",
                    where="engine, INFER",
                    todo="load the image again",
                )
            run[:] = unpad_records(payload, lanes, link_bytes)
        return image.unpack_results(runs, images)


def _frames_per_exchange(image: Image, batch: int) -> int:
    config = image.config
    rows = ceil_div(batch, image.model.images_per_row)
    frame = image.input_words * rows * padded(config.lanes, config.link_bytes)
    return max(1, EXCHANGE_BYTES // frame)


def _check_count(frames: int, replies: int) -> None:
    if frames != replies:
        raise CelosiaError(
            f"{replies} responses to {frames} requests",
            where="engine",
            todo="reset the link",
        )


def _describe(values: dict[str, int], names: Sequence[str]) -> str:
    rest = [f"{name} {values[name]}" for name in names if name not in ("rows", "cols")]
    return f"{values['rows']}x{values['cols']}" + (f" ({', '.join(rest)})" if rest else "")
