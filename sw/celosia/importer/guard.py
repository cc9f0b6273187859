"""What every importer needs against damaged and hostile files: budgets, and one-line errors."""

import contextlib
import importlib
import io
import json
import zipfile
import zlib
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

from celosia.support.errors import CelosiaError, Unsupported, located
from celosia.support.files import LARGEST

__all__ = ["Archive", "Budget", "damage_as_error", "parse_json", "require", "text"]

_MOST_MEMBERS = 1 << 16
_BLOCK = 1 << 20
#: What is allowed beyond a multiple of the file's size, so that a tiny file is not refused.
_MARGIN = 1 << 20
#: How much one byte of a file may cost to read and to compute with, see `Budget.of_file`.
_PER_BYTE = 8
#: How much larger a zip archive's members may be than the archive.
_PER_PACKED_BYTE = 100


class Budget:
    """How much may still be read or computed for one file.

    A few bytes of a file can refer to one large part many times, so a small file could ask for
    endless work or all memory. Every importer therefore charges what it reads and computes to a
    budget that is proportional to the file's size. A part that is used twice is charged twice.

    Parameters
    ----------
    amount : bytes or numbers, whichever the importer charges.
    refusal : the error's text when the budget is exceeded.
    todo : what the user can do then.
    """

    def __init__(self, amount: int, refusal: str, todo: str = ""):
        self._left, self._refusal, self._todo = amount, refusal, todo

    @classmethod
    def of_file(cls, size: int, refusal: str, todo: str = "") -> "Budget":
        """The budget of a file of ``size`` bytes: eight times as much, and 2**20."""
        return cls(_PER_BYTE * size + _MARGIN, refusal, todo)

    def spend(self, amount: int) -> None:
        """Charge ``amount``.

        Raises
        ------
        CelosiaError : more than is left.
        """
        self._left -= amount
        if self._left < 0:
            raise CelosiaError(self._refusal, todo=self._todo)


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
def damage_as_error(what: str, todo: str) -> Iterator[None]:
    """Turn what a damaged file makes Python raise into a CelosiaError that begins with ``what``.

    Importers check what they use; this covers what they did not foresee.

    Raises
    ------
    CelosiaError : in place of the exception; its name and text follow ``what``.
    """
    try:
        # Numbers that overflow are refused where they matter, in one line.
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
        OSError,  # what h5py raises for a damaged file
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
    """A name or value from a file as one printable line of at most ``limit`` characters."""
    return "".join(c if c.isprintable() else "?" for c in str(value)[:limit])


def parse_json(data: bytes, what: str) -> dict[str, Any]:
    """The JSON object in ``data``; ``what`` names it in errors.

    Raises
    ------
    CelosiaError : it is not JSON, or not an object.
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

    Members are unpacked on demand, all together to at most `celosia.support.files.LARGEST` bytes,
    and to at most 100 times the file's own size and 2**20: a small file cannot ask for all memory.

    Attributes
    ----------
    names : of all members, in the order of the file.

    Raises
    ------
    CelosiaError : ``data`` is not a zip file, is damaged, or has more than 2**16 members.
    Unsupported : a member is compressed by another method than deflate.
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
            raise Unsupported(
                f"compression method {max(methods)} of a zip file", todo="save the model again"
            )
        if len(infos) > _MOST_MEMBERS:
            raise CelosiaError(f"{len(infos)} members are more than {_MOST_MEMBERS}")
        most = min(LARGEST, _PER_PACKED_BYTE * len(data) + _MARGIN)
        self._budget = Budget(most, "unpacks to more than a model file does")
        self.names = [info.filename for info in infos]

    def read(self, name: str) -> bytes:
        """The bytes of member ``name``.

        Raises
        ------
        CelosiaError : it is missing, damaged or encrypted, or unpacks to too much.
        """
        parts = []
        try:
            with self._zip.open(name) as member, located(text(name)):
                while block := member.read(_BLOCK):
                    self._budget.spend(len(block))
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
