"""A ``.tflite`` file as a network, with the path in every message."""

from pathlib import Path

from celosia.network.network import Network
from celosia.support.errors import located
from celosia.support.files import read

from .to_graph import tflite_network

__all__ = ["read_tflite"]


def read_tflite(path: Path | str) -> Network:
    """The network in a ``.tflite`` file, named after the file.

    Raises
    ------
    CelosiaError : the file cannot be read, is larger than 1 GiB, or as `tflite_network`.
    Unsupported : as `tflite_network`.
    """
    path = Path(path)
    data = read(path)
    with located(str(path)):
        return tflite_network(data, path.stem or "model")
