"""`celosia run --port` on a board in simulation, through its serial pins and a pseudo-terminal.

MNIST and faults on the line meet the board's own top level, with its clock and its family's cells;
what is left needs no more than the serial engine.
"""

import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from tests.conftest import EVERY_FAMILY, mnist_folder
from tests.helpers.board_sim import emitted_board
from tests.helpers.serial_sim import Faults, SerialBoard, engine_board

from celosia.cli import main
from celosia.compiler import compile
from celosia.demo import load_mnist, scaled
from celosia.demo.train import train_mlp
from celosia.driver import Device
from celosia.driver.serial.transport import SerialTransport
from celosia.model import run as golden
from celosia.quant import quantize
from celosia.spec import Config, Memory
from celosia.support.errors import CelosiaError

pytestmark = pytest.mark.usefixtures("runs_long")

#: Small, so that it compiles and runs quickly; words of several bytes, so that they can be torn.
CONFIG = Config(
    rows=1, cols=4, lanes=4, link_bytes=4, weight_depth=4096, param_depth=16, program_depth=4,
    act_depth=512, tables=0, checksum=1,
)  # fmt: skip

#: Boards whose top level is tried; all families with `EVERY_FAMILY`.
TOPS = ("ulx3s-85f", *(("icebreaker", "tang-nano-9k") if EVERY_FAMILY else ()))


@pytest.fixture(scope="module")
def demo(tmp_path_factory, digits):
    """A compiled classifier and 60 test images: of MNIST, else of the tests' own digits."""
    data = load_mnist(mnist_folder() or digits)
    few = replace(data, x_train=data.x_train[:3000], y_train=data.y_train[:3000])
    graph = quantize(train_mlp(few, hidden=(16,), epochs=4), scaled(few.x_train[:300])).graph
    folder = tmp_path_factory.mktemp("board")
    made = SimpleNamespace(folder=folder, graph=graph, image=compile(graph, CONFIG))
    made.x = graph.input.quantize(scaled(data.x_test[:60]))
    made.path, made.labels = folder / "m.celosia", folder / "labels.npy"
    made.image.save(made.path)
    np.save(made.labels, data.y_test[: len(made.x)].astype(np.int64))
    return made


@contextmanager
def board(*faults, top=None):
    """The serial engine on its own, or the top level of the board ``top``."""
    verilog = emitted_board(top, CONFIG) if top else engine_board(CONFIG)
    with SerialBoard(verilog, *faults) as simulated:
        yield simulated


def inputs(demo, count):
    path = demo.folder / f"x{count}.npy"
    np.save(path, demo.x[:count])
    return path


@pytest.mark.parametrize("top", TOPS)
def test_the_command_classifies_images(demo, tmp_path, top):
    with board(top=top) as simulated:
        command = [sys.executable, "-m", "celosia", "run", demo.path, "--port", simulated.port]
        command += ["--input", inputs(demo, len(demo.x)), "-o", tmp_path / "y.npy"]
        command += ["--labels", demo.labels, "--json", tmp_path / "figures.json"]
        ran = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert (np.load(tmp_path / "y.npy") == golden(demo.image, demo.x)[-1]).all()
    share = float(
        next(line for line in ran.stdout.splitlines() if "right" in line).split()[-1][:-1]
    )
    assert share > 80
    assert "memories" in ran.stdout and "verified: they held the program image" in ran.stdout
    assert json.loads((tmp_path / "figures.json").read_text())["verified"] is True


@pytest.mark.parametrize("top", TOPS)
def test_faults_are_recovered_from(demo, tmp_path, top, capsys):
    """More than 200 bytes dropped, doubled, flipped and inserted: all results are right."""
    faults = Faults(0.002, 11), Faults(0.006, 12)
    x, y = inputs(demo, 30), tmp_path / "y.npy"
    with board(*faults, top=top) as simulated:
        options = ("--port", simulated.port, "--input", str(x), "-o", str(y))
        assert main(["run", str(demo.path), *options]) == 0, faults
    assert (np.load(y) == golden(demo.image, demo.x[:30])[-1]).all(), faults
    assert "line faults, mended" in capsys.readouterr().out
    made = [fault.made for fault in faults]
    assert sum(count.total() for count in made) >= 200, made
    assert all(len(count) == 4 for count in made), made


