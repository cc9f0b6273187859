"""Headless Chromium, to look at pages as their readers would."""

import shutil
import subprocess
import tempfile
from pathlib import Path

__all__ = ["CHROMIUM", "dump"]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-quic", "--allow-file-access-from-files", "--virtual-time-budget=4000"),
)


def dump(page: Path) -> str:
    """The document of ``page`` after its scripts have run."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [CHROMIUM, *_FLAGS, f"--user-data-dir={folder}", "--dump-dom", page.as_uri()],
            capture_output=True,
            text=True,
            timeout=60,
        )
    return done.stdout
