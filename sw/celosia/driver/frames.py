"""Frames as bytes: headers, trailers and records padded to whole link words."""

import numpy as np

from celosia.spec import REQUEST, TRAILER, Opcode, Status, round_up
from celosia.support.errors import CelosiaError

__all__ = ["pad_records", "padded", "request", "response", "unpad_records"]

_DETAILS = {
    Status.UNKNOWN_OPCODE: "the engine does not know this command",
    Status.UNKNOWN_MEMORY: "there is no such memory, or it cannot be written",
    Status.OUT_OF_RANGE: "it lies outside the memory",
    Status.EMPTY: "nothing was asked for",
    Status.TOO_MANY_IMAGES: "there are more images than rows",
    Status.TRUNCATED: "the request ended early",
    Status.OVERLONG: "the request was longer than it says",
    Status.BAD_DESCRIPTOR: "there is no legal program",
    Status.ABORTED: "a reset ended it",
}


def padded(size: int, link_bytes: int) -> int:
    """``size`` rounded up to whole link words, in bytes."""
    return round_up(size, link_bytes)


def request(
    link_bytes: int,
    opcode: Opcode,
    arg: int = 0,
    address: int = 0,
    count: int = 0,
    payload: bytes = b"",
) -> bytes:
    """A request frame; ``payload`` is already padded (`pad_records`)."""
    header = REQUEST.pack(opcode=opcode, arg=arg, address=address, count=count)
    return header.ljust(padded(len(header), link_bytes), b"\0") + payload


def response(link_bytes: int, opcode: Opcode, frame: bytes) -> tuple[bytes, dict[str, int]]:
    """Payload and trailer of the response ``frame`` to a request ``opcode``.

    Raises
    ------
    CelosiaError
        the engine refused the request, naming status and detail; or the frame is not a response
        to it, so host and engine are out of step.
    """
    size = padded(TRAILER.size, link_bytes)
    trailer = TRAILER.unpack(frame[-size:]) if len(frame) >= size else None
    where = f"engine, {opcode.name}"
    if trailer is None or len(frame) % link_bytes or trailer["status"] not in tuple(Status):
        raise CelosiaError(
            f"{len(frame)} bytes that are no response", where=where, todo="reset the link"
        )
    status = Status(trailer["status"])
    # A truncated header is answered with opcode 0: the engine never saw which one it was.
    if trailer["opcode"] not in (opcode, 0 if status == Status.TRUNCATED else opcode):
        raise CelosiaError(
            f"the response is to opcode {trailer['opcode']}", where=where, todo="reset the link"
        )
    if status != Status.OK:
        at = f" (descriptor {trailer['info']})" if status == Status.BAD_DESCRIPTOR else ""
        raise CelosiaError(f"{status.name}: {_DETAILS[status]}{at}", where=where)
    return frame[:-size], trailer


def pad_records(records: np.ndarray, link_bytes: int) -> bytes:
    """uint8 [..., size] records, each zero-padded to link words, in C order."""
    size = records.shape[-1]
    out = np.zeros((*records.shape[:-1], padded(size, link_bytes)), np.uint8)
    out[..., :size] = records
    return out.tobytes()


def unpad_records(payload: bytes, size: int, link_bytes: int) -> np.ndarray:
    """The inverse: uint8 [count, size].

    Raises
    ------
    CelosiaError : ``payload`` is not whole records.
    """
    step = padded(size, link_bytes)
    if len(payload) % step:
        raise CelosiaError(
            f"{len(payload)} bytes are not records of {step}", where="engine", todo="reset the link"
        )
    return np.frombuffer(payload, np.uint8).reshape(-1, step)[:, :size]
