"""Plays the stimulus to every mutant of an engine, and proves or lists those that survive it."""

import json
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from threading import Event, Lock

import numpy as np

from celosia.spec import Config
from celosia.support.progress import Progress, silent

from .design import Mutant, design, gates, verilog
from .equivalence import Prover
from .lanes import LANES, Circuit, Lanes, Played
from .netlist import Netlist
from .reach import ReachProver
from .simulation import Recorder
from .stimulus import STIMULI, record

__all__ = ["Score", "mutate"]

#: What `Lanes.play` says of a mutant without a difference.
_SAME = -1
#: Cycles of each stimulus whose states are looked at, and every how many of them.
_WATCHED, _EVERY = 40_000, 11


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
    first: int | None = None,
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
    first : only so many of the mutants, drawn with ``seed``; all if None. What is known of them
        is used again when it grows.
    workers : threads that play, and processes that prove; one for each core if None.
    """
    begin, workers = time.perf_counter(), workers or os.cpu_count() or 1
    made = design(config, count, seed, progress)
    text = gates(made.flat, made.mutants, progress)
    circuit = Circuit(text)
    built = time.perf_counter()
    alive = _drawn(made.mutants, seed)[:first]
    begins: list[Played] = []
    score = Score(len(alive))
    for number, (stimulus, times) in enumerate(stimuli):
        name = f"{stimulus.__name__} {number + 1}/{len(stimuli)}"
        recorder = Recorder(config, verilog(made, progress), seed, progress)
        record(recorder, config, seed, number, stimulus, times)
        recording = recorder.recording
        score.cycles += recorder.recorded
        recorder.close()
        known = _Known(folder / f"{made.key}-{sha256(recording).hexdigest()[:16]}.jsonl")
        played = Played(recording, config.link_bytes)
        begins.append(Played(recording, config.link_bytes, _WATCHED))
        _play(circuit, alive, played, known, workers, name, progress)
        left = [mutant for mutant in alive if known.values[mutant.number] == _SAME]
        score.by[stimulus.__name__] = score.by.get(stimulus.__name__, 0) + len(alive) - len(left)
        score.killed += len(alive) - len(left)
        alive = left
    proving = time.perf_counter()
    proofs: dict[int, str | None] = {}
    if prove:
        known = _Known(folder / f"{made.key}-proofs.jsonl")
        proofs = _prove(alive, known, Prover, (text,), workers, progress)
        left = [mutant for mutant in alive if proofs[mutant.number] is None]
        known = _Known(folder / f"{made.key}-reach.jsonl")
        seen = None
        if any(mutant.number not in known.values for mutant in left):
            lanes = Lanes(circuit)
            seen = np.concatenate([lanes.watch(each, _EVERY) for each in begins])
            lanes.close()
        proofs |= _prove(left, known, ReachProver, (text, seen), workers, progress)
    score.proven = {str(m): proof for m in alive if (proof := proofs.get(m.number))}
    score.survivors = [str(mutant) for mutant in alive if not proofs.get(mutant.number)]
    ended = time.perf_counter()
    score.seconds = {
        "build": round(built - begin, 1),
        "play": round(proving - built, 1),
        "prove": round(ended - proving, 1),
    }
    return score


def _drawn(mutants: Sequence[Mutant], seed: int) -> list[Mutant]:
    order = np.random.default_rng(seed).permutation(len(mutants))
    return [mutants[index] for index in order]


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
    alive: Sequence[Mutant],
    known: "_Known",
    kind: type,
    given: tuple,
    workers: int,
    progress: Progress,
) -> dict[int, str | None]:
    """Number of each survivor -> how it was proven the same by the prover ``kind``, or None."""
    left = [mutant for mutant in alive if mutant.number not in known.values]
    # Most of a proof is Python: a process for each core.
    with ProcessPoolExecutor(
        max(min(workers, len(left)), 1),
        get_context("spawn"),
        initializer=_prepare,
        initargs=(kind, *given),
    ) as pool:
        try:
            numbers = {pool.submit(_proof, mutant): mutant.number for mutant in left}
            for index, future in enumerate(as_completed(numbers), 1):
                known.add(numbers[future], future.result())
                proven = sum(known.values.get(each.number) is not None for each in alive)
                progress(f"{kind.__name__}: {proven} proven the same", index, len(left))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return {mutant.number: known.values[mutant.number] for mutant in alive}


_prover: "Prover | ReachProver | None" = None


def _prepare(kind: type, text: str, *more) -> None:
    global _prover
    _prover = kind(Netlist.read(text, "celosia"), *more)


def _proof(mutant: Mutant) -> str | None:
    return _prover.prove(mutant) if _prover else None


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
