"""`celosia board --simulate` in a process of its own."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["simulated"]


@contextmanager
def simulated(*options: object, transport: str = "golden", patience: int = 60) -> Iterator[Any]:
    """What the board says of itself, as JSON; after the block, what it printed too, as "said".

    ``patience`` : seconds until it must be there. Its file board.json is in the current folder.
    """
    Path("board.json").unlink(missing_ok=True)
    command = [sys.executable, "-m", "celosia", "board", "--json", "board.json"]
    command += ["--transport", transport, "--simulate", *map(str, options)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        until = time.monotonic() + patience
        while not Path("board.json").exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until
            time.sleep(0.05)
        facts = json.loads(Path("board.json").read_text())
        yield facts
        process.send_signal(signal.SIGTERM)
        facts["said"], errors = process.communicate(timeout=30)
        assert process.returncode == 0, errors
        # Compiling the RTL tells its steps there.
        assert transport == "rtl" or not errors, errors
    finally:
        process.kill()
        process.communicate()
