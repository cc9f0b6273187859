"""Setting up and the Makefile: what a newcomer meets first."""

import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from scripts.supply import TESTS

_ROOT = Path(__file__).resolve().parents[1]


def run(*command: object, **options) -> subprocess.CompletedProcess:
    return subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=120, **options
    )


def test_make_lists_its_targets():
    ran = run("make", "--no-print-directory", cwd=_ROOT)
    listed = {line.split()[0] for line in ran.stdout.splitlines()}
    targets = set(re.findall(r"^([a-z]+):", (_ROOT / "Makefile").read_text(), re.M))
    assert ran.returncode == 0 and listed == targets


@pytest.mark.parametrize("target", ["demo", "check", "test", "sim", "verilog", "bench", "gen"])
def test_every_target_can_be_planned(target):
    options = ("SIM=icarus", "WAVES=1", "SEED=3", "ROWS=2", "COLS=8")
    ran = run("make", "-n", target, *options, cwd=_ROOT)
    assert ran.returncode == 0, ran.stderr
    if target == "sim":
        assert "--sim icarus" in ran.stdout and "--waves --seed 3" in ran.stdout
    if target == "verilog":
        assert "--rows 2 --cols 8" in ran.stdout


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A copy of what setting up looks at, with an environment that seems complete."""
    for name in ("pyproject.toml", "scripts/setup.sh"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(_ROOT / name, tmp_path / name)
    return tmp_path


def tools(folder: Path, *names: str) -> str:
    """A PATH with just these programs."""
    folder.mkdir()
    for name in names:
        (folder / name).symlink_to(shutil.which(name))
    return str(folder)


#: What the script itself uses.
_BASIC = ("bash", "dirname", "cat", "sha256sum", "cut", "env", "rm", "touch")


def test_setup_does_nothing_twice(checkout):
    python = checkout / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    # An environment whose pip installs nothing, and counts how often it was asked to.
    python.write_text('#!/bin/sh\ncase "$*" in *install*) echo x >> "$0.calls";; esac\n')
    python.chmod(0o755)
    calls = checkout / ".venv/bin/python.calls"
    for _ in range(2):
        assert run(checkout / "scripts/setup.sh", "demo").returncode == 0
    assert calls.read_text() == "x\n"
    start = time.monotonic()
    assert run(checkout / "scripts/setup.sh", "demo").returncode == 0
    assert time.monotonic() - start < 5
    # Other dependencies are another environment.
    with open(checkout / "pyproject.toml", "a") as file:
        file.write("# changed\n")
    assert run(checkout / "scripts/setup.sh", "demo").returncode == 0
    assert calls.read_text() == "x\nx\n"


def test_setup_says_what_is_missing(checkout, tmp_path):
    path = tools(tmp_path / "bin", *_BASIC)
    ran = run(checkout / "scripts/setup.sh", "dev", env={"PATH": path})
    assert ran.returncode == 2
    assert ran.stderr == "setup: please install: g++ make perl iverilog\n"


def test_setup_without_root_shows_the_command(checkout, tmp_path):
    path = tools(tmp_path / "bin", *_BASIC)
    for name, text in (("apt-get", "exit 0"), ("sudo", "exit 1"), ("id", "echo 1000")):
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "bin/sh").symlink_to(shutil.which("sh"))
    ran = run(checkout / "scripts/setup.sh", "demo", env={"PATH": path})
    assert ran.returncode == 2
    assert ran.stderr == "setup: please run: sudo apt-get install -y g++\n"


def test_setup_needs_a_recent_python(checkout, tmp_path):
    path = tools(tmp_path / "bin", *_BASIC, "g++")
    ran = run(checkout / "scripts/setup.sh", "demo", env={"PATH": path})
    assert (ran.returncode, ran.stderr) == (
        2, "setup: Python 3.11 or later is needed; please install it\n",
    )  # fmt: skip


def test_setup_knows_its_profiles(checkout):
    ran = run(checkout / "scripts/setup.sh", "bogus", env=dict(os.environ))
    assert (ran.returncode, ran.stderr) == (
        2, "setup: no profile 'bogus'; choose demo or dev\n",
    )  # fmt: skip


def test_wheel_has_all_files_of_both_packages(tmp_path):
    ran = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path, cwd=_ROOT)
    assert ran.returncode == 0, ran.stderr
    (wheel,) = tmp_path.glob("*.whl")
    shipped = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    sources = {
        path.relative_to(_ROOT / folder).as_posix()
        for folder in ("hw", "sw")
        for path in (_ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert shipped == sources
    assert {"celosia/py.typed", "celosia_hw/py.typed"} <= shipped


def test_the_wheel_built_twice_is_the_same_file(tmp_path):
    """From another folder, of younger files; with a date given or without."""
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("hw", "sw", "pyproject.toml", "README.md", "LICENSE"):
        if (_ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(
                _ROOT / name, copy / name, ignore=ignored, copy_function=shutil.copyfile
            )
        else:
            shutil.copyfile(_ROOT / name, copy / name)
    for date in ({}, {"SOURCE_DATE_EPOCH": "1700000000"}):
        wheels = []
        for root in (_ROOT, copy):
            folder = tmp_path / f"{root.name}{len(date)}"
            command = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
            ran = run(*command, cwd=root, env=os.environ | date)
            assert ran.returncode == 0, ran.stderr
            (wheel,) = folder.glob("*.whl")
            wheels.append(wheel.read_bytes())
        assert wheels[0] == wheels[1], date


def test_the_lock_has_what_the_project_asks_for():
    """Every direct dependency but PyTorch, which setup.sh installs, in a legal version."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
    requirements = sum(project["optional-dependencies"].values(), project["dependencies"])
    locked = dict(
        re.findall(r"(?m)^([a-z0-9.-]+)==(\S+) ", (_ROOT / "requirements.lock").read_text())
    )
    asked = map(Requirement, requirements)
    direct = [each for each in asked if each.name not in ("celosia", "torch")]
    assert len(direct) > 20
    for each in direct:
        name = each.name.lower().replace("_", "-")
        assert name in locked, f"{each}: run `python -m scripts.supply lock`"
        assert each.specifier.contains(locked[name], prereleases=True), each


def test_the_tests_of_the_supply_are_there():
    asked = [each for each in TESTS if "::" in each]
    ran = run(sys.executable, "-m", "pytest", "--collect-only", "-q", *asked, cwd=_ROOT)
    assert ran.returncode == 0 and f"{len(asked)} tests collected" in ran.stdout, ran.stdout
    assert all((_ROOT / each.partition("::")[0]).exists() for each in TESTS)
