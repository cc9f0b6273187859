"""The FuseSoC core without FuseSoC: its engine exists, and its smoke test passes in Icarus."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from celosia.driver.rtl.source import engine_verilog
from celosia.spec import Config

_ROOT = Path(__file__).resolve().parents[1]


def core_config() -> Config:
    """The engine that celosia.core asks its generator for."""
    parameters = re.search(r"parameters: \{(.*)\}", (_ROOT / "celosia.core").read_text())[1]
    return Config.default(**{name: int(n) for name, n in re.findall(r"(\w+): (\d+)", parameters)})


def test_smoke(tmp_path):
    if shutil.which("iverilog") is None:
        pytest.fail("Icarus Verilog is missing; install it with: apt-get install iverilog")
    engine = tmp_path / "celosia_axi.v"
    engine.write_text(engine_verilog(core_config(), axi=True))
    program = tmp_path / "smoke.vvp"
    subprocess.run(
        ["iverilog", "-s", "smoke", "-o", program, _ROOT / "fusesoc/smoke.v", engine], check=True
    )
    ran = subprocess.run(["vvp", "-n", program], capture_output=True, text=True, timeout=120)
    assert (ran.returncode, ran.stdout.splitlines()[-1:]) == (0, ["PASS"]), ran.stdout


def test_cores_name_files_that_exist():
    for core, names in (("celosia.core", "smoke.v"), ("fusesoc/generator.core", "generate.py")):
        text = (_ROOT / core).read_text()
        assert text.startswith("CAPI=2:\n") and names in text
        assert (_ROOT / "fusesoc" / names).is_file()
