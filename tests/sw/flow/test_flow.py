"""From a design to a bitstream: reports, the cache, errors, and one real build."""

import errno
import os
import re
import subprocess
import sys
import threading
import time
from importlib import metadata
from pathlib import Path

import pytest
from amaranth import *
from amaranth.lib import io
from tests.helpers.fake_tools import YOSYS, FakeTools, report
from tests.helpers.processes import alive, wait_until

from celosia.boards import BOARDS, Placement, board
from celosia.flow import TimingFailed, TooLarge, elaborate, place, placement, synthesize, tools
from celosia.flow.families import FAMILIES
from celosia.flow.usage import clock_share, read_report, too_many
from celosia.support.errors import CelosiaError
from celosia_hw.boards import design as hw_design
from celosia_hw.boards.design import design, fitting_divisor
from celosia_hw.boards.top import BadDivisor

ICE40 = board("icebreaker")


@pytest.fixture
def fake(tmp_path, monkeypatch, cache) -> FakeTools:
    return FakeTools(tmp_path / "tools", monkeypatch)


def counts(family: str, cells: dict[str, tuple[int, int]], synthesized=None) -> dict:
    made = {name: {"used": used, "available": n} for name, (used, n) in cells.items()}
    found = FAMILIES[family].counts({"utilization": made}, synthesized or {})
    return {name: (found.used[name], found.available[name]) for name in found.used}


def test_counts_of_ice40():
    cells = {"LC": (700, 5280), "RAM": (3, 30), "DSP": (4, 8), "SPRAM": (2, 4)}
    cells = {f"ICESTORM_{name}": pair for name, pair in cells.items()}
    assert counts("ice40", cells, {"SB_DFF": 10, "SB_DFFESR": 5, "SB_LUT4": 600}) == {
        "luts": (700, 5280),
        "ffs": (15, 5280),
        "multipliers": (4, 8),
        "block_rams": (3, 30),
        "single_port_rams": (2, 4),
    }


def test_counts_of_ecp5():
    cells = {
        "TRELLIS_COMB": (5752, 83640),
        "TRELLIS_FF": (3432, 83640),
        "MULT18X18D": (8, 156),
        "DP16KD": (5, 208),
    }
    found = counts("ecp5", cells)
    assert found["luts"] == (5752, 83640) and found["ffs"] == (3432, 83640)
    assert found["multipliers"] == (8, 156) and found["block_rams"] == (5, 208)
    assert found["single_port_rams"] == (0, 0)


def test_counts_of_gowin():
    """Wide multipliers take the place of narrow ones; carries are among the LUTs already."""
    cells = {
        "LUT4": (6005, 8640),
        "ALU": (1680, 6480),
        "DFF": (4309, 6480),
        "BSRAM": (3, 26),
        "MULT9X9": (4, 40),
        "MULT18X18": (4, 20),
        "MULT36X36": (1, 5),
        "MUX2_LUT5": (389, 4320),
    }
    found = counts("gowin", cells, {"DFF": 3000, "DFFRE": 900, "LUT4": 4000})
    assert found["luts"] == (6005, 8640) and found["ffs"] == (3900, 6480)
    assert found["multipliers"] == (4 + 8 + 8, 40)


def test_large_arrays_are_placed_with_less_wire():
    """The default placer leaves more of it than can be routed."""
    placing = FAMILIES["ecp5"].placing
    placers = {
        technology: "static" in placing(board("ulx3s-85f"), technology)
        for technology in ("ecp5", "ecp5-packed")
    }
    assert placers == {"ecp5": False, "ecp5-packed": True}


def test_a_cell_that_is_not_reported():
    with pytest.raises(CelosiaError, match="has no count of TRELLIS_FF"):
        counts("ecp5", {"TRELLIS_COMB": (1, 2)})


def test_the_worst_clock_counts():
    clocks = {
        "a": {"achieved": 120, "constraint": 100},
        "b": {"achieved": 45, "constraint": 50},
    }
    assert clock_share({"fmax": clocks}) == 0.9
    with pytest.raises(CelosiaError, match="has no clock"):
        clock_share({"fmax": {}})


