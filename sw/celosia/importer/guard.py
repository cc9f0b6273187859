"""What every importer does with files and frameworks: limits, names, one-line refusals."""

import contextlib
import importlib
import io
import json
import zipfile
import zlib
from collections.abc import Iterator
from types import ModuleType

import numpy as np

from celosia.support.errors import CelosiaError, Unsupported
from celosia.support.files import LARGEST

__all__ = ["Archive", "named", "parse_json", "require", "text"]

_MOST_MEMBERS = 1 << 16
_BLOCK = 1 << 20


def require(module: str, package: str, extra: str) -> ModuleType:
    """Import a framework.

    Raises
    ------
    CelosiaError : it is not installed; the message names ``package`` and how to install it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise CelosiaError(
            f"the Python package {package} is missing ({error})",
            todo=f"pip install 'celosia[{extra}]'",
        ) from error


@contextlib.contextmanager
def named(what: str, todo: str) -> Iterator[None]:
    """Turn what hostile content makes Python raise into a CelosiaError that calls it ``what``.

    Importers check what they use; this is for what is wrong in a place nobody thought of.
    """
    try:
        # Numbers beyond all bounds are refused where they matter, in one line.
        with np.errstate(all="ignore"):
            yield
    except CelosiaError:
        raise
    except (
        ArithmeticError,
        AssertionError,
        AttributeError,
        LookupError,
        MemoryError,
        RecursionError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        # `text` keeps a file's own characters from the terminal.
        raise CelosiaError(
            f"{what}: {type(error).__name__}: {text(str(error), 100)}", todo=todo
        ) from error


def text(value: object, limit: int = 80) -> str:
    """A name out of a file as one short printable line."""
    return "".join(c if c.isprintable() else "?" for c in str(value)[:limit])


def parse_json(data: bytes, what: str) -> dict:
    """A JSON object.

    Raises
    ------
    CelosiaError : it is none.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise CelosiaError(f"{what} is not JSON", todo="save the model again") from error
    if not isinstance(document, dict):
        raise CelosiaError(f"{what} is not a JSON object", todo="save the model again")
    return document


class Archive:
    """A zip file that is only ever read into memory, so no name in it can reach a path.

    Members are unpacked on demand, all of them together to at most
    `celosia.support.files.LARGEST` bytes and at most 100 times the file's own size, so that a small
    file cannot ask for all memory.
    """

    def __init__(self, data: bytes):
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
            infos = self._zip.infolist()
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, LookupError) as error:
            raise CelosiaError(
                "not a zip file, or cut short or damaged", todo="save the model again"
            ) from error
        methods = {info.compress_type for info in infos}
        if methods - {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise Unsupported(f"its compression {max(methods)}", todo="save the model again")
        if len(infos) > _MOST_MEMBERS:
            raise CelosiaError(f"{len(infos)} members are more than {_MOST_MEMBERS}")
        self._left = min(LARGEST, 100 * len(data) + _BLOCK)
        self.names = [info.filename for info in infos]

    def read(self, name: str) -> bytes:
        """The member ``name``.

        Raises
        ------
        CelosiaError : it is not there, damaged, encrypted, or unpacks to too much.
        """
        parts = []
        try:
            with self._zip.open(name) as member:
                while block := member.read(_BLOCK):
                    self._left -= len(block)
                    if self._left < 0:
                        raise CelosiaError(f"{text(name)} unpacks to too much")
                    parts.append(block)
        except KeyError:
            raise CelosiaError(f"{text(name)} is missing", todo="save the model again") from None
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            OSError,
            ValueError,
            RuntimeError,
            NotImplementedError,
            LookupError,
        ) as error:
            raise CelosiaError(
                f"{text(name)} is damaged or encrypted", todo="save the model again"
            ) from error
        return b"".join(parts)
