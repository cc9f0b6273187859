"""The flattened engine, its mutants, and a netlist that holds all of them, by Yosys' ``mutate``."""

import gzip
import json
import re
import sysconfig
from collections.abc import Sequence
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

__all__ = ["Design", "Mutant", "design", "flip_flops", "gates", "run_yosys", "verilog"]

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
#: Gates, registers and memories. Those that are read without a clock are small: registers too.
_GATES = """\
memory_map t:$mem_v2 r:RD_CLK_ENABLE=1'0 %i
setattr -unset src
setattr -unset src t:*
techmap
opt_expr
dffunmap
simplemap
opt_expr
opt_clean -purge
setattr -unset src *
write_json gates.json
"""
_FLIPS = """\
read_rtlil flat.il
dffunmap
opt_clean
write_rtlil flips.il
mutate -list {count} -seed {seed} -o flips.txt t:$dff t:$mem_v2
"""
_STATE = re.compile(r"-port (D|RD_DATA|WR_DATA) ")
#: Ports that are no logic: clocks, and what a memory without them has as constants.
_NO_LOGIC = re.compile(r"-port (CLK|(RD|WR)_CLK|RD_(EN|ARST|SRST)) ")
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Mutant:
    """One change of one bit of the netlist.

    Parameters
    ----------
    number : of the input that chooses it, at least 1: m1, ...
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
    flat : RTLIL of the flat engine.
    mutants : in the order of their numbers, from 1.
    key : hash of all of it.
    """

    config: Config
    flat: str
    mutants: tuple[Mutant, ...]
    key: str


def design(config: Config, count: int, seed: int, progress: Progress) -> Design:
    """``count`` mutants of the engine, drawn by Yosys with ``seed``; from the cache if it is there.

    Clocks are not mutated, nor memories' ports that are constant.

    Raises
    ------
    CelosiaError : Yosys is missing, or fails.
    ValueError : ``count`` is outside 1..65535.
    """
    if not 1 <= count < 1 << 16:
        raise ValueError(f"count = {count} is not in 1..65535")
    text = _rtlil(config)
    # More than are asked for, as some are of no logic.
    script = _FLATTEN.format(count=count + count // 10 + 20, seed=seed)
    files = ("flat.il", "mutants.txt")
    key, (flat, lines) = run_yosys(script, {"engine.il": text}, files, "flattening", progress)
    kept_lines = [line for line in lines.splitlines() if not _NO_LOGIC.search(line)][:count]
    mutants = tuple(Mutant.read(number, line) for number, line in enumerate(kept_lines, 1))
    return Design(config, flat, mutants, f"{key}-{count}")


def flip_flops(made: Design, count: int, seed: int, progress: Progress) -> Design:
    """``made`` with flips of single bits as its mutants: of registers, which keep their bit
    without an enable here, and of what memories are given and give."""
    script = _FLIPS.format(count=6 * count, seed=seed)
    key, (flat, lines) = run_yosys(
        script, {"flat.il": made.flat}, ("flips.il", "flips.txt"), "drawing flips", progress
    )
    found = {}
    for line in lines.splitlines():
        if _STATE.search(line):
            line = re.sub(r"-mode \S+", "-mode inv", re.sub(r"-ctrlbit \S+ ?", "", line))
            mutant = Mutant.read(len(found) + 1, line)
            found.setdefault((mutant.cell, mutant.port, mutant.bit), mutant)
    mutants = tuple(found.values())[:count]
    return Design(made.config, flat, mutants, f"{key}-{count}")


def verilog(made: Design, progress: Progress) -> str:
    """Verilog of module ``celosia`` without a mutation; from the cache if it is there."""
    script = f"read_rtlil flat.il\n{_WRITE}"
    return run_yosys(script, {"flat.il": made.flat}, ("celosia.v",), "writing Verilog", progress)[
        1
    ][0]


def gates(flat: str, mutants: Sequence[Mutant], progress: Progress) -> str:
    """JSON of the engine of RTLIL ``flat`` as gates, with an input for each of ``mutants`` that
    chooses it: m1, ...; from the cache if it is there."""
    lines = "".join(f"mutate -ctrl m{m.number} 1 1 {m.command}\n" for m in mutants)
    script, stage = f"read_rtlil flat.il\n{lines}{_GATES}", f"mapping {len(mutants)} mutants"
    return run_yosys(script, {"flat.il": flat}, ("gates.json",), stage, progress)[1][0]


def _rtlil(config: Config) -> str:
    top = _Top(Engine(config), NAMING)
    with uninitialized_memories():
        return rtlil.convert(
            top, name=TOP, platform=Technology("portable"), ports=top.ports(), emit_src=True
        )


def run_yosys(
    script: str, given: dict[str, str], wanted: Sequence[str], stage: str, progress: Progress
) -> tuple[str, list[str]]:
    """Run ``script`` on files; a hash of it, and the files that are wanted, kept in the cache."""
    yosys = tools.find("yosys")
    key = sha256(repr((yosys.version, script, given, wanted)).encode()).hexdigest()[:32]
    path = cache_dir() / "mutate" / f"{key}.json.gz"
    if (cached := kept(path)) is not None:
        return key, json.loads(gzip.decompress(cached))

    def watch(stage: str, seconds: float, line: str) -> None:
        progress(f"{stage}: {seconds:.0f} s", 0, 0)

    with tools.workshop() as work:
        for name, text in {"script.ys": script, **given}.items():
            (work.path / name).write_text(text)
        tools.run(yosys, ["-q", "script.ys"], work, work.path / "log", stage, watch)
        found = [(work.path / name).read_text() for name in wanted]
    keep(path, gzip.compress(json.dumps(found).encode(), 1))
    return key, found