def test_what_is_too_many():
    cells = {"A": (5, 5), "B": (6, 5), "DUMMY_CELL": (20, 0)}
    full = {name: {"used": used, "available": n} for name, (used, n) in cells.items()}
    assert too_many({"utilization": full}) == {"B": (6, 5)}


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "[]",
        "{}",
        '{"utilization": {}}',
        '{"utilization": {"A": {"used": "1", "available": 2}}, "fmax": {}}',
        '{"utilization": {"A": {"used": 1}}, "fmax": {}}',
        '{"utilization": {}, "fmax": {"clk": {"achieved": 1, "constraint": 0}}}',
    ],
)
def test_a_report_that_is_none(tmp_path, text):
    path = tmp_path / "report.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(CelosiaError, match="report cannot be read"):
        read_report(path)


def test_fake_flow_is_kept(fake):
    netlist = synthesize(ICE40, fake.design)
    assert netlist.counts.used["ffs"] == 5
    placed = [place(netlist, seed) for seed in (2, 1)]
    assert [each.fmax_mhz for each in placed] == [30, 30]
    assert placed[0].bitstream.read_text() == "routed\n"
    assert "seed 2" in placed[0].log.read_text()
    calls = {"yosys": 1, "nextpnr": 3, "icepack": 2}  # one to pack cells, then the seeds
    assert {name: fake.calls(name) for name in calls} == calls

    again = place(synthesize(ICE40, fake.design), 1)
    assert again.bitstream == placed[1].bitstream
    assert {name: fake.calls(name) for name in calls} == calls
    place(netlist, 1, again=True)
    assert fake.calls("nextpnr") == 4

    made = placement(placed, ICE40.engine().to_dict())
    assert [result.seed for result in made.results] == [1, 2]
    assert made.met and made.tools["nextpnr-ice40"] == "nextpnr 1.0"
    assert Placement.from_dict(made.to_dict()) == made


@pytest.mark.parametrize(
    "field, value", [("verilog", "other"), ("constraints", "x"), ("clock", 25)]
)
def test_another_design_is_made_anew(fake, field, value):
    first = synthesize(ICE40, fake.design)
    setattr(fake.design, field, value)
    assert synthesize(ICE40, fake.design).key != first.key
    assert fake.calls("yosys") == 2


def test_too_large(fake):
    fake.reports(report(ICESTORM_LC=5281, ICESTORM_RAM=31, ICESTORM_DSP=8))
    netlist = synthesize(ICE40, fake.design)
    with pytest.raises(TooLarge) as caught:
        place(netlist, 1)
    text = str(caught.value)
    assert "5,281 ICESTORM_LC (has 5,280) and 31 ICESTORM_RAM (has 30)" in text
    assert "ICESTORM_DSP" not in text and fake.calls("nextpnr") == 1


def test_too_slow(fake):
    fake.reports(report(share=0.9))
    placed = place(synthesize(ICE40, fake.design), 1)
    assert not placed.met and fake.calls("icepack") == 0
    with pytest.raises(TimingFailed, match=r"24 MHz requested, 21\.60 MHz .*--clock 21 or less"):
        placed.check_timing()


@pytest.mark.parametrize("tool", ["yosys", "nextpnr", "icepack"])
def test_a_tool_that_fails_is_asked_again(fake, tool):
    real = (fake.folder / tool).read_text()
    fake.replace(tool, "echo Info: fine; echo ERROR: no such thing; echo 1 error; exit 1")
    with pytest.raises(
        CelosiaError, match="fails: ERROR: no such thing; the whole log is"
    ) as error:
        place(synthesize(ICE40, fake.design), 1)
    log = Path(re.search(r"log is (\S+)", str(error.value))[1])
    assert "Info: fine" in log.read_text()
    (fake.folder / tool).write_text(real)
    assert place(synthesize(ICE40, fake.design), 1).met


def test_a_tool_that_is_killed(fake):
    fake.replace("yosys", "kill -9 $$")
    with pytest.raises(CelosiaError, match="yosys fails: it was killed, .* run out of memory"):
        synthesize(ICE40, fake.design)


