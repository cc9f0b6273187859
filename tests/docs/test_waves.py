"""The waves of the documentation are those of the RTL now."""

from pathlib import Path

import pytest
from scripts.pages.waves import DOCS, STALLED, TILE, pictures, read, saved_view

pytestmark = pytest.mark.simulator


def test_pictures_and_view(tmp_path):
    for name, text in pictures(tmp_path).items():
        assert (DOCS / "waves" / name).read_text() == text, "run: python -m scripts.pages.waves"
    valid, ready, payload = (wave.values for wave in read(tmp_path / "stalled.vcd", STALLED))
    held = [at for at in range(1, len(valid)) if valid[at - 1] and not ready[at - 1]]
    assert held and all(valid[at] and payload[at] == payload[at - 1] for at in held)
    # Every signal of the saved view is in the VCD that it names.
    view = saved_view(Path("tile.vcd"))
    known = (tmp_path / "tile.vcd").read_text()
    traces = [line for line in view.splitlines() if "bench.top." in line and "[" not in line]
    assert len(traces) == len(TILE) + 1
    for trace in traces:
        name = trace.rpartition(".")[2] if "\\" not in trace else "\\" + trace.rpartition("\\")[2]
        assert f" {name} $end" in known
