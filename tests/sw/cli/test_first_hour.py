"""What a newcomer types first: help, mistyped commands, examples, boards, the simulated one."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from tests.helpers.simulated_board import simulated

from celosia.boards import BOARDS
from celosia.compiler.image import Image
from celosia.driver.serial.announced import announced, simulated_ports
from celosia.examples import RECIPES


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_help(celosia):
    assert celosia("help").out == celosia("--help").out
    assert celosia("help", "run").out == celosia("run", "--help").out


@pytest.mark.parametrize("typed, meant", [("compil", "compile"), ("exmaple", "example")])
def test_a_mistyped_command(celosia, typed, meant):
    ran = celosia(typed)
    assert ran.status == 2 and f"no command {typed!r}; did you mean {meant!r}?" in ran.err
    assert ran.err.count("\n") == 1
    assert "did you mean" not in celosia("qqqq").err


@pytest.mark.parametrize(
    "name", [name for name in RECIPES if name not in ("mnist-mlp", "digits-cnn")]
)
def test_an_example_runs(celosia, here, name):
    made = celosia("example", name)
    assert made.status == 0, made.err
    command = made.out.split("try:")[1].split()
    assert command[:2] == ["celosia", "run"]
    ran = celosia(*command[1:], "--json", "facts.json")
    assert ran.status == 0, ran.err
    facts = json.loads(Path("facts.json").read_text())
    assert facts["mismatches"] == 0 and facts["images"] >= 16
    if name == "digits":
        assert facts["accuracy_int8"] > 0.8
    again = celosia("example", name, "-o", "again")
    assert again.status == 0
    assert all(
        path.read_bytes() == (Path("again") / path.name).read_bytes()
        for path in Path(name).iterdir()
    )


def test_examples_are_listed_and_unknown_ones_refused(celosia, here):
    listed = celosia("example").out
    assert all(name in listed for name in RECIPES)
    ran = celosia("example", "digit")
    assert ran.status == 2 and "did you mean 'digits'?" in ran.err and not list(here.iterdir())


@pytest.mark.parametrize("board", ["icebreaker", "tang-nano-9k"])
def test_compile_for_a_board(celosia, files, here, board):
    ran = celosia("compile", files.graph, "--board", board, "-o", "m.celosia")
    if board == "icebreaker":
        assert ran.status == 0, ran.err
        assert Image.load("m.celosia").config == BOARDS[board].engine()
    ran = celosia("check", files.graph, "--board", board, "--json", "-")
    assert json.loads(ran.out)["engine"] == BOARDS[board].engine().to_dict()


def test_a_board_is_changed_by_options_and_read_from_a_file(celosia, files, here):
    config = BOARDS["icebreaker"].engine(cols=16)
    Path("own.json").write_text(json.dumps({"config": config.to_dict(), "baud": 115200}))
    ran = celosia("compile", files.graph, "--board", "own.json", "-o", "m.celosia")
    assert ran.status == 0 and Image.load("m.celosia").config == config
    options = ("--board", "icebreaker", "--cols", 16)
    assert celosia("compile", files.graph, *options, "-o", "n.celosia").status == 0
    assert Image.load("n.celosia").config == config


@pytest.mark.parametrize(
    "named, text",
    [
        ("icebraker", "unknown board 'icebraker'; did you mean 'icebreaker'?; known: "),
        ("none.json", "none.json: cannot read"),
        ("text.json", "text.json: has no configuration of an engine; name the .json file"),
        ("part.json", "part.json: has no configuration of an engine; name the .json file"),
    ],
)
def test_no_such_board(celosia, files, here, named, text):
    Path("text.json").write_text("{")
    Path("part.json").write_text('{"config": {"rows": 1}}')
    ran = celosia("compile", files.graph, "--board", named, "-o", "m.celosia")
    assert ran.status == 2 and text in ran.err and ran.err.count("\n") == 1
    assert not Path("m.celosia").exists()


def test_a_model_runs_on_a_simulated_board_that_is_asked_for_its_engine(celosia, here):
    assert celosia("example", "kws").status == 0
    engine = "--convolution 1 --depthwise 1 --act-depth 8192 --weight-depth 8192 --tables 0".split()
    engine += ["--param-depth", "512"]
    model = "--calibrate kws/calibration.npy --labels kws/labels.npy".split()
    np.save("two.npy", np.load("kws/inputs.npy")[:2])
    np.save("labels.npy", np.load("kws/labels.npy")[:2])
    model[-1] = "labels.npy"
    with simulated("ulx3s-85f", *engine, "--program-depth", 32) as board:
        port = ("--port", board["port"])
        ran = celosia(
            "run", "kws/model.npz", "--input", "two.npy", *model, *port, "--json", "f.json"
        )
        assert ran.status == 0, ran.err
        assert "a 8x8 engine, at 3,000,000 baud" in ran.out
    facts = json.loads(Path("f.json").read_text())
    assert facts["engine"] == board["engine"] and facts["mismatches"] == 0
    assert "bytes came from the host" in board["said"]


def test_line_faults_are_mended_and_a_rate_is_found(celosia, here, monkeypatch):
    """At a rate that is not the first to be tried, with a fault in every 100th byte."""
    import serial.tools.list_ports as list_ports

    monkeypatch.setattr(list_ports, "comports", lambda: [])
    assert celosia("example", "digits").status == 0
    np.save("x.npy", np.load("digits/inputs.npy")[:20])
    run = "run digits/model.npz --input x.npy --calibrate digits/calibration.npy".split()
    faults = ("--faults", 0.003, "--seed", 5, "--baud", 115200)
    with simulated("icebreaker", *faults) as board:
        ran = celosia(*run, "--port", "auto", "--json", "f.json")
        assert ran.status == 0, ran.err
        assert f"{board['port']}: a 1x8 engine, at 115,200 baud" in ran.out
        assert "line faults, mended" in ran.out
        wrong = celosia(*run, "--port", board["port"], "--baud", 9600)
        assert wrong.status == 2 and "it was asked at 9,600 baud" in wrong.err
    facts = json.loads(Path("f.json").read_text())
    assert facts["mismatches"] == 0 and sum(facts["faults"].values()) > 0
    assert "dropped" in board["said"] and "(seed 5)" in board["said"]
    assert simulated_ports() == []


def test_a_board_that_was_killed_is_not_found(tmp_path, cache):
    with announced("/dev/pts/none"):
        assert simulated_ports() == ["/dev/pts/none"]
    ended = subprocess.Popen(["true"])
    ended.wait()
    (cache / "boards" / f"{ended.pid}-9").symlink_to("/dev/pts/9")
    assert simulated_ports() == [] and not os.listdir(cache / "boards")


@pytest.mark.parametrize(
    "options, text",
    [
        (("nope",), "unknown board 'nope'"),
        (("icebreaker", "--faults", "1"), "--faults: 1 is not a probability"),
        (("icebreaker", "--baud", "0"), "--baud: 0 is not at least 1"),
        (("icebreaker", "--cols", "6"), "engine: lanes = 4 does not divide cols = 6"),
    ],
)
def test_a_board_that_cannot_be_simulated(celosia, options, text):
    ran = celosia("board", "--simulate", *options)
    assert ran.status == 2 and text in ran.err and ran.err.count("\n") == 1
