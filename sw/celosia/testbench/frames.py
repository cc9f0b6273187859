"""The frames with which an image is loaded and run, and the responses that the engine must give."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from celosia.compiler.image import Image
from celosia.driver.device import Device
from celosia.driver.frames import padded, unpad_records
from celosia.driver.golden import GoldenTransport

__all__ = ["Recording", "record"]


@dataclass(frozen=True, eq=False)
class Recording:
    """What crosses the link.

    Parameters
    ----------
    link_bytes : bytes of a link word.
    requests, responses : frames, the same number of both, in order.
    loading : how many of them are before those that run images, one image each.
    places : int [N], where in a response the byte of each of the N outputs is.
    flipped : bits of these bytes that are the opposite of those of the int8 value.
    """

    link_bytes: int
    requests: list[bytes]
    responses: list[bytes]
    loading: int
    places: np.ndarray
    flipped: int


class _Recorder(GoldenTransport):
    """The golden model, which keeps all frames."""

    def __init__(self, image: Image):
        super().__init__(image.config)
        self.requests: list[bytes] = []
        self.responses: list[bytes] = []

    def stream(self, frames: Sequence[bytes]) -> Iterator[list[bytes]]:
        for frame, replies in zip(frames, super().stream(frames), strict=True):
            self.requests.append(frame)
            self.responses += replies
            yield replies


def record(image: Image, x: np.ndarray) -> Recording:
    """Load ``image`` into the golden model and run ``x``, int8 [n, K], one image at a time."""
    recorder = _Recorder(image)
    with Device(recorder) as device:
        device.load(image)
        loading = len(recorder.requests)
        for _ in device.stream(x, batch=1):
            pass
    places, flipped = _places(image, len(recorder.responses[loading]))
    return Recording(
        link_bytes=recorder.link_bytes,
        requests=recorder.requests,
        responses=recorder.responses,
        loading=loading,
        places=places,
        flipped=flipped,
    )


def _unpacked(image: Image, payload: np.ndarray) -> np.ndarray:
    """uint8 [N]: the first output's values of the response ``payload`` to one image, as bytes."""
    lanes, link_bytes = image.config.lanes, image.config.link_bytes
    # The trailer follows the words of results.
    size = image.result_words(1) * padded(lanes, link_bytes)
    words = unpad_records(payload[:size].astype(np.uint8).tobytes(), lanes, link_bytes)
    return image.unpack_results(words[None], 1)[image.model.positions[0]][0].view(np.uint8)


def _places(image: Image, size: int) -> tuple[np.ndarray, int]:
    """Byte numbers of the first output's values in a response of ``size`` bytes to one image, and
    by which bits the bytes there differ from the values.

    The numbers themselves are unpacked as results are, a byte of them at a time.
    """
    numbers = np.arange(size)
    flipped = _unpacked(image, np.zeros(size))
    parts = [
        (_unpacked(image, numbers >> shift & 0xFF) ^ flipped).astype(np.int64) << shift
        for shift in (0, 8, 16)
    ]
    return np.sum(parts, axis=0), int(flipped[0])
