"""Programs in place of synthesis, place and route and packing: they answer at once."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

__all__ = ["YOSYS", "FakeTools", "report"]

#: A script for `FakeTools.replace`.
YOSYS = """
echo '{"design": {"num_cells_by_type": {"SB_LUT4": 7, "SB_DFF": 3, "SB_DFFE": 2}}}' > top.stat.json
echo '{}' > top.json
"""
#: The report that stands next to it goes to where --report says.
_NEXTPNR = """
while [ "$1" ]; do
  case "$1" in --report) to=$2;; --seed) echo "seed $2";; esac
  shift
done
cp "$0.json" "$to"
echo routed > top.asc
"""
_ICEPACK = 'cp "$1" "$2"'


def report(
    share: float = 1.25, constraint: float = 24, **used: int
) -> dict[str, Mapping[str, Mapping[str, float]]]:
    """What nextpnr-ice40 writes with --report, of an UP5K."""
    available = {
        "ICESTORM_LC": 5280,
        "ICESTORM_RAM": 30,
        "ICESTORM_DSP": 8,
        "ICESTORM_SPRAM": 4,
        "SB_GB": 8,
    }
    return {
        "critical_paths": [],
        "fmax": {"clk": {"achieved": share * constraint, "constraint": constraint}},
        "utilization": {
            name: {"used": used.get(name, 2), "available": count}
            for name, count in available.items()
        },
    }


class FakeTools:
    """Tools for iCE40 in ``folder``, found by their environment variables.

    Attributes
    ----------
    design : what elaborating gives instead of an engine.
    """

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch):
        self.folder = folder
        folder.mkdir()
        for name, variable, script in (
            ("yosys", "YOSYS", YOSYS),
            ("nextpnr", "NEXTPNR_ICE40", _NEXTPNR),
            ("icepack", "ICEPACK", _ICEPACK),
        ):
            self.replace(name, script)
            patch.setenv(variable, str(folder / name))
        self.reports(report())
        self.design = SimpleNamespace(
            technology="ice40",
            verilog="module top; endmodule\n",
            constraints="set_io a 1\n",
            clock=24.0,
            baud=3_000_000,
        )

    def replace(self, name: str, script: str) -> None:
        """Have the tool ``name`` run ``script``; calls are counted, but not for its version."""
        program = self.folder / name
        program.write_text(
            f"#!/bin/sh\ncase $1 in --version) echo {name} 1.0; exit;; esac\n"
            f'echo x >> "$0.calls"\n{script}\n'
        )
        program.chmod(0o755)

    def reports(self, document: object) -> None:
        """Let the place and route tool report this."""
        (self.folder / "nextpnr.json").write_text(json.dumps(document))

    def calls(self, name: str) -> int:
        """How often a tool was run."""
        path = self.folder / f"{name}.calls"
        return len(path.read_text().splitlines()) if path.exists() else 0
