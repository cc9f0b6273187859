"""Zip archives, such as .keras and .pt2 files, with parts of them changed."""

import io
import json
import zipfile
from collections.abc import Callable

__all__ = ["changed", "in_json"]

#: Changes the parts of an archive, by name.
Edit = Callable[[dict[str, bytes]], object]


def changed(data: bytes, edit: Edit) -> bytes:
    """The archive ``data`` after ``edit``."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    edit(parts)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return made.getvalue()


def in_json(ending: str, edit: Callable[[dict], object]) -> Edit:
    """An edit of the JSON document whose name has this ending."""

    def apply(parts: dict[str, bytes]) -> None:
        name = next(each for each in parts if each.endswith(ending))
        document = json.loads(parts[name])
        edit(document)
        parts[name] = json.dumps(document).encode()

    return apply
