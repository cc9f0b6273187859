"""The host's side of the serial protocol: every word arrives once and in order, or an error is
raised.

Towards the device it is go-back-n: up to `WINDOW` numbered packets are in flight, and all from the
first missing one on are sent again. From the device it is stop-and-wait: the device repeats its
packet until an `ack` of the host confirms it (docs/serial.md).
"""

import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from typing import Protocol

from celosia.spec.serial import NUMBERS, SERIAL_VERSION, WINDOW, Kind, max_words
from celosia.support.errors import CelosiaError

from .packets import Packet, Unpacker, pack

__all__ = ["BytePort", "Session"]

#: Timeouts in a row after which the device counts as gone. Each is twice as long as the one before,
#: up to `_LONGEST_WAIT` seconds.
_SILENCES = 8
_LONGEST_WAIT = 1.0
#: Faults since the last new word or acknowledgement after which the session fails.
_FAULTS = 200


class BytePort(Protocol):
    """A serial line of any kind. ``name`` is for messages."""

    name: str

    def read(self, timeout: float) -> bytes:
        """The bytes received; waits up to ``timeout`` seconds for the first."""
        ...

    def write(self, data: bytes) -> None: ...


class Session:
    """One conversation with one device; `greet` begins it.

    After a session has failed, or an exchange was aborted, words of unknown meaning may be in
    flight: from then on every exchange is an error, and a new session has to be opened.

    Parameters
    ----------
    port : the line.
    session : number of the session, 1..255, other than that of the last one on this line.
    timeout : seconds after which an answer counts as lost; longer than `WINDOW` packets take.
    patience : seconds that the engine may compute without taking or giving a word.

    Attributes
    ----------
    link_bytes : size of the device's link words, from its WELCOME.
    faults : number of recovered faults on the line, by kind.
    """

    def __init__(
        self, port: BytePort, session: int, *, timeout: float = 0.25, patience: float = 60.0
    ):
        self.port, self.session = port, session
        self.timeout, self.patience = timeout, patience
        self.link_bytes = 0
        self.faults: Counter[str] = Counter()
        self._unpacker = Unpacker()
        self._ready = False  # greeted, and between exchanges
        self._next = 0  # number of the next packet to send
        self._expected = 0  # number of the next packet to receive
        # Sent and not acknowledged: number, words and whether they end a frame.
        self._flight: deque[tuple[int, bytes, bool]] = deque()
        self._full = False  # the device cannot take more
        self._refused = False  # the device asks for all packets in flight again
        # Limit of packets in flight: smaller after a refusal, larger after an acknowledgement.
        self._window = WINDOW
        self._recent: Counter[str] = Counter()  # faults since the last progress
        self._silences = 0  # timeouts in a row
        self._since = 0.0  # time of the last progress

    def greet(self, attempts: int = 4) -> None:
        """Begin the session: both sides count from 0, and the engine's link is reset.

        Raises
        ------
        CelosiaError : there is no answer, or not the expected one.
        """
        heard = echoes = 0
        for _ in range(attempts):
            self.port.write(pack(Kind.HELLO, session=self.session))
            end = time.monotonic() + self.timeout
            while (left := end - time.monotonic()) > 0:
                data = self.port.read(left)
                heard += len(data)
                for packet in self._unpacker.feed(data):
                    kind, session = packet.header["kind"], packet.header["session"]
                    echoes += kind == Kind.HELLO
                    if kind == Kind.WELCOME and session == self.session:
                        self._welcome(packet)
                        return
            self._silences += 1
        if echoes:
            what, todo = "sends back what it gets, it is a loop", "choose another port"
        elif heard:
            what = f"answers {heard} bytes that are not a Celosia engine's"
            todo = "check that the board is configured"
        else:
            what, todo = "the device is silent", "check that the board is on and configured"
        raise CelosiaError(what, where=self.port.name, todo=todo)

    def _welcome(self, packet: Packet) -> None:
        version = packet.header["version"]
        if version != SERIAL_VERSION:
            raise CelosiaError(
                f"the device speaks serial version {version}, this driver {SERIAL_VERSION}",
                where=self.port.name,
                todo="build bitstream and driver from the same release",
            )
        self.link_bytes = packet.header["link_bytes"]
        if not self.link_bytes:
            raise CelosiaError("the device has link words of 0 bytes", where=self.port.name)
        self._ready = True

    def stream(self, frames: Sequence[bytes]) -> Iterator[list[bytes]]:
        """Send request ``frames``; yield the responses as they arrive, in order.

        Raises
        ------
        CelosiaError : the device is gone, was reset or hangs, the line is too bad, an earlier
            exchange was aborted, or a frame is not whole link words.
        """
        if not self._ready:
            raise CelosiaError(
                "an exchange was aborted", where=self.port.name, todo="open the port again"
            )
        for index, frame in enumerate(frames):
            if not frame or len(frame) % self.link_bytes:
                raise CelosiaError(
                    f"{len(frame)} bytes are not whole link words of {self.link_bytes}",
                    where=f"request frame {index}",
                )
        self._ready = False
        chunks = self._chunks(frames)
        pending, missing, ask = b"", len(frames), True
        self._progress()
        while missing:
            sent = self._send_new(chunks)
            if ask and not sent:
                self._transmit(b"")
            packets, damaged = self._listen()
            before = self._expected
            responses = []
            for packet in packets:
                words = self._take(packet)
                pending += words
                if words and packet.header["last"]:
                    responses.append(pending)
                    pending = b""
            if (self._refused and not self._full) or not (packets or damaged):
                self._resend()
            # Each packet is answered: while some are in flight, there is no need to ask.
            news = self._expected != before
            ask = news or self._full or damaged or not self._flight
            if len(responses) > missing:
                raise self._lost("more responses than requests")
            missing -= len(responses)
            self._ready = not missing
            if responses:
                yield responses

    def _chunks(self, frames: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
        """For each packet to send: its words, and whether they end a frame."""
        size = max_words(self.link_bytes) * self.link_bytes
        for frame in frames:
            for start in range(0, len(frame), size):
                yield frame[start : start + size], start + size >= len(frame)

    def _send_new(self, chunks: Iterator[tuple[bytes, bool]]) -> bool:
        """Send packets up to the limit in flight; False when none was sent."""
        sent = False
        while len(self._flight) < self._window and not self._full and (chunk := next(chunks, None)):
            self._flight.append((self._next, *chunk))
            self._transmit(*chunk, number=self._next)
            self._next = (self._next + 1) % NUMBERS
            sent = True
        return sent

    def _resend(self) -> None:
        """Send all packets in flight again; an empty packet, which asks, when there are none."""
        self._refused = False
        for number, data, last in self._flight:
            self._transmit(data, last, number)
        if not self._flight:
            self._transmit(b"")

    def _transmit(self, data: bytes, last: bool = False, number: int | None = None) -> None:
        self.port.write(
            pack(
                Kind.DATA,
                data,
                session=self.session,
                number=self._next if number is None else number,
                ack=self._expected,
                words=len(data) // self.link_bytes,
                last=last,
            )
        )

    def _listen(self) -> tuple[list[Packet], bool]:
        """The packets received, and whether there were damaged ones; after a timeout neither."""
        wait = min(self.timeout * 2**self._silences, max(self.timeout, _LONGEST_WAIT))
        end = time.monotonic() + wait
        while (left := end - time.monotonic()) > 0:
            before = self._unpacker.damaged
            packets = self._unpacker.feed(self.port.read(left))
            damaged = self._unpacker.damaged - before
            if damaged:
                self._fault("damaged packets", damaged)
            if packets or damaged:
                self._silences = 0
                if time.monotonic() - self._since > self.patience:
                    raise self._failed(f"the engine made no progress in {self.patience:g} seconds")
                return packets, damaged > 0
        self._silences += 1
        self._fault("silences")
        if self._silences >= _SILENCES:
            raise self._failed(f"no answer {_SILENCES} times in a row")
        return [], False

    def _take(self, packet: Packet) -> bytes:
        """Apply a packet's header; the words that are new in it."""
        header = packet.header
        if header["kind"] != Kind.REPLY:
            # A second WELCOME, or an echo.
            self._fault("unexpected packets")
            return b""
        if header["session"] != self.session:
            raise self._lost("it was reset, or another program uses it")
        acknowledged = (header["ack"] - (self._next - len(self._flight))) % NUMBERS
        if acknowledged > len(self._flight):
            raise self._lost(f"it acknowledges packet {header['ack']}, which was not sent")
        for _ in range(acknowledged):
            self._flight.popleft()
        self._full = bool(header["full"])
        if header["resend"]:
            self._fault("packets that the device refused")
            self._refused = True
            self._window = max(self._window // 2, 1)
        if acknowledged:
            self._window = min(self._window + acknowledged, WINDOW)
            self._progress()
        if len(packet.data) != header["words"] * self.link_bytes:
            raise self._lost("a packet's length contradicts its header")
        if not packet.data:
            return b""
        if header["number"] == self._expected:
            self._expected = (self._expected + 1) % NUMBERS
            self._progress()
            return packet.data
        if (header["number"] + 1) % NUMBERS != self._expected:
            raise self._lost(f"packet {header['number']} arrived, not {self._expected}")
        # A repeated packet: its acknowledgement was in flight, or was lost.
        return b""

    def _progress(self) -> None:
        """A word or an acknowledgement was new: restart what counts towards failure."""
        self._recent.clear()
        self._silences = 0
        self._since = time.monotonic()

    def _fault(self, what: str, times: int = 1) -> None:
        """Count a recovered fault; too many without progress end the session."""
        self.faults[what] += times
        self._recent[what] += times
        if self._recent.total() >= _FAULTS:
            raise self._failed("the line is too bad")

    def _failed(self, what: str) -> CelosiaError:
        seen = ", ".join(f"{count} {what}" for what, count in self._recent.items())
        return CelosiaError(
            what + (f" ({seen})" if seen else ""),
            where=self.port.name,
            todo="check cable and baud rate, and reset the board",
        )

    def _lost(self, what: str) -> CelosiaError:
        return CelosiaError(
            f"the device lost the session: {what}", where=self.port.name, todo="open the port again"
        )