@pytest.mark.parametrize("rate", [0.02, 0.1])
def test_on_a_line_too_bad_nothing_is_silently_wrong(demo, rate):
    """Right results or an error; and as soon as the line is good, all is well."""
    faults = Faults(rate, 21), Faults(rate, 22)
    want = golden(demo.image, demo.x[:3])[-1]
    with board(*faults) as simulated:
        try:
            with Device(SerialTransport(simulated.port, timeout=0.05)) as device:
                device.load(demo.image)
                assert (device.run(demo.x[:3]) == want).all(), faults
        except CelosiaError as error:
            assert str(error).startswith(simulated.port)
        for fault in faults:
            fault.rate = 0
        with Device(SerialTransport(simulated.port)) as device:
            device.load(demo.image)
            assert (device.run(demo.x[:3]) == want).all()


def test_a_run_that_was_broken_off_leaves_a_usable_board(demo):
    with board() as simulated:
        with Device(SerialTransport(simulated.port)) as device:
            device.load(demo.image)
            next(device.stream(demo.x[:50]))
            with pytest.raises(CelosiaError, match="aborted; open the port again"):
                device.run(demo.x[:1])
        # What was loaded is still there: a session resets the link, not the memories.
        with Device(SerialTransport(simulated.port)) as device:
            device.image = demo.image
            assert (device.run(demo.x[:3]) == golden(demo.image, demo.x[:3])[-1]).all()


def test_a_board_that_is_reset_on_the_way_is_noticed(demo):
    with board() as simulated, Device(SerialTransport(simulated.port)) as device:
        device.load(demo.image)
        simulated.reset()
        with pytest.raises(CelosiaError, match="lost the session: it was reset"):
            device.run(demo.x[:3])


def test_a_flipped_bit_is_found_over_the_line(demo):
    with board() as simulated, Device(SerialTransport(simulated.port)) as device:
        device.load(demo.image)
        device.verify()
        weights = np.array(demo.image.records(Memory.WEIGHTS)[700:701])
        device.write(Memory.WEIGHTS, 700, weights ^ np.array([0, 0, 16, 0], np.uint8))
        with pytest.raises(CelosiaError, match="engine, weights: record 700 differs"):
            device.verify()


def test_another_configuration_is_refused_with_both_named(demo, celosia):
    other = demo.folder / "other.celosia"
    compile(demo.graph, Config(**CONFIG.to_dict() | {"cols": 8})).save(other)
    with board() as simulated:
        ran = celosia("run", other, "--input", inputs(demo, 3), "--port", simulated.port)
    assert ran.status == 2 and ran.err.count("\n") == 1
    assert "compiled for a 1x8 engine, this one is 1x4" in ran.err


def test_auto_finds_the_board(demo, monkeypatch):
    import serial.tools.list_ports as list_ports

    def ports(*names):
        found = [SimpleNamespace(device=name, vid=1) for name in names]
        found.append(SimpleNamespace(device="/dev/ttyS0", vid=None))
        monkeypatch.setattr(list_ports, "comports", lambda: found)

    ports()
    with pytest.raises(CelosiaError, match="auto: no USB .* no simulated board; plug the board in"):
        SerialTransport("auto")
    ports("/dev/none")
    with pytest.raises(CelosiaError, match="no engine answers .*/dev/none: there is no such port"):
        SerialTransport("auto")
    with board() as one, board() as other:
        ports("/dev/none", one.port)
        transport = SerialTransport("auto")
        assert transport.port == one.port
        with pytest.raises(CelosiaError, match="another program uses this port"):
            SerialTransport(one.port)
        transport.close()
        with pytest.raises(CelosiaError, match="closed"):
            transport.stream([bytes(4)])
        ports(one.port, other.port)
        with pytest.raises(CelosiaError, match="engines answer at .*; name one of them"):
            SerialTransport("auto")
