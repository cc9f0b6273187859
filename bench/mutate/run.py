"""Plays the stimulus to every mutant of an engine, and proves or lists those that survive it."""

import json
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from threading import Event, Lock
from typing import Any

from celosia.spec import Config
from celosia.support.progress import Progress, silent

from .design import Design, Mutant, design, gates, netlist
from .lanes import LANES, Circuit, Lanes, Played
from .simulation import Recorder
from .stimulus import STIMULI, record

__all__ = ["Score", "mutate"]

#: What `Lanes.play` says of a mutant without a difference.
_SAME = -1
#: Cycles of the stimulus after which proofs are tried: most that survive them are proven, and need
#: not be played to the end.
_PROVEN_AFTER = 250_000


@dataclass
class Score:
    """What became of the mutants of one engine.

    Parameters
    ----------
    mutants, killed : how many; of those killed an output pin differed in some cycle.
    cycles : of the stimulus.
    by : killed mutants by the part of the stimulus that noticed them first.
    proven : survivors that are the engine itself, and the kinds of proof.
    survivors : the others.
    seconds : of playing, builds included, and of proving.
    """

    mutants: int
    killed: int = 0
    cycles: int = 0
    by: dict[str, int] = field(default_factory=dict)
    proven: dict[str, str] = field(default_factory=dict)
    survivors: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def score(self) -> float:
        """killed / (mutants - proven)."""
        return self.killed / max(self.mutants - len(self.proven), 1)

    def to_dict(self) -> dict:
        return asdict(self) | {"score": self.score}


def mutate(
    config: Config,
    count: int,
    seed: int,
    folder: Path,
    *,
    stimuli: Sequence = STIMULI,
    prove: bool = True,
    workers: int | None = None,
    progress: Progress = silent,
) -> Score:
    """The score of ``count`` mutants.

    Parameters
    ----------
    seed : of the choice of mutants, and of the stimulus.
    folder : where results are kept, by which an interrupted run of the same goes on.
    stimuli : see `stimulus.STIMULI`.
    prove : whether proofs are tried for those that survive.
    workers : threads; one for each core if None.
    """
    begin = time.perf_counter()
    made = design(config, count, seed, progress)
    text = gates(made.flat, made.mutants, progress)
    circuit = Circuit(text)
    built = time.perf_counter()
    score = Score(len(made.mutants))
    alive, proving = list(made.mutants), 0.0
    proofs: dict[int, str | None] | None = None
    for number, (stimulus, times) in enumerate(stimuli):
        if prove and proofs is None and score.cycles >= _PROVEN_AFTER:
            proofs, proving = _timed(_prove, made, text, alive, folder, progress)
            alive = [mutant for mutant in alive if not proofs[mutant.number]]
        name = f"{stimulus.__name__} {number + 1}/{len(stimuli)}"
        recorder = Recorder(config, netlist(made, _plain(made), progress), seed, progress)
        record(recorder, config, seed, number, stimulus, times)
        recording = recorder.recording
        score.cycles += recorder.recorded
        recorder.close()
        known = _Known(folder / f"{made.key}-{sha256(recording).hexdigest()[:16]}.jsonl")
        played = Played(recording, config.link_bytes)
        _play(circuit, alive, played, known, workers or os.cpu_count() or 1, name, progress)
        left = [mutant for mutant in alive if known.values[mutant.number] == _SAME]
        score.by[stimulus.__name__] = score.by.get(stimulus.__name__, 0) + len(alive) - len(left)
        score.killed += len(alive) - len(left)
        alive = left
    if prove and proofs is None:
        proofs, proving = _timed(_prove, made, text, alive, folder, progress)
    proofs = proofs or {}
    score.proven = {str(m): proof for m in made.mutants if (proof := proofs.get(m.number))}
    score.survivors = [str(mutant) for mutant in alive if not proofs.get(mutant.number)]
    seconds = {"build": built - begin, "prove": proving}
    seconds["play"] = time.perf_counter() - begin - sum(seconds.values())
    score.seconds = {name: round(value, 1) for name, value in seconds.items()}
    return score


def _timed(work: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    begin = time.perf_counter()
    return work(*arguments), time.perf_counter() - begin


def _plain(made: Design) -> list[Mutant]:
    """Any mutant, for a netlist that is played without it: not of a register's output, which would
    lose the register its initial value in Verilog."""
    return next([mutant] for mutant in made.mutants if mutant.port != "Q")


def _play(
    circuit: Circuit,
    mutants: Sequence[Mutant],
    played: Played,
    known: "_Known",
    workers: int,
    name: str,
    progress: Progress,
) -> None:
    """Fill ``known``: number of a mutant -> the cycle in which it differs, or `_SAME`."""
    left = [mutant.number for mutant in mutants if mutant.number not in known.values]
    ended = Event()

    def play(numbers: Sequence[int]) -> None:
        if ended.is_set():
            return
        lanes = Lanes(circuit)
        for number, cycle in zip(numbers, lanes.play(numbers, played), strict=True):
            known.add(number, cycle)
        lanes.close()

    def tell() -> None:
        progress(f"{name}, {played.cycles:,} cycles", len(mutants) - len(left) + done, len(mutants))

    done = 0
    tell()
    # The simulation does not hold Python's lock.
    with ThreadPoolExecutor(workers) as pool:
        chunks = [left[start : start + LANES] for start in range(0, len(left), LANES)]
        try:
            for future in as_completed([pool.submit(play, chunk) for chunk in chunks]):
                future.result()
                done = min(done + LANES, len(left))
                tell()
        finally:
            ended.set()
            pool.shutdown(cancel_futures=True)


def _prove(
    made: Design, text: str, alive: list[Mutant], folder: Path, progress: Progress
) -> dict[int, str | None]:
    """Number of each survivor -> how it was proven the same, or None."""
    from .equivalence import Prover
    from .netlist import Netlist

    known = _Known(folder / f"{made.key}-proofs.jsonl")
    left = [m for m in alive if m.number not in known.values]
    if left:
        prover = Prover(Netlist.read(text, "celosia"))
        for index, mutant in enumerate(left):
            known.add(mutant.number, prover.prove(mutant))
            proven = sum(proof is not None for proof in known.values.values())
            progress(f"survivors proven the same: {proven}", index + 1, len(left))
    return known.values


class _Known:
    """Results by number, each a line of a file."""

    def __init__(self, path: Path):
        self.path, self.values, self._lock = path, {}, Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            whole = path.read_text()
            # The last line may have been cut by whatever ended the run before.
            lines = whole[: whole.rfind("\n") + 1]
            path.write_text(lines)
            self.values = dict(json.loads(line) for line in lines.splitlines())

    def add(self, number: int, value) -> None:
        with self._lock, open(self.path, "a") as file:
            self.values[number] = value
            file.write(json.dumps([number, value]) + "\n")