@pytest.mark.parametrize("damage", [lambda data: data[:-3], lambda data: b"", None])
def test_damaged_results_are_made_anew(fake, cache, damage):
    """Each file in turn: cut, empty, removed, or with a bit flipped."""
    placed = place(synthesize(ICE40, fake.design), 1)
    before = placed.bitstream.read_bytes()
    files = [path for path in (cache / "flow").iterdir() if path.suffix not in (".lock", ".log")]
    kinds = {"".join(path.suffixes) for path in files}
    assert kinds >= {".json.gz", ".facts.json", ".bin", ".bin.sha256"}
    for path in files:
        whole = path.read_bytes()
        flipped = bytes([whole[0] ^ 1]) + whole[1:]
        path.write_bytes(damage(whole) if damage else flipped)
        again = place(synthesize(ICE40, fake.design), 1)
        assert again.bitstream.read_bytes() == before and again.fmax_mhz == placed.fmax_mhz
        assert path.read_bytes() == whole, path
        path.unlink()
        place(synthesize(ICE40, fake.design), 1)
        assert path.read_bytes() == whole, path


def test_a_netlist_that_is_damaged_meanwhile(fake):
    netlist = synthesize(ICE40, fake.design)
    netlist.path.write_bytes(netlist.path.read_bytes()[:-1])
    with pytest.raises(CelosiaError, match="gz: damaged; try again"):
        place(netlist, 1)
    assert place(synthesize(ICE40, fake.design), 1).met


@pytest.mark.parametrize("call", [synthesize, lambda *design: place(synthesize(*design), 1)])
def test_a_disk_that_is_full(fake, cache, monkeypatch, tmp_path, call):
    def full(self, *what):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))

    (cache / "flow").mkdir(parents=True)
    if call is not synthesize:
        synthesize(ICE40, fake.design)
    with monkeypatch.context() as patch:
        for name in ("write_text", "write_bytes"):
            patch.setattr(Path, name, full)
        patch.setattr(tools.tempfile, "tempdir", str(tmp_path))
        patch.setattr("celosia.flow.store.require_writable", lambda *folder, **more: None)
        with pytest.raises(CelosiaError, match="No space left on device; free some space, or set"):
            call(ICE40, fake.design)
        assert not list(tmp_path.glob("celosia-*"))
    assert place(synthesize(ICE40, fake.design), 1).met


#: Synthesizes with the tools of `FakeTools`, one of which never ends.
_BUILD = """
import sys
from types import SimpleNamespace
from celosia.boards import board
from celosia.flow import synthesize

design = SimpleNamespace(technology="ice40", verilog="", constraints="", clock=24.0, baud=1)
synthesize(board("icebreaker"), design)
"""


def test_a_killed_build_leaves_nothing_behind(fake, tmp_path, monkeypatch):
    """Neither its tools nor their children nor its folder; and the next one works."""
    pids = tmp_path / "pids"
    real = (fake.folder / "yosys").read_text()
    fake.replace("yosys", f"sleep 100 & echo $$ $! > {pids}.part; mv {pids}.part {pids}; wait")
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setenv("TMPDIR", str(work))
    build = subprocess.Popen([sys.executable, "-c", _BUILD])
    wait_until(pids.exists)
    running = list(map(int, pids.read_text().split()))
    assert len(running) == 2 and all(map(alive, running)) and list(work.iterdir())
    build.kill()
    build.wait()
    wait_until(lambda: not any(map(alive, running)) and not list(work.iterdir()))
    (fake.folder / "yosys").write_text(real)
    assert subprocess.run([sys.executable, "-c", _BUILD]).returncode == 0


def test_stopping_ends_the_tool(fake, tmp_path):
    pid = tmp_path / "pid"
    fake.replace("yosys", f"echo working; echo $$ > {pid}; exec sleep 60")
    seen = []

    def watch(stage, seconds, line):
        seen.append((stage, line))
        if pid.exists() and line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synthesize(ICE40, fake.design, watch)
    assert seen[-1] == ("synthesis", "working")
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_two_that_want_the_same_make_it_once(fake):
    fake.replace("yosys", f"sleep 1\n{YOSYS}")
    keys, waits = [], []

    def make():
        keys.append(synthesize(ICE40, fake.design, lambda *said: waits.append(said[0])).key)

    threads = [threading.Thread(target=make) for _ in range(2)]
    for thread in threads:
        thread.start()
        time.sleep(0.2)
    for thread in threads:
        thread.join()
    assert keys[0] == keys[1] and fake.calls("yosys") == 1
    assert "waiting for another process" in waits


