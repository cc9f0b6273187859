"""Plays the stimulus to every mutant of an engine, and proves or lists those that survive it."""

import json
import os
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from threading import Event, Lock

from celosia.spec import Config
from celosia.support.progress import Progress, silent

from .design import Design, Mutant, design, netlist
from .simulation import Recorder
from .stimulus import STIMULI, record_all

__all__ = ["Score", "mutate"]

#: What `Recorder.play` says of a mutant without a difference, and of one that never settles.
_SAME, _UNSETTLED = -1, -2
#: Mutants in one netlist. Each makes all others slower: an engine of 2x4 with 20 is simulated five
#: times as fast as with 600, and is compiled in a fifth of the time.
_TOGETHER = 125
#: Cycles in which a netlist with mutants is compared when none of them is chosen.
_CHECKED = 50_000


@dataclass
class Score:
    """What became of the mutants of one engine.

    Parameters
    ----------
    mutants, killed : how many; of those killed an output pin differed in some cycle.
    unsettled : of those killed, logic that never settles.
    cycles : of the stimulus.
    by : killed mutants by the part of the stimulus that noticed them first.
    proven : survivors that are the engine itself, and the kinds of proof.
    survivors : the others.
    seconds : of playing, builds included, and of proving.
    """

    mutants: int
    killed: int
    unsettled: int
    cycles: int
    by: dict[str, int]
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
    recorder = Recorder(config, netlist(made, made.mutants[:1], progress), seed, progress)
    progress("recording the stimulus", 0, 0)
    parts = record_all(recorder, config, seed, stimuli)
    recorded, recording = recorder.recorded, recorder.recording
    recorder.close()
    known = _Known(folder / f"{made.key}-{sha256(recording).hexdigest()[:16]}.jsonl")
    _play(made, recording, known, workers or os.cpu_count() or 1, progress)
    cycles = known.values
    played = time.perf_counter()
    alive = [m for m in made.mutants if cycles[m.number] == _SAME]
    dead = [cycle for cycle in cycles.values() if cycle != _SAME]
    by = Counter(
        "unsettled"
        if cycle == _UNSETTLED
        else next(name for name, start in reversed(parts) if start <= cycle)
        for cycle in dead
    )
    score = Score(
        mutants=len(made.mutants),
        killed=len(dead),
        unsettled=dead.count(_UNSETTLED),
        cycles=recorded,
        by=dict(by.most_common()),
    )
    proofs = _prove(made, alive, folder, progress) if prove and alive else {}
    for mutant in alive:
        if proof := proofs.get(mutant.number):
            score.proven[str(mutant)] = proof
        else:
            score.survivors.append(str(mutant))
    ended = time.perf_counter()
    score.seconds = {
        "play": round(played - begin, 1),
        "prove": round(ended - played, 1),
    }
    return score


def _play(
    made: Design, recording: bytes, known: "_Known", workers: int, progress: Progress
) -> None:
    """Fill ``known``: number of a mutant -> the cycle in which it differs, or `_SAME`, ..."""
    left = [m for m in made.mutants if m.number not in known.values]
    ended = Event()

    def play(chunk: Sequence[Mutant]) -> None:
        if ended.is_set():
            return
        recorder = Recorder(made.config, netlist(made, chunk, silent), 0)
        recorder.load(recording)
        if recorder.play(0, _CHECKED) != _SAME:
            raise RuntimeError("the netlist with mutants, of which none is chosen, is another one")
        for mutant in chunk:
            if ended.is_set():
                return
            known.add(mutant.number, recorder.play(mutant.number))
            tell()
        recorder.close()

    def tell() -> None:
        # A copy, as other threads go on.
        cycles = list(known.values.values())
        text = f"{len(cycles) - cycles.count(_SAME)} of {len(cycles)} mutants killed"
        progress(text, len(cycles), len(made.mutants))

    tell()
    # Neither the tools nor the simulation hold Python's lock.
    with ThreadPoolExecutor(workers) as pool:
        chunks = [left[start : start + _TOGETHER] for start in range(0, len(left), _TOGETHER)]
        try:
            for future in as_completed([pool.submit(play, chunk) for chunk in chunks]):
                future.result()
        finally:
            ended.set()
            pool.shutdown(cancel_futures=True)


def _prove(
    made: Design, alive: list[Mutant], folder: Path, progress: Progress
) -> dict[int, str | None]:
    """Number of each survivor -> how it was proven the same, or None."""
    from .equivalence import Prover, gates

    known = _Known(folder / f"{made.key}-proofs.jsonl")
    left = [m for m in alive if m.number not in known.values]
    if left:
        prover = Prover(gates(made.flat, left, progress))
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
