"""The device's side of the serial protocol as a `BytePort`, to try the host's side on quickly."""

import time

from celosia.simulated import ModelDevice
from celosia.spec import Config

__all__ = ["DevicePort"]


class DevicePort(ModelDevice):
    """A `BytePort` with a golden model at its other end.

    Parameters
    ----------
    config : its engine.
    to_device, to_host : what befalls the bytes of each direction.
    room : as of `ModelDevice`.
    """

    name = "model"

    def __init__(self, config: Config, to_device=bytes, to_host=bytes, room: int = 2):
        self.to_device, self.to_host = to_device, to_host
        super().__init__(config, room)

    def read(self, timeout: float) -> bytes:
        data = self.take()
        if not data:
            time.sleep(timeout)
        return self.to_host(data)

    def write(self, data: bytes) -> None:
        self.give(self.to_device(data))
