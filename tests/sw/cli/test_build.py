"""`celosia build`: what it prints, writes and refuses, with tools that answer at once."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.helpers.fake_tools import FakeTools, report

from celosia import flow
from celosia.boards import BOARDS
from celosia.cli import build as command
from celosia.compiler.image import Image
from celosia.predict.estimate import estimate
from celosia.spec import Config


@pytest.fixture
def fake(tmp_path, monkeypatch, cache) -> FakeTools:
    """Tools, and an elaboration that takes no time; the working folder is the test's own."""
    made = FakeTools(tmp_path / "tools", monkeypatch)
    monkeypatch.setattr(flow, "elaborate", lambda board, config, **asked: made.design)
    monkeypatch.chdir(tmp_path)
    return made


def test_a_bitstream(celosia, fake):
    ran = celosia("build", "icebreaker", "--json", "facts.json")
    assert ran.status == 0, ran.err
    text = " ".join(ran.out.split())
    assert "24 MHz asked for, 30.00 MHz reached" in text
    assert "LUTs 2 5,280" in text and "multipliers (SB_MAC16) 2 8" in text
    assert "single-port RAMs 2 4" in text
    assert "program the board iceprog build/icebreaker/icebreaker-1x8.bin" in text
    assert "--port auto --baud 3000000" in text
    assert Path("build/icebreaker/icebreaker-1x8.bin").read_text() == "routed\n"
    assert "seed 1" in Path("build/icebreaker/icebreaker-1x8.log").read_text()
    facts = json.loads(Path("facts.json").read_text())
    assert facts["met"] and facts["fmax_mhz"] == 30 and facts["used"]["ffs"] == 5
    assert facts["engine"] == BOARDS["icebreaker"].engine().to_dict()


def test_the_configuration_is_written_for_other_commands(celosia, fake, files):
    assert celosia("build", "icebreaker", "--cols", 4).status == 0
    name = "build/icebreaker/icebreaker-1x4.json"
    facts = json.loads(Path(name).read_text())
    assert facts["config"] == BOARDS["icebreaker"].engine(cols=4).to_dict()
    assert (facts["board"], facts["baud"]) == ("icebreaker", fake.design.baud)
    assert celosia("compile", files.graph, "--board", name, "-o", "m.celosia").status == 0
    assert Image.load("m.celosia").config == BOARDS["icebreaker"].engine(cols=4)


def test_how_long_it_will_take(celosia, fake):
    assert "about 4 minutes on a free core" in celosia("build", "icebreaker").out


def test_what_cannot_be_built_has_no_time(celosia):
    said = celosia("build", "icebreaker", "--technology", "gowin")
    assert said.status == 2 and "whose family is ice40" in said.err
    assert "minutes" not in said.out


def test_a_tool_that_is_missing_is_named_before_synthesis(celosia, fake, monkeypatch):
    monkeypatch.setenv("ICEPACK", "none")
    ran = celosia("build", "icebreaker")
    assert ran.status == 2 and "no program 'none'" in ran.err and fake.calls("yosys") == 0


def test_images_per_second_are_those_of_the_cycle_model(celosia, fake):
    ran = celosia("build", "icebreaker", "--json", "-")
    facts = json.loads(ran.out)
    from celosia.flow.speed import mnist_mlp

    config = Config.from_dict(facts["engine"])
    cycles = estimate(mnist_mlp(config, 24).outline, config)
    assert cycles.exact and facts["mnist_mlp"]["fits"]
    assert facts["mnist_mlp"]["images_per_second"] == pytest.approx(24e6 / cycles.per_image)
    assert facts["macs_per_second"] == 8 * 24e6


def test_an_engine_too_small_for_mnist(celosia, fake):
    ran = celosia("build", "icebreaker", "--weight-depth", 512, "--json", "facts.json")
    assert ran.status == 0 and "does not fit (weight_depth 13,696 of 512)" in ran.out
    facts = json.loads(Path("facts.json").read_text())
    assert facts["mnist_mlp"] == {
        "fits": False,
        "images_per_second": None,
        "latency_seconds": None,
    }


def test_options_reach_the_engine(celosia, fake, monkeypatch):
    asked = []

    def elaborate(board, config, **how):
        asked.append((board.name, config, how))
        return fake.design

    monkeypatch.setattr(flow, "elaborate", elaborate)
    options = ("--rows", 2, "--cols", 4, "--clock", 20, "--technology", "portable")
    ran = celosia("build", "upduino", *options, "--baud", 115200, "--seed", 5, "-o", "out")
    assert ran.status == 0
    (name, config, how), board = asked[0], BOARDS["upduino"]
    assert (name, config) == ("upduino", board.engine(rows=2, cols=4))
    assert how == {"technology": "portable", "clock": 20, "baud": 115200}
    assert "seed 5" in Path("out/upduino-2x4.log").read_text()


def test_timing_that_fails_is_an_error_and_leaves_no_bitstream(celosia, fake):
    assert celosia("build", "icebreaker").status == 0
    fake.reports(report(share=0.5))
    fake.design.clock = 25.0
    ran = celosia("build", "icebreaker", "--json", "facts.json")
    assert ran.status == 2 and "timing fails: 25 MHz requested, 12.50 MHz reached" in ran.err
    assert "LUTs" in ran.out and "bitstream" not in ran.out
    assert not Path("build/icebreaker/icebreaker-1x8.bin").exists()
    facts = json.loads(Path("facts.json").read_text())
    assert facts["met"] is False and facts["bitstream"] is None and facts["speed_mhz"] == 12.5


