"""An `nn.Module` in memory as a float network, through `torch.export`."""

import io
import warnings
from typing import Any

from celosia.importer.guard import require, text
from celosia.network.float_network import FloatNetwork
from celosia.support.errors import CelosiaError, Unsupported

from .program import torch_network

__all__ = ["from_module"]


def from_module(module: Any, example_input: Any, name: str = "model") -> FloatNetwork:
    """The float network that ``module`` computes in evaluation mode.

    Parameters
    ----------
    module : torch.nn.Module; its mode, training or evaluation, is restored afterwards.
    example_input : float tensor [n, ...], an input of it; only its shape and type matter.
    name : of the network.

    Raises
    ------
    CelosiaError : PyTorch is not installed, or cannot export the module.
    Unsupported : as `torch_network`.
    """
    torch = require("torch", "torch", "torch")
    modes = [(each, each.training) for each in module.modules()]
    file = io.BytesIO()
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            program = torch.export.export(module.eval(), (example_input,))
            torch.export.save(program, file)
    except Exception as error:  # exporting runs the user's own code, which may raise anything
        kind = Unsupported if isinstance(error, NotImplementedError) else CelosiaError
        reason = text(str(error).strip().partition("\n")[0], 200)
        raise kind(f"torch.export fails: {reason}", where=name) from error
    finally:
        for each, training in modes:
            each.training = training
    return torch_network(file.getvalue(), name)
