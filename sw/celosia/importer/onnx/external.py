"""Data of tensors in files beside an ``.onnx`` file, as `torch.onnx.export` writes them.

A file says where its data are, and what it says is not to be trusted: only plain files within the
model's own folder are opened, by names without a way up and without links.
"""

import os
import stat
from pathlib import Path, PurePosixPath
from typing import Any

from celosia.importer.guard import text
from celosia.support.errors import CelosiaError, Unsupported
from celosia.support.files import LARGEST

__all__ = ["External"]


class External:
    """Reads parts of files in the folder of a model.

    Parameters
    ----------
    folder : of the model's file; None when its bytes came from elsewhere.

    Attributes
    ----------
    size : bytes read so far.
    """

    def __init__(self, folder: Path | None):
        self._folder, self.size = folder, 0

    def read(self, entries: Any) -> bytes:
        """The bytes that a tensor's ``external_data`` name.

        Raises
        ------
        CelosiaError : the file is missing or shorter than that.
        Unsupported : it is not in the model's folder, or not a plain file.
        """
        values = {each.key: each.value for each in entries}
        place = values.get("location", "")
        try:
            offset, length = (int(values.get(key) or 0) for key in ("offset", "length"))
        except ValueError as error:
            raise CelosiaError(f"offset or length of {text(place)!r} is no number") from error
        if offset < 0 or not 0 <= length <= LARGEST - self.size:
            raise CelosiaError(f"{length} bytes at {offset} of {text(place)!r} are not possible")
        path = self._path(place)
        try:
            data = _part(path, offset, length or None)
        except OSError as error:
            raise CelosiaError(
                f"its data are in {text(place)!r}: {error.strerror or error}",
                todo="keep that file beside the model",
            ) from error
        self.size += len(data)
        return data

    def _path(self, place: str) -> Path:
        if self._folder is None:
            raise Unsupported(
                f"its data are in another file, {text(place)!r}, and the model's folder is not "
                "known",
                todo="give the path of the model",
            )
        parts = PurePosixPath(place).parts
        plain = place and "\\" not in place and ":" not in place and "\0" not in place
        if not plain or place.startswith("/") or ".." in parts or len(place) > 255:
            raise Unsupported(
                f"its data are in {text(place)!r}, which is not in the model's folder",
                todo="save the model with its data beside it",
            )
        path = self._folder
        for part in parts:
            path = path / part
            if path.is_symlink():
                raise Unsupported(
                    f"its data are in {text(place)!r}, which is a link",
                    todo="put the file itself beside the model",
                )
        return path


def _part(path: Path, offset: int, length: int | None) -> bytes:
    # Not waiting for the writer of a pipe; and no link, even one made since it was looked at.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with open(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "not a plain file")
        count = max(status.st_size - offset, 0) if length is None else length
        if count > LARGEST or offset + count > status.st_size:
            raise OSError(0, f"it has {status.st_size} bytes, fewer than {offset + count}")
        file.seek(offset)
        return file.read(count)
