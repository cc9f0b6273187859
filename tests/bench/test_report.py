"""`make report`: what it places, keeps, resumes and says, with tools that answer at once."""

import functools
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from bench import engines, report, report_table
from tests.helpers.fake_tools import YOSYS, FakeTools
from tests.helpers.fake_tools import report as reported

from celosia.boards import BOARDS, load_placements, save_placements
from celosia.importer.tflite import read_tflite
from celosia.network.outline import Outline
from celosia.predict.check import Check

SMALL = replace(engines.SMALL, name="small", overrides={"cols": 4}, seeds=engines.SEEDS)
LARGE = replace(SMALL, name="large", overrides={})


@pytest.fixture
def fake(tmp_path, monkeypatch, cache) -> FakeTools:
    """Two engines for iCE40, and files of the test's own."""
    made = FakeTools(tmp_path / "tools", monkeypatch)
    monkeypatch.setattr(report, "elaborate", lambda board, config, **asked: made.design)
    for module in (report, report_table):
        monkeypatch.setattr(module, "ENGINES", (SMALL, LARGE))
    monkeypatch.setattr(report, "REPORT", tmp_path / "report.md")
    for name, function in (("load", load_placements), ("save", save_placements)):
        kept = functools.partial(function, path=tmp_path / "placements.json")
        monkeypatch.setattr(report, f"{name}_placements", kept)
    return made


def test_all_engines_from_all_seeds(fake, tmp_path):
    assert report.main([]) == 0
    placed = report.load_placements()
    assert {each.config["cols"] for each in placed} == {4, 8}
    for each in placed:
        assert tuple(result.seed for result in each.results) == engines.SEEDS
    lines = (tmp_path / "report.md").read_text().splitlines()
    small, large = (next(line for line in lines if line.startswith(f"| {n}")) for n in ("s", "l"))
    assert "| 2 (0%) | 5 (0%) | 2 (25%) |" in small and "| **30.0** | 30.0, 30.0, 30.0 |" in small
    assert "does not fit" in small and "| 192 |" in large
    assert lines.index(small) < lines.index(large)


def test_it_goes_on_where_it_was(fake):
    assert report.main(["--only", "small"]) == 0
    before = fake.calls("nextpnr")
    assert before == 1 + len(engines.SEEDS)
    assert report.main(["--only", "small"]) == 0
    assert fake.calls("nextpnr") == before
    assert report.main(["--only", "small", "--force"]) == 0
    assert fake.calls("nextpnr") == before + len(engines.SEEDS)
    fake.design.verilog += "// changed\n"
    assert report.main(["--only", "small"]) == 0
    assert fake.calls("nextpnr") == 2 * before + len(engines.SEEDS)


def test_one_engine_leaves_the_others(fake):
    assert report.main([]) == 0
    fake.reports(reported(share=2))
    fake.design.verilog += "// changed\n"
    assert report.main(["--only", "small"]) == 0
    reached = {report_table.title(each): each.fmax_mhz for each in report.load_placements()}
    assert reached == {"small": 48, "large": 30}


def test_what_is_no_longer_declared_goes(fake, monkeypatch):
    assert report.main([]) == 0
    monkeypatch.setattr(report, "ENGINES", (SMALL,))
    assert report.main([]) == 0
    assert len(report.load_placements()) == 1


def test_a_clock_that_is_not_met_is_shown(fake, capsys, tmp_path):
    fake.reports(reported(share=0.5))
    assert report.main(["--only", "small"]) == 1
    assert "small: 12.0 of 24 MHz" in capsys.readouterr().out
    assert "| 12.0, not met |" in (tmp_path / "report.md").read_text()


def test_an_engine_that_got_too_large_is_no_longer_claimed(fake, capsys):
    assert report.main([]) == 0
    fake.design.verilog += "// changed\n"
    fake.reports(reported(ICESTORM_LC=6000))
    assert report.main(["--only", "small"]) == 1
    assert "small: iCEBreaker, iCE40UP5K: the engine needs 6,000" in capsys.readouterr().out
    assert [report_table.title(each) for each in report.load_placements()] == ["large"]


def test_interrupted(fake, capsys, monkeypatch):
    def stop(placements):
        raise KeyboardInterrupt

    monkeypatch.setattr(report, "save_placements", stop)
    assert report.main([]) == 130
    assert "continue with `make report`" in capsys.readouterr().err


def test_ctrl_c_ends_the_tools(fake, tmp_path):
    fake.replace("nextpnr", f"echo $$ >> {tmp_path}/pids; exec sleep 60")
    fake.replace("yosys", YOSYS)
    pids = tmp_path / "pids"

    def press() -> None:
        while not pids.exists():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()
    start = time.monotonic()
    assert report.main([]) == 130
    assert time.monotonic() - start < 30
    for pid in pids.read_text().split():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


def test_an_unknown_name(fake, capsys):
    assert report.main(["--only", "x"]) == 2
    assert "--only: unknown engine 'x'; known: small, large" in capsys.readouterr().err


def test_the_declared_engines_exist():
    names = [each.name for each in engines.ENGINES]
    assert len(set(names)) == len(names) and engines.SMALL in engines.ENGINES
    assert {BOARDS[each.board].family for each in engines.ENGINES} == {"ice40", "ecp5", "gowin"}
    assert all(each.config for each in engines.ENGINES)


@pytest.mark.parametrize(
    "engine", [each for each in engines.ENGINES if "KWS" in each.cycles], ids=lambda each: each.name
)
def test_cycles_of_keyword_spotting(engine, models_dir):
    """Those of the cycle model; `make bench` has the other networks."""
    graph = read_tflite(models_dir / "kws_ref_model.tflite").graph
    check = Check(Outline.of(graph, "KWS"), engine.config, 100)
    assert check.fits and check.estimate.per_image == engine.cycles["KWS"]


def test_the_committed_table_is_that_of_the_placements():
    path = Path(report.REPORT)
    text = path.read_text() if path.exists() else None
    assert text == report_table.report_table(load_placements()), "run: make report"
