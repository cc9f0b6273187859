"""The device's side of the serial protocol over the golden model, without a clock."""

from collections import deque

from celosia.driver.serial.packets import Packet, Unpacker, pack
from celosia.model.link import LinkModel
from celosia.spec import Config
from celosia.spec.serial import NO_SESSION, NUMBERS, SERIAL_VERSION, Kind, max_words

__all__ = ["ModelDevice"]


class ModelDevice:
    """Answers the packets of docs/serial.md as a board does; its engine is a `LinkModel`.

    Parameters
    ----------
    config : the engine.
    room : request packets that find room, of which the engine works through one in every answer.

    Attributes
    ----------
    busy : always False; what is given is answered at once.
    executed : requests answered since construction.
    """

    busy = False

    def __init__(self, config: Config, room: int = 2):
        self.room = room
        self.link_bytes, self.model = config.link_bytes, LinkModel(config)
        self.version = SERIAL_VERSION
        self.executed = 0
        self._unpacker = Unpacker()
        self._answers = bytearray()
        self.reset()

    def reset(self) -> None:
        """As by the board's button. The engine's memories keep their contents."""
        self._begin(NO_SESSION)

    def give(self, data: bytes) -> None:
        """Receive bytes from the line."""
        damaged = self._unpacker.damaged
        for packet in self._unpacker.feed(data):
            self._packet(packet)
        if self._unpacker.damaged != damaged:
            self._reply(resend=1)

    def take(self, quiet: float = 0.0) -> bytes:
        """The bytes that are sent to the line since the last call; ``quiet`` changes nothing."""
        data, self._answers = bytes(self._answers), bytearray()
        return data

    def close(self) -> None:
        """Nothing is held."""

    def _begin(self, session: int) -> None:
        self.session, self._expected, self._number = session, 0, 0
        self._waiting: deque[tuple[bytes, int]] = deque()
        self._frame = b""
        self._responses: deque[tuple[bytes, int]] = deque()
        self._sealed: tuple[bytes, int] | None = None

    def _packet(self, packet: Packet) -> None:
        header, refused = packet.header, 0
        if header["kind"] == Kind.HELLO:
            self._begin(header["session"])
            # A WELCOME has its version and link word's size where others have numbers and words.
            version, size = self.version, self.link_bytes
            self._answers += pack(
                Kind.WELCOME, session=self.session, number=version % 16, ack=version >> 4,
                words=size % 128, last=size >> 7,
            )  # fmt: skip
            return
        if header["session"] == self.session:
            if self._sealed and header["ack"] == (self._number + 1) % NUMBERS:
                self._number, self._sealed = header["ack"], None
            if packet.data and header["number"] == self._expected:
                refused = int(len(self._waiting) >= self.room)
                if not refused:
                    self._expected = (self._expected + 1) % NUMBERS
                    self._waiting.append((packet.data, header["last"]))
        self._work()
        self._reply(refused)

    def _work(self) -> None:
        if not self._waiting:
            return
        data, last = self._waiting.popleft()
        self._frame += data
        if last:
            response, self._frame = self.model.respond(self._frame), b""
            self.executed += 1
            size = max_words(self.link_bytes) * self.link_bytes
            for start in range(0, len(response), size):
                end = int(start + size >= len(response))
                self._responses.append((response[start : start + size], end))

    def _reply(self, resend: int) -> None:
        if not self._sealed and self._responses:
            self._sealed = self._responses.popleft()
        data, last = self._sealed or (b"", 0)
        self._answers += pack(
            Kind.REPLY, data, session=self.session, number=self._number, ack=self._expected,
            words=len(data) // self.link_bytes, last=last, resend=resend,
            full=int(len(self._waiting) >= self.room),
        )  # fmt: skip
