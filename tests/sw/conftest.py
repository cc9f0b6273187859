"""What the tests of the command line share: small digits, a model at every stage, a runner."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from tests.helpers.idx_files import write_folder

from celosia.cli import main
from celosia.compiler import compile
from celosia.demo import load_mnist, scaled
from celosia.demo.train import train_mlp
from celosia.network.network_file import save_network
from celosia.quant import quantize
from celosia.spec import Config


class Ran(NamedTuple):
    """How a command ended and what it printed."""

    status: int
    out: str
    err: str


class Files(NamedTuple):
    """One network as a float model, as a graph, compiled for a 2x4 engine, and inputs for it."""

    model: str
    graph: str
    image: str
    inputs: str


#: Options of the engine that `Files.image` is for.
ENGINE = ("--rows", "2", "--cols", "4")


@pytest.fixture
def celosia(capsys) -> Callable[..., Ran]:
    """``celosia(*arguments)`` in this process."""

    def run(*arguments: object) -> Ran:
        capsys.readouterr()
        status = main(list(map(str, arguments)))
        return Ran(status, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def digits(tmp_path_factory) -> Path:
    """A folder in MNIST's format: 300 easy images to train on, 60 to test on."""
    return write_folder(tmp_path_factory.mktemp("digits"), 300, 60)


@pytest.fixture(scope="session")
def files(tmp_path_factory, digits) -> Files:
    folder = tmp_path_factory.mktemp("files")
    made = Files(*(str(folder / name) for name in ("m.npz", "g.npz", "m.celosia", "x.npy")))
    data = load_mnist(digits)
    model = train_mlp(data, hidden=(12,), epochs=3)
    graph = quantize(model, scaled(data.x_train)).graph
    model.save(made.model)
    save_network(graph, made.graph)
    compile(graph, Config.default(2, 4)).save(made.image)
    np.save(made.inputs, scaled(data.x_test))
    return made
