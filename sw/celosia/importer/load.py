"""One way in for models of every format."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from celosia.network import float_file
from celosia.network.float_network import FloatNetwork
from celosia.network.graph import Graph
from celosia.network.network import Network
from celosia.network.network_file import network_from_bytes
from celosia.numerics.runtime import Runtime
from celosia.quant import quantize
from celosia.support.errors import CelosiaError, located
from celosia.support.files import read

from .formats import Format, identify, refuse_folder

__all__ = ["Model", "load_model", "model_from_bytes", "to_network"]

#: What a model file can hold.
Model = Graph | Network | FloatNetwork


def load_model(path: Path | str, reference: Runtime | str | None = None) -> Model:
    """The model in a ``.tflite``, ``.onnx``, ``.keras``, ``.pt2`` or Celosia's own ``.npz`` file.

    Parameters
    ----------
    reference : whose bytes an int8 ``.tflite`` file gives, "litert" (the default) or "tflm", which
        is TFLite Micro. Other int8 files have their own arithmetic, and only that may be asked for.
        Float models have none yet: `to_network` takes it.

    Returns
    -------
    `FloatNetwork`, which is named after the file and which `to_network` quantizes; or `Network`,
    when the file holds int8 with its own scales (TFLite, QDQ ONNX, what `save_network` wrote); or
    `Graph`, when that is all that `save_network` was given.

    Raises
    ------
    CelosiaError : it cannot be read, is of no known format or compiled already, is damaged, or
        needs a Python package that is not installed; or it does not give the bytes asked for.
    Unsupported : an operation, or a form of it, that is not known; named as in the file.
    """
    path = Path(path)
    refuse_folder(path)
    data = read(path)
    with located(str(path)):
        name, folder = path.stem or "model", path.parent
        return model_from_bytes(data, name, path.suffix, reference, folder=folder)


def model_from_bytes(
    data: bytes,
    name: str,
    suffix: str = "",
    reference: Runtime | str | None = None,
    *,
    folder: Path | None = None,
) -> Model:
    """As `load_model`, of a file's content.

    Parameters
    ----------
    suffix : of the file's name, for `identify`.
    reference : as in `load_model`.
    folder : of the file, where an ``.onnx`` file may keep its weights; None when it is not known.
    """
    kind = identify(data, suffix)
    if kind is Format.IMAGE:
        raise CelosiaError("is compiled already", todo="give the model that it was made of")
    if kind is Format.TFLITE:
        return _tflite(data, name, Runtime(reference or Runtime.LITERT))
    model = _onnx(data, name, folder) if kind is Format.ONNX else _READERS[kind](data, name)
    if isinstance(model, FloatNetwork):
        return model
    own = model.reference if isinstance(model, Network) else Runtime.LITERT
    if reference and reference != own:
        raise CelosiaError(
            f"gives the bytes of {own.label}, not those of {Runtime(reference).label}",
            todo="give the .tflite file, or leave out --reference",
        )
    return model


def _float(data: bytes, name: str) -> FloatNetwork:
    return replace(float_file.from_bytes(data), name=name)


def _network(data: bytes, name: str) -> Graph | Network:
    """Called as it was when it was quantized, so that its program is the same."""
    return network_from_bytes(data)


# Functions, so that a format's packages are imported when a file asks for them.


def _tflite(data: bytes, name: str, reference: Runtime = Runtime.LITERT) -> Network | FloatNetwork:
    from .tflite import tflite_model

    return tflite_model(data, name, reference)


def _onnx(data: bytes, name: str, folder: Path | None) -> Network | FloatNetwork:
    from .onnx import onnx_model

    return onnx_model(data, name, folder)


def _keras(data: bytes, name: str) -> FloatNetwork:
    from .keras import keras_network

    return keras_network(data, name)


def _torch(data: bytes, name: str) -> FloatNetwork:
    from .torch import torch_network

    return torch_network(data, name)


_READERS: dict[Format, Callable[[bytes, str], Model]] = {
    Format.NETWORK: _network,
    Format.FLOAT: _float,
    Format.TFLITE: _tflite,
    Format.KERAS: _keras,
    Format.TORCH: _torch,
}


def to_network(
    model: Model,
    calibration: np.ndarray | None = None,
    method: str = "mse",
    reference: Runtime | str | None = None,
) -> Network | Graph:
    """``model`` ready to compile: itself, or the int8 network of a float one (`quantize`).

    Parameters
    ----------
    model : what `load_model` or `celosia.importer.torch.from_module` gave.
    calibration : float [n, *input_shape], a sample of the inputs to expect. Float models need it;
        quantized ones have their scales and ignore it.
    method : how ranges are chosen: "minmax", "percentile" or "mse" (`celosia.quant.choose_range`).
    reference : of a float model, whose bytes it gives: "litert" (the default) or "tflm".

    Raises
    ------
    CelosiaError : a float model without calibration, or as `quantize`.
    """
    if not isinstance(model, FloatNetwork):
        return model
    if calibration is None:
        raise CelosiaError(
            "is a float model and needs sample inputs to choose int8 scales",
            where=model.name,
            todo="add --calibrate FILE.npy (in Python: calibration=x)",
        )
    return quantize(model, calibration, method, reference=reference or Runtime.LITERT)