def test_another_seed_is_tried_while_the_clock_is_not_met(celosia, fake):
    fast, slow = (json.dumps(report(share=share)) for share in (1.25, 0.5))
    script = f"""
while [ "$1" ]; do
  case "$1" in --report) to=$2;; --seed) seed=$2;; esac
  shift
done
if [ "$seed" = 2 ]; then echo '{fast}' > "$to"; else echo '{slow}' > "$to"; fi
echo routed > top.asc
"""
    fake.replace("nextpnr", script)
    before = fake.calls("nextpnr")
    ran = celosia("build", "icebreaker", "--json", "facts.json")
    assert ran.status == 0, ran.err
    assert json.loads(Path("facts.json").read_text())["seed"] == 2
    assert fake.calls("nextpnr") - before == 3  # one to pack cells, then two seeds
    assert celosia("build", "icebreaker", "--seed", 1).status == 2


def test_an_engine_too_large_for_the_device(celosia, fake):
    fake.reports(report(ICESTORM_LC=9000))
    ran = celosia("build", "icebreaker")
    assert ran.status == 2 and "needs 9,000 ICESTORM_LC (has 5,280)" in ran.err
    assert "LUTs" not in ran.out and not list(Path("build/icebreaker").iterdir())


def test_the_boards(celosia):
    ran = celosia("build", "--list", "--json", "-")
    assert ran.status == 0
    assert [each["name"] for each in json.loads(ran.out)["boards"]] == list(BOARDS)
    assert all(name in celosia("build", "--list").out for name in BOARDS)


def test_every_board_can_be_programmed():
    assert command._PROGRAM.keys() == BOARDS.keys()


@pytest.mark.parametrize(
    "arguments, text",
    [
        ((), "which board?; known: icebreaker"),
        (("nope",), "unknown board 'nope'; known: icebreaker"),
        (("icebreaker", "--clock", "nan"), "--clock: nan MHz is not a positive frequency"),
        (("icebreaker", "--clock", "-1"), "--clock: -1 MHz is not a positive frequency"),
        (("icebreaker", "--seed", "0"), "--seed: 0 is not at least 1"),
        (("icebreaker", "--baud", "0"), "--baud: 0 is not at least 1"),
        (("icebreaker", "--cols", "6"), "engine: lanes = 4 does not divide cols = 6"),
        (("icebreaker", "--rows", "99"), "engine: rows = 99 is not an integer in 1..32"),
        (("icebreaker", "-o", "file"), "this path is a file"),
        (("icebreaker", "--cols", "32"), "1x32 engine needs multipliers"),
        (("icebreaker", "--weight-depth", "65536"), "engine needs block RAM"),
        (("tang-nano-9k", "--act-depth", "65536"), "engine needs block RAM"),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(celosia, fake, arguments, text):
    Path("file").write_text("")
    ran = celosia("build", *arguments)
    assert ran.status == 2 and text in ran.err
    assert ran.err.count("\n") == 1 and fake.calls("yosys") == 0


@pytest.mark.simulator
def test_ctrl_c_ends_the_tools(fake, tmp_path):
    """In a process of its own, with the engine itself."""
    pid = tmp_path / "pid"
    fake.replace("yosys", f"echo $$ > {pid}; exec sleep 60")
    small = "--cols 4 --lanes 1 --weight-depth 64 --param-depth 16 --act-depth 64".split()
    celosia = subprocess.Popen(
        [sys.executable, "-m", "celosia", "build", "icebreaker", *small],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while not (pid.exists() and pid.read_text().strip()):
            assert celosia.poll() is None, celosia.stderr.read()
            time.sleep(0.05)
        celosia.send_signal(signal.SIGINT)
        _, said = celosia.communicate(timeout=10)
    finally:
        celosia.kill()
    assert celosia.returncode == 130 and said.splitlines()[-1] == "celosia: interrupted"
    until = time.monotonic() + 10
    while _runs(int(pid.read_text())):
        assert time.monotonic() < until, "the tool is still running"
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    """A process that has ended may wait to be collected by its parent."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_building_is_only_imported_when_it_is_done():
    check = (
        "import sys, celosia.cli.build, celosia.cli.parser, celosia.flow, celosia.flow.speed\n"
        "sys.exit(', '.join({'amaranth', 'celosia_hw'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert done.returncode == 0, f"loads {done.stderr}"


@pytest.mark.parametrize("name", BOARDS)
def test_a_page_says_how_to_use_each_board(name):
    board, docs = BOARDS[name], Path(__file__).resolve().parents[3] / "docs/boards"
    text = (docs / f"{name}.md").read_text()
    assert f"**Clock:** {board.clock_mhz:g} MHz" in text
    assert f"**Default engine:** {board.engine()}." in text
    assert f"celosia build {name}" in text
    assert f"{command._PROGRAM[name]} build/{name}/{name}-{board.engine()}." in text
    assert f"({name}.md)" in (docs / "README.md").read_text()
