"""One way in for models of every format: what a file is, its content says."""

from pathlib import Path

import numpy as np

from celosia.network.float_network import FloatNetwork
from celosia.network.network import Network
from celosia.support.errors import CelosiaError, Unsupported, located
from celosia.support.files import read

from .guard import Archive
from .quantized import quantized

__all__ = ["load_model", "model_from_bytes", "to_network"]

_FORMATS = "give .tflite, .onnx, .keras or .pt2"


def load_model(path: Path | str) -> Network | FloatNetwork:
    """The model in a ``.tflite``, ``.onnx``, ``.keras`` or ``.pt2`` file.

    Returns
    -------
    `Network`, when the file holds int8 with its own scales (TFLite, QDQ ONNX); `FloatNetwork`
    otherwise, which `to_network` quantizes. It is named after the file.

    Raises
    ------
    CelosiaError : it cannot be read, is of no known format, is damaged, or needs a Python package
        that is not installed.
    Unsupported : an operation, or a form of it, that is not known; named as in the file.
    """
    path = Path(path)
    data = read(path)
    with located(str(path)):
        return model_from_bytes(data, path.stem or "model", path.suffix)


def model_from_bytes(data: bytes, name: str, suffix: str = "") -> Network | FloatNetwork:
    """As `load_model`; ``suffix`` is asked only where the content leaves it open."""
    if data[4:8] == b"TFL3" or (suffix == ".tflite" and not data.startswith(b"PK")):
        from .tflite import tflite_network

        return tflite_network(data, name)
    if data.startswith(b"PK"):
        return _zip(data, name)
    if data.startswith(b"\x89HDF"):
        raise Unsupported("an HDF5 file of Keras 2", todo="load it in Keras 3 and save as .keras")
    if data.startswith(b"\x80") or suffix in (".pt", ".pth"):
        raise Unsupported(
            "a pickled PyTorch file, which could run code when it is loaded",
            todo="export it with torch.export.save(torch.export.export(model.eval(), (x,)), ...)",
        )
    # Protobuf has no magic; ONNX's first field is its version, a small number.
    if suffix == ".onnx" or (data[:1] == b"\x08" and data[1:2] < b"\x40"):
        from .onnx import onnx_model

        return onnx_model(data, name)
    raise CelosiaError("not a model of a known format", todo=_FORMATS)


def _zip(data: bytes, name: str) -> FloatNetwork:
    names = Archive(data).names
    if "config.json" in names:
        from .keras import keras_network

        return keras_network(data, name)
    if any(each.endswith(("models/model.json", "data.pkl")) for each in names):
        from .torch import torch_network

        return torch_network(data, name)
    raise CelosiaError("a zip file, but of no known model format", todo=_FORMATS)


def to_network(
    model: Network | FloatNetwork, calibration: np.ndarray | None = None, method: str = "mse"
) -> Network:
    """``model`` ready to compile.

    Parameters
    ----------
    model : what `load_model` or `celosia.importer.torch.from_module` gave.
    calibration : float [n, *input_shape], a sample of the inputs to expect. Float models need it;
        quantized ones have their scales and ignore it.
    method : how ranges are chosen: "minmax", "percentile" or "mse" (`celosia.quant.observe`).

    Raises
    ------
    CelosiaError : a float model without calibration, or as `quantized`.
    """
    if isinstance(model, Network):
        return model
    if calibration is None:
        raise CelosiaError(
            "is a float model and needs sample inputs to choose int8 scales",
            where=model.name,
            todo="add --calibrate FILE.npy (in Python: calibration=x)",
        )
    return quantized(model, calibration, method)
