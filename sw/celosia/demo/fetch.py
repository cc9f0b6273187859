"""Download a published file from the first mirror that serves it undamaged."""

import hashlib
import http.client
import queue
import threading
import urllib.error
import urllib.request
from typing import Any

from celosia.support.errors import CelosiaError
from celosia.support.progress import Progress, silent

from .idx import unpack

__all__ = ["Unreachable", "fetch", "md5"]

_SECONDS = 5  # to wait for an answer, and then for each piece of it
_PIECE = 1 << 16  # bytes between two progress reports
_LIMIT = 1 << 26  # bytes; six times MNIST's largest download

# URLError and timeouts are OSErrors; an invalid host name or header is a ValueError.
_FAILURES = (OSError, http.client.HTTPException, ValueError)


class Unreachable(Exception):
    """No mirror served the file; the text gives the reason for each, in one line."""


def md5(data: bytes) -> str:
    """Hex MD5. It detects transmission errors, not malice."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def fetch(name: str, digest: str, mirrors: list[str], progress: Progress = silent) -> bytes:
    """Download ``name`` from the first of ``mirrors`` that serves it.

    Parameters
    ----------
    name : file name, appended to each mirror.
    digest : hex MD5 of the content after gunzipping: compression may differ between mirrors.
    mirrors : base URLs.
    progress : called with the bytes received so far.

    Returns
    -------
    The file as served, still gzipped.

    Raises
    ------
    Unreachable : every mirror was down, refused, stalled, or served other content.
    """
    failures = []
    for mirror in mirrors:
        url = f"{mirror.rstrip('/')}/{name}"
        try:
            raw = _download(url, progress)
            if md5(unpack(raw, where=url)) == digest:
                return raw
            failures.append(f"{url}: wrong checksum")
        except _FAILURES as error:
            reason = getattr(error, "reason", None) or str(error) or type(error).__name__
            failures.append(f"{url}: {reason}")
        except CelosiaError as error:
            failures.append(str(error))
    raise Unreachable("; ".join(failures))


def _download(url: str, progress: Progress) -> bytes:
    with _open(url) as response:
        total = int(response.headers.get("Content-Length") or 0)
        received = bytearray()
        while piece := response.read(_PIECE):
            received += piece
            if len(received) > _LIMIT:
                raise OSError(f"more than {_LIMIT >> 20} MiB")
            progress(f"downloading {url}", len(received), total)
    if len(received) < total:
        raise OSError(f"connection lost after {len(received)} of {total} bytes")
    return bytes(received)


def _open(url: str) -> http.client.HTTPResponse:
    """Open ``url``; a TimeoutError after `_SECONDS` in all.

    A socket's own timeout does not bound name look-up, and starts again for every address of a
    host: behind a firewall that drops packets this adds up to minutes. So a thread waits for the
    answer, and is abandoned when it takes too long.
    """
    answer: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def request() -> None:
        try:
            answer.put(urllib.request.urlopen(url, timeout=_SECONDS))
        except urllib.error.HTTPError as error:
            error.close()  # its body is an open connection
            answer.put(error)
        except Exception as error:  # passed to the caller, which knows which ones to expect
            answer.put(error)

    threading.Thread(target=request, daemon=True).start()
    try:
        result = answer.get(timeout=_SECONDS)
    except queue.Empty:
        raise TimeoutError(f"no answer in {_SECONDS} s") from None
    if isinstance(result, Exception):
        raise result
    return result
