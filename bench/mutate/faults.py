"""What a bit that flips does to a run: masked, visible or silent, by where it is.

    python -m bench.mutate.faults [--engine 2x4] [--count 2000] [--seed 1] [--json FILE]

A register's bit flips once, in a cycle of a run drawn at random; so does what a memory is given or
gives in that cycle. A bit of the memories that a host writes flips before the run. After two more
runs the host asks for counters and, of engines that have them, for checksums.

- masked: every response is as without the flip.
- visible: a status is not OK, a response is missing, too many or of another length, the engine
  hangs, or counters differ.
- verified: only checksums differ, or bytes of results too; the driver finds it after loading.
- silent: bytes of results differ, and nothing else.
"""

import argparse
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from celosia.driver.frames import padded
from celosia.spec import TRAILER, Config, Memory, Opcode, memories, record
from celosia.support.progress import Progress, silent

from .design import Mutant, design, flip_flops, gates, verilog
from .engines import ENGINES
from .lanes import LANES, Circuit, Lanes, Played
from .simulation import Recorder
from .stimulus import Host

__all__ = ["faults", "main"]

OUTCOMES = ("masked", "visible", "verified", "silent")
#: In which runs end, counters and checksums are asked for, and then nothing more may come.
_MOST_CYCLES, _IDLE = 40_000, 300
#: Sources that blocks are made of, which say little about where a register is.
_PARTS = re.compile(r"hw/celosia_hw/(util|cells|layouts|emit)")


