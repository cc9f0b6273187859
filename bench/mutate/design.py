"""The flattened engine with all its mutants in one netlist, by Yosys' ``mutate``."""

import json
import re
import sysconfig
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from amaranth.back import rtlil

from celosia.flow import tools
from celosia.spec import Config
from celosia.support.cache import cache_dir, keep, kept
from celosia.support.progress import Progress
from celosia_hw.cells import Technology
from celosia_hw.emit import NAMING, TOP, _Top
from celosia_hw.engine import Engine
from celosia_hw.util.uninitialized_memories import uninitialized_memories

__all__ = ["Design", "Mutant", "design"]

#: As `celosia_hw.emit` makes the Verilog, then flat, and without bits that nothing reads.
_FLATTEN = """\
read_rtlil engine.il
proc -norom
flatten
opt_expr
opt_clean
opt_merge
opt_dff
wreduce
opt_clean -purge
memory_collect
write_rtlil flat.il
mutate -list {count} -seed {seed} -o mutants.txt
"""
_WRITE = """\
opt_clean
attrmap -remove src -remove generator -remove top -remove amaranth.hierarchy
write_verilog -norename celosia.v
"""
#: Ports that are no logic: clocks, and what a memory without them has as constants.
_NO_LOGIC = re.compile(r"-port (CLK|(RD|WR)_CLK|RD_(EN|ARST|SRST)) ")
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Mutant:
    """One change of one bit of the netlist.

    Parameters
    ----------
    number : of the netlist's input ``mutant`` that chooses it; at least 1.
    mode : ``inv``, ``const0``, ``const1``, or ``cnot0``, ``cnot1``: inverted while another bit of
        the port is 0, or 1.
    cell, port, bit : where.
    sources : lines of the sources that the bit is of.
    command : arguments of Yosys' ``mutate`` that make it.
    """

    number: int
    mode: str
    cell: str
    port: str
    bit: int
    sources: tuple[str, ...]
    command: str

    @classmethod
    def read(cls, number: int, line: str) -> "Mutant":
        """A line that ``mutate -list`` wrote."""
        command = line.strip().removeprefix("mutate ")
        words = command.split()
        value = {key: words[words.index(f"-{key}") + 1] for key in ("mode", "cell", "port")}
        bit = int(words[words.index("-portbit") + 1])
        packages = sysconfig.get_path("purelib")
        sources = dict.fromkeys(
            source.replace(f"{_ROOT}/", "").replace(f"{packages}/", "")
            for source in re.findall(r"-src (\S+)", command)
        )
        return cls(number=number, bit=bit, sources=tuple(sources), command=command, **value)

    def __str__(self) -> str:
        return f"{self.mode} {self.cell}.{self.port}[{self.bit}] ({', '.join(self.sources)})"


@dataclass(frozen=True)
class Design:
    """An engine and its mutants.

    Parameters
    ----------
    config : the engine's configuration.
    flat : RTLIL of the flat engine without mutants.
    verilog : module ``celosia`` with all of them and a 16-bit input ``mutant``; 0 is none.
    mutants : in the order of their numbers, from 1.
    key : hash of all of it.
    """

    config: Config
    flat: str
    verilog: str
    mutants: tuple[Mutant, ...]
    key: str


def design(config: Config, count: int, seed: int, progress: Progress) -> Design:
    """``count`` mutants of the engine, drawn by Yosys with ``seed``; from the cache if it is there.

    Clocks are not mutated, nor memories' ports that are constant.

    Raises
    ------
    CelosiaError : Yosys is missing, or fails.
    """
    if not 1 <= count < 1 << 16:
        raise ValueError(f"count = {count} is not in 1..65535")
    text = _rtlil(config)
    yosys = tools.find("yosys")
    key = sha256(repr((text, yosys.version, _FLATTEN, _WRITE, count, seed)).encode()).hexdigest()
    path = cache_dir() / "mutate" / f"{key[:32]}.json"
    if (cached := kept(path)) is None:
        cached = json.dumps(_make(yosys, text, count, seed, progress)).encode()
        keep(path, cached)
    flat, verilog, lines = json.loads(cached)
    mutants = tuple(Mutant.read(number, line) for number, line in enumerate(lines, 1))
    return Design(config, flat, verilog, mutants, key[:32])


def _rtlil(config: Config) -> str:
    top = _Top(Engine(config), NAMING)
    with uninitialized_memories():
        return rtlil.convert(
            top, name=TOP, platform=Technology("portable"), ports=top.ports(), emit_src=True
        )


def _make(yosys, text: str, count: int, seed: int, progress: Progress) -> tuple:
    """RTLIL of the flat engine, Verilog with the mutants, and their lines."""

    def watch(stage: str, seconds: float, line: str) -> None:
        progress(f"{stage}: {seconds:.0f} s", 0, 0)

    with tools.workshop() as work:

        def run(name: str, script: str, stage: str) -> None:
            (work / name).write_text(script)
            tools.run(yosys, ["-q", name], work, work / "log", stage, watch)

        (work / "engine.il").write_text(text)
        # More than are asked for, as some are of no logic.
        more = count + count // 10 + 20
        run("flatten.ys", _FLATTEN.format(count=more, seed=seed), "flattening the engine")
        lines = [
            line
            for line in (work / "mutants.txt").read_text().splitlines()
            if not _NO_LOGIC.search(line)
        ][:count]
        script = "read_rtlil flat.il\n" + "".join(
            f"mutate -ctrl mutant 16 {number} {line.removeprefix('mutate ')}\n"
            for number, line in enumerate(lines, 1)
        )
        run("mutate.ys", script + _WRITE, f"adding {len(lines)} mutants")
        return (work / "flat.il").read_text(), (work / "celosia.v").read_text(), lines
