"""What every test shares: MNIST, an environment of its own, and a guard against slow tools."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from coverage import Coverage
from tests.guard import sitecustomize as guard

from celosia.demo.mnist import MD5
from celosia.driver.rtl import verilator
from celosia.support.cache import cache_dir

#: Whether tests take the time to try a board of each family: `make netlist`.
EVERY_FAMILY = os.environ.get("CELOSIA_BOARDS") == "all"
#: The user's own, where `make demo` leaves what it downloads.
_DOWNLOADED = cache_dir() / "mnist"
_CANDIDATE = Path(__file__).resolve().parents[1] / "../shared/data/mnist"


def pytest_configure() -> None:
    """Ctrl-C is tested, also where whoever started the tests ignores it and hands that on."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_sessionfinish() -> None:
    """A worker that takes seconds to end is killed, and would lose what it measured."""
    if measured := Coverage.current():
        measured.save()


#: All tests of a module that imports one of these have the marker ``simulator``.
STARTS = {
    *("Simulator", "RtlTransport", "SerialBoard", "engine_verilog", "open_bare"),
    # `simulate` of tests.helpers.streams.
    *("emit", "emitted_board", "simulate", "synthesized_board"),
}


#: The same for modules that import anything of these.
HELPERS = {"tests.helpers.sim", "tests.helpers.streams"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    for item in items:
        names = vars(item.module)
        homes = {getattr(value, "__module__", "") for value in names.values()}
        if STARTS & names.keys() or HELPERS & homes:
            item.add_marker("simulator")
    if not EVERY_FAMILY:
        items[:] = [item for item in items if not item.get_closest_marker("netlist")]
    # The long ones first, so that no worker is left alone with one at the end.
    items.sort(key=lambda item: item.get_closest_marker("simulator") is None)


def pytest_collection_finish() -> None:
    """Amaranth's simulator is no program that the guard could see."""
    from amaranth.sim import Simulator

    run = Simulator.run

    def guarded(self) -> None:
        guard.check("Amaranth's simulator")
        run(self)

    Simulator.run = guarded


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Function) -> Iterator[None]:
    """Of a test that is not marked ``simulator``, and of the fixtures it is the first to use."""
    if not item.get_closest_marker("simulator"):
        os.environ[guard.VARIABLE] = str(item.config._tmp_path_factory.getbasetemp().parent)
    try:
        return (yield)
    finally:
        os.environ.pop(guard.VARIABLE, None)


def mnist_folder() -> Path | None:
    """Where MNIST's four files are: `CELOSIA_DATA`, next to the checkout, downloaded, or None."""
    if named := os.environ.get("CELOSIA_DATA"):
        return Path(named)
    if _CANDIDATE.is_dir():
        return _CANDIDATE.resolve()
    downloaded = all((_DOWNLOADED / f"{name}.gz").exists() for name in MD5)
    return _DOWNLOADED if downloaded else None


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for one test. Pytest's own is named after the test's parameters: errors quote paths,
    so that a reason among the parameters would be found in any message."""
    return tmp_path_factory.mktemp("one")


@pytest.fixture(scope="session")
def mnist_dir() -> Path:
    """The folder with the real MNIST. If `CELOSIA_DATA` is set but wrong, tests fail, not skip."""
    folder = mnist_folder()
    if folder is None:
        pytest.skip("no MNIST: set CELOSIA_DATA to its folder, or let `make demo` download it")
    return folder


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """Published models to judge by: `CELOSIA_MODELS`, else next to the checkout."""
    named = os.environ.get("CELOSIA_MODELS")
    folder = Path(named) if named else _CANDIDATE.parents[1] / "models"
    if not named and not folder.is_dir():
        pytest.skip("no models: set CELOSIA_MODELS to a folder with MLPerf Tiny's .tflite files")
    return folder.resolve()


@pytest.fixture(scope="session")
def shared(tmp_path_factory) -> Path:
    """One folder for the whole run, workers included."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session", autouse=True)
def _own_environment(shared):
    """One cache for the whole run, away from the user's; and no network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(guard.__file__).parent), prepend=os.pathsep)
        patch.setenv("CELOSIA_CACHE", str(shared / "celosia-cache"))
        patch.setenv("CELOSIA_MNIST_MIRRORS", "http://127.0.0.1:9/")  # refuses at once
        patch.setenv("no_proxy", "127.0.0.1")
        yield


@pytest.fixture(scope="session", autouse=True)
def _compiled_quickly():
    """An engine is simulated for some thousand cycles only: what counts is the compiler's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verilator, "FAST_FLAGS", ("-O0",))
        patch.setattr(verilator, "RUNTIME_FLAGS", ("-O0",))
        yield


@pytest.fixture
def runs_long(monkeypatch) -> None:
    """Of millions of cycles: what counts is the simulation's speed."""
    monkeypatch.setattr(verilator, "FAST_FLAGS", ("-O1",))


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache of the test's own (not made yet), and no folder named by the environment."""
    monkeypatch.setenv("CELOSIA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CELOSIA_DATA", raising=False)
    return tmp_path / "cache"