def faults(config: Config, count: int, seed: int, progress: Progress = silent) -> dict:
    """Outcome -> number for each bank: each block's registers, and each memory."""
    made = flip_flops(design(config, 1, seed, progress), count, seed, progress)
    circuit = Circuit(gates(made.flat, made.mutants, progress))
    scene = _Scene(config, verilog(made, progress), seed, progress)
    table: dict[str, Counter] = {}
    flips = list(made.mutants)
    for start in range(0, len(flips), LANES):
        chunk = flips[start : start + LANES]
        rngs = [np.random.default_rng([seed, flip.number]) for flip in chunk]
        at = [int(rng.integers(scene.begin, scene.end)) for rng in rngs]
        outcomes = scene.outcomes(circuit, [flip.number for flip in chunk], at)
        for flip, outcome in zip(chunk, outcomes, strict=True):
            table.setdefault(_bank(flip), Counter())[outcome] += 1
        progress("bits flipped", start + len(chunk), len(flips))
    rng = np.random.default_rng(seed)
    for memory in memories(config):
        if not record(config, memory).writable:
            continue
        bank = f"memory {memory.name}, before the run"
        for index in range(max(count // 20, 1)):
            table.setdefault(bank, Counter())[scene.outcome_of_memory(memory, rng)] += 1
            progress(f"bits of {memory.name}", index + 1, max(count // 20, 1))
    return {bank: {name: n[name] for name in OUTCOMES} for bank, n in sorted(table.items())}


def _bank(flip: Mutant) -> str:
    files = [source.partition(":")[0] for source in flip.sources]
    files = [file for file in files if file.startswith("hw/celosia_hw/")]
    own = [file for file in files if not _PARTS.search(file)]
    name = (own or files or ["others"])[0]
    name = name.removeprefix("hw/celosia_hw/").removesuffix(".py")
    if flip.port == "D":
        return f"registers of {name}"
    return f"memories of {name}, at their ports"


class _Scene:
    """A network in three runs, the same every time but for a flip."""

    def __init__(self, config: Config, verilog: str, seed: int, progress: Progress):
        self.config, self.verilog, self.seed, self.progress = config, verilog, seed, progress
        recorder = Recorder(config, verilog, seed, progress)
        host = Host(recorder, config, np.random.default_rng([seed, 0]))
        # The one of most layers.
        images = [host.image(largest=6, layers=4) for _ in range(8)]
        self.image = max(images, key=lambda image: len(image.descriptors()))
        self.runs = [host.run_of(self.image) for _ in range(3)]
        recorder.close()
        self.before, self.frames = b"", list[bytes]()
        self.begin = self.end = 0
        self.wanted = self._play(None)

    def outcomes(self, circuit: Circuit, numbers: Sequence[int], at: Sequence[int]) -> list[str]:
        """Of each flip, of which each has its cycle."""
        link_bytes, lanes = self.config.link_bytes, Lanes(circuit)
        before = Played(self.before, link_bytes)
        flips = list(zip(numbers, at, strict=True))
        found = lanes.converse(flips, before, self.frames, link_bytes, _IDLE, _MOST_CYCLES)
        lanes.close()
        if found[0] != self.wanted:
            raise RuntimeError("the netlist answers something else than the Verilog")
        return [self._judge(each) for each in found[1:]]

    def outcome_of_memory(self, memory: Memory, rng: np.random.Generator) -> str:
        """Of a flip of any bit of ``memory`` that the image uses."""
        records = self.image.records(memory)
        if not len(records):
            return "masked"
        address = int(rng.integers(len(records)))
        changed = records[address : address + 1].copy()
        changed[0, rng.integers(changed.shape[1])] ^= 1 << int(rng.integers(8))
        return self._judge(self._play((memory, address, changed)))

    def _play(self, written: tuple | None) -> list[bytes] | None:
        """The responses to all runs, counters and checksums; None if the engine hangs.

        The first time, what was recorded before them and what is asked are kept.
        """
        recorder = Recorder(self.config, self.verilog, self.seed, self.progress)
        recorder.reset()
        host = Host(recorder, self.config, np.random.default_rng(self.seed))
        host.device.load(self.image)
        if written:
            host.send(host.write(*written))
        # Counts begin when all is written: to write more is no effect of a flip.
        host.send(host.frame(Opcode.COUNTERS, 1))
        before, begin = recorder.recording, recorder.recorded
        frames = [*self.runs, host.frame(Opcode.COUNTERS), *self._checksums(host)]
        responses = recorder.send(frames, len(frames), _MOST_CYCLES, _IDLE)
        if not self.end:
            self.before, self.frames, self.begin = before, frames, begin
            self.end = recorder.recorded * 2 // 3 + begin // 3
        ended = recorder.ended
        recorder.close()
        return responses if ended else None

    def _checksums(self, host: Host) -> list[bytes]:
        if not self.config.checksum:
            return []
        return [
            host.frame(Opcode.CHECKSUM, memory, 0, len(self.image.records(memory)))
            for memory in memories(self.config)
            if record(self.config, memory).writable and len(self.image.records(memory))
        ]

    def _judge(self, found: Sequence[bytes] | None) -> str:
        wanted, runs = self.wanted, len(self.runs)
        if found == wanted:
            return "masked"
        if found is None or [len(each) for each in found] != [len(each) for each in wanted]:
            return "visible"
        if [self._end(each) for each in found] != [self._end(each) for each in wanted]:
            return "visible"
        # The count of cycles is that of skipped bytes too: another one says little.
        if found[runs] != wanted[runs]:
            return "visible"
        return "verified" if found[runs + 1 :] != wanted[runs + 1 :] else "silent"

    def _end(self, frame: bytes) -> bytes:
        return frame[-padded(TRAILER.size, self.config.link_bytes) :]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.mutate.faults", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--engine", choices=ENGINES, default="2x4", help="which one (2x4)")
    parser.add_argument("--count", type=int, default=2000, help="flips of registers (2000)")
    parser.add_argument("--seed", type=int, default=1, help="of all that is drawn (1)")
    parser.add_argument("--json", metavar="FILE", help="write the table here")
    args = parser.parse_args()
    if not 1 <= args.count < 1 << 16:
        parser.error(f"--count {args.count} is not in 1..65535")
    from .__main__ import watched

    print(f"{args.engine}: {args.count} flips, seed {args.seed}", flush=True)
    table = watched(
        args.engine,
        lambda progress: faults(ENGINES[args.engine], args.count, args.seed, progress),
    )
    print("| where | " + " | ".join(OUTCOMES) + " |\n|---|" + "---|" * len(OUTCOMES))
    total = Counter()
    for bank, outcomes in table.items():
        total.update(outcomes)
        print(f"| {bank} | " + " | ".join(str(outcomes[name]) for name in OUTCOMES) + " |")
    print("| all | " + " | ".join(str(total[name]) for name in OUTCOMES) + " |")
    if args.json:
        Path(args.json).write_text(json.dumps(table, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
