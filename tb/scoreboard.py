"""The golden model beside the engine, fed with the words that the monitors see."""

from collections import deque
from dataclasses import dataclass

from celosia.model.link import LinkModel
from celosia.spec import COUNTERS, REQUEST, TRAILER, Config, Memory, Opcode, Status, round_up

from . import points

__all__ = ["Scoreboard"]

#: The counters that do not depend on timing; the model counts them too.
_COUNTED = ("issued", "skipped", "images")


@dataclass(frozen=True)
class _Expected:
    """The model's response ``frame`` to a request.

    Parameters
    ----------
    opcode : of the request.
    resets : whether it is a valid RESET.
    compare_payload : whether the payload is known.
    """

    frame: bytes
    opcode: int
    resets: bool
    compare_payload: bool


class _Framer:
    """Collects the words of a link into frames."""

    def __init__(self, link_bytes: int):
        self.link_bytes = link_bytes
        self.data = bytearray()

    def __call__(self, word: int) -> bytes | None:
        """The frame that ``word`` completes; None when it does not complete one."""
        last = word >> (8 * self.link_bytes)
        data = word & ((1 << (8 * self.link_bytes)) - 1)
        self.data += data.to_bytes(self.link_bytes, "little")
        if not last:
            return None
        frame, self.data = bytes(self.data), bytearray()
        return frame


class Scoreboard:
    """Compares the response to every request with that of `LinkModel`, in order, byte for byte.

    Of COUNTERS only the fields that the model defines are compared. When runs are in flight at a
    RESET, their responses may be complete, end with ABORTED, or be missing. After that the contents
    of counters and activations are unknown and not compared, the counters until they are cleared.

    Attributes
    ----------
    answered : number of responses checked, by status.
    aborted : number of runs that a RESET ended during their response.
    dropped : number of runs that a RESET ended before their response.
    counters : the last COUNTERS that the engine answered, by name.
    """

    def __init__(self, config: Config):
        self.config = config
        self.model = LinkModel(config)
        self.answered: dict[Status, int] = dict.fromkeys(Status, 0)
        self.aborted = self.dropped = 0
        self.counters: dict[str, int] = {}
        self._expected: deque[_Expected] = deque()
        self._requests = _Framer(config.link_bytes)
        self._responses = _Framer(config.link_bytes)
        self._trailer_size = round_up(TRAILER.size, config.link_bytes)
        self._runs_lost = self._counters_unknown = False

    @property
    def idle(self) -> bool:
        """No request is sent in part, and no response is expected or received in part."""
        return not (self._expected or self._requests.data or self._responses.data)

    def request(self, word: int) -> None:
        """A word was transferred to the engine."""
        frame = self._requests(word)
        if frame is None:
            return
        header = REQUEST.unpack(frame) if len(frame) >= REQUEST.size else {"opcode": 0, "arg": 0}
        opcode, arg = header["opcode"], header["arg"]
        response = self.model.respond(frame)
        status = self._status(response)
        points.hit_request(self.config, frame, status)
        compare = True
        resets = opcode == Opcode.RESET and status == Status.OK
        if resets and self._expected:
            self._runs_lost = self._counters_unknown = True
        if opcode in (Opcode.READ, Opcode.CHECKSUM) and arg == Memory.ACTIVATIONS:
            compare = not self._runs_lost
        if opcode == Opcode.COUNTERS:
            compare = not self._counters_unknown
            if status == Status.OK and arg & 1:
                self._counters_unknown = False
        self._expected.append(_Expected(response, opcode, resets, compare))

    def response(self, word: int) -> None:
        """A word was transferred from the engine."""
        frame = self._responses(word)
        if frame is None:
            return
        assert self._expected, f"a response without a request: {frame.hex()}"
        if not self._ended_by_reset(frame):
            expected = self._expected.popleft()
            self._check(frame, expected)
        self.answered[self._status(frame)] += 1

    def _ended_by_reset(self, frame: bytes) -> bool:
        """Drop the runs that a RESET ended, as far as ``frame`` shows; True when it is checked."""
        reset = next((i for i, e in enumerate(self._expected) if e.resets), None)
        first = self._expected[0]
        # Only runs may be answered after the next request has been received.
        if not reset or first.opcode != Opcode.INFER or frame == first.frame:
            return False
        trailer = TRAILER.unpack(frame[-self._trailer_size :])
        if trailer["opcode"] == Opcode.RESET:
            self._drop(reset)
            return False
        assert first.opcode == trailer["opcode"] == Opcode.INFER, f"{frame.hex()} before a RESET"
        assert trailer["status"] == Status.ABORTED, self._difference(frame, first.frame)
        assert trailer["count"] == trailer["info"] == 0, trailer
        payload = frame[: -self._trailer_size]
        assert first.frame[: -self._trailer_size].startswith(payload), "wrong bytes before ABORTED"
        points.hit(f"status {Status.ABORTED.name}")
        points.hit("run aborted by a RESET")
        self.aborted += 1
        self.dropped -= 1
        self._drop(reset)
        return True

    def _drop(self, count: int) -> None:
        for _ in range(count):
            assert self._expected.popleft().opcode == Opcode.INFER, "only runs may be dropped"
            points.hit("run dropped by a RESET")
            self.dropped += 1

    def _check(self, frame: bytes, expected: _Expected) -> None:
        want = expected.frame
        assert len(frame) == len(want), self._difference(frame, want)
        size = self._trailer_size
        assert frame[-size:] == want[-size:], self._difference(frame, want)
        if expected.opcode == Opcode.COUNTERS and len(frame) > size:
            self.counters = COUNTERS.unpack(frame)
        if not expected.compare_payload:
            return
        if expected.opcode == Opcode.COUNTERS and len(frame) > size:
            got, counted = COUNTERS.unpack(frame), COUNTERS.unpack(want)
            for name in _COUNTED:
                assert got[name] == counted[name], f"counter {name}: {got} is not {counted}"
            return
        assert frame == want, self._difference(frame, want)

    def _difference(self, frame: bytes, want: bytes) -> str:
        at = next((i for i, (a, b) in enumerate(zip(frame, want, strict=False)) if a != b), -1)
        trailer, wanted = (TRAILER.unpack(f[-self._trailer_size :]) for f in (frame, want))
        return (
            f"response {sum(self.answered.values())} has {len(frame)} bytes, expected {len(want)}; "
            f"first difference at byte {at}; trailer {trailer}, expected {wanted}\n"
            f"got      {frame.hex()}\nexpected {want.hex()}"
        )

    def _status(self, frame: bytes) -> Status:
        return Status(TRAILER.unpack(frame[-self._trailer_size :])["status"])
