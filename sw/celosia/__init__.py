"""Celosia: int8 neural networks from model file to engine, every byte equal to the golden model.

>>> import celosia
>>> data = celosia.load_mnist()
>>> network = celosia.quantize(celosia.train_mlp(data), celosia.scaled(data.x_train[:1000]))
>>> image = celosia.compile(network, celosia.Config.default(rows=16, cols=16))
>>> with celosia.open("rtl", image) as device:
...     scores = device.run(celosia.scaled(data.x_test))

``scores`` are float32 [images, 10], like the float network's own. A model in a file is compiled in
one step, ``celosia.compile("model.keras", config, calibration=x)``, and
``image.save("mnist.celosia")`` keeps the result.
"""

import importlib
import importlib.metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # what type checkers and editors read; `_HOMES` says the same when it runs
    from .compiler.image import Image
    from .demo import load_mnist, scaled
    from .demo.train import train_mlp
    from .driver import open
    from .importer import load_model, to_network
    from .importer.compiled import compile
    from .network.float_network import FloatNetwork
    from .network.graph import Graph
    from .network.network import Network
    from .network.network_file import load_network, save_network
    from .quant import quantize
    from .spec import Config
    from .support.errors import CelosiaError

    __version__: str

__all__ = [
    "CelosiaError",
    "Config",
    "FloatNetwork",
    "Graph",
    "Image",
    "Network",
    "compile",
    "load_mnist",
    "load_model",
    "load_network",
    "open",
    "quantize",
    "save_network",
    "scaled",
    "to_network",
    "train_mlp",
]

# PEP 562: a name is imported when it is first asked for, so that `import celosia` costs nothing
# and needs none of the extras.
_HOMES = {
    "CelosiaError": "support.errors",
    "Config": "spec",
    "FloatNetwork": "network.float_network",
    "Graph": "network.graph",
    "Image": "compiler.image",
    "Network": "network.network",
    "compile": "importer.compiled",
    "load_mnist": "demo",
    "load_model": "importer",
    "load_network": "network.network_file",
    "open": "driver",
    "quantize": "quant",
    "save_network": "network.network_file",
    "scaled": "demo",
    "to_network": "importer",
    "train_mlp": "demo.train",
}

#: Names of earlier versions, which still work.
_FORMER = {"load_graph": "load_network", "save_graph": "save_network"}


def __getattr__(name: str) -> object:
    if name == "__version__":
        return importlib.metadata.version("celosia")
    name = _FORMER.get(name, name)
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