def test_a_cache_that_cannot_be_written(fake, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CELOSIA_CACHE", str(tmp_path / "file"))
    with pytest.raises(CelosiaError, match="set CELOSIA_CACHE"):
        synthesize(ICE40, fake.design)


@pytest.mark.parametrize("name", tools.TOOLS)
def test_a_missing_tool(name, monkeypatch):
    monkeypatch.delenv(tools.TOOLS[name].variable, raising=False)
    monkeypatch.setattr(metadata, "entry_points", lambda **which: [])
    with pytest.raises(CelosiaError, match=rf"needs {name}.*pip install 'celosia\[build\]'"):
        tools.find(name)


@pytest.mark.parametrize("name", tools.TOOLS)
def test_every_tool_is_here(name, monkeypatch):
    monkeypatch.delenv(tools.TOOLS[name].variable, raising=False)
    assert tools.find(name).version


def test_a_named_tool_that_is_not_there(monkeypatch):
    monkeypatch.setenv("YOSYS", "no-such-yosys")
    with pytest.raises(CelosiaError, match="YOSYS: no program 'no-such-yosys'"):
        tools.find("yosys")


def test_no_boards_package(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(name=name.partition(".")[0])

    monkeypatch.setattr("celosia_hw.boards.platforms.import_module", missing)
    with pytest.raises(CelosiaError, match=r"needs amaranth_boards; .*'celosia\[build\]'"):
        elaborate(ICE40, ICE40.engine())


@pytest.mark.parametrize(
    "asked, text",
    [
        ({"clock": 3}, "--clock: the PLL cannot make 3 MHz"),
        ({"baud": 10_000_000}, "--baud: 30 MHz is 3 times"),
        ({"technology": "x"}, "--technology: unknown technology 'x'; known: portable"),
        ({"technology": "ecp5"}, "--technology: 'ecp5' is not a technology of icebreaker"),
    ],
)
def test_what_cannot_be_had(asked, text):
    with pytest.raises(CelosiaError, match=re.escape(text)):
        elaborate(ICE40, ICE40.engine(), **asked)


def test_the_line_slows_down_to_what_the_clock_allows():
    assert fitting_divisor(24, 3_000_000) == (3_000_000, 8)
    assert fitting_divisor(27, 2_000_000) == (1_000_000, 27)
    with pytest.raises(BadDivisor, match="2,000,000 baud"):
        fitting_divisor(27, 2_000_000, exact=True)
    with pytest.raises(BadDivisor, match="3,000,000 baud"):
        fitting_divisor(0.1, 3_000_000)


class Blinky(Elaboratable):
    """Little enough to be placed in seconds: a counter and a multiplier."""

    def __init__(self, config, clock, divisor):
        self.clock = clock

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = self.clock.domain
        m.submodules.clock = self.clock
        m.submodules.tx = tx = io.Buffer("o", platform.request("uart", dir="-").tx)
        count, product = Signal(16), Signal(32)
        m.d.sync += [count.eq(count + 1), product.eq(count * count)]
        m.d.comb += tx.o.eq(product.xor())
        return m


@pytest.mark.simulator
@pytest.mark.parametrize("name", BOARDS)
def test_every_board_has_its_pins(name, monkeypatch):
    monkeypatch.setattr(hw_design, "BoardTop", Blinky)
    made = design(name, BOARDS[name].engine(), clock=BOARDS[name].clock_mhz, baud=1_000_000)
    assert "tx" in made.constraints and "module top(" in made.verilog
    assert made.clock == pytest.approx(BOARDS[name].clock_mhz, rel=0.02)
    assert "src =" not in made.verilog


@pytest.mark.simulator
def test_a_real_bitstream(monkeypatch, tmp_path):
    """With the real tools; its bitstream begins as FPGA-TN-02001 says."""
    monkeypatch.setattr(hw_design, "BoardTop", Blinky)
    made = elaborate(ICE40, ICE40.engine(), technology="portable", clock=24)
    netlist = synthesize(ICE40, made)
    assert netlist.counts.used["multipliers"] == 0 and 16 <= netlist.counts.used["ffs"] <= 80
    placed = place(netlist, 1)
    assert placed.met and placed.fmax_mhz > 24
    assert b"\x7e\xaa\x99\x7e" in placed.bitstream.read_bytes()[:300]
    fast = elaborate(ICE40, ICE40.engine(), technology="portable", clock=200)
    placed = place(synthesize(ICE40, fast), 1)
    assert not placed.met and 24 < placed.fmax_mhz < 200
