"""Plays the stimulus to every mutant of an engine, and proves or lists those that survive it."""

import json
import os
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from pathlib import Path

from celosia.spec import Config
from celosia.support.progress import Progress, silent

from .design import Design, Mutant, design
from .simulation import Recorder
from .stimulus import STIMULI, record_all

__all__ = ["Score", "mutate"]

#: What `Recorder.play` says of a mutant without a difference, and of one that never settles.
_SAME, _UNSETTLED = -1, -2


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
    seconds : of building, playing and proving.
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
    recorder = Recorder(config, made.verilog, seed, progress)
    progress("recording the stimulus", 0, 0)
    parts = record_all(recorder, config, seed, stimuli)
    built = time.perf_counter()
    cycles = _play(made, recorder, folder, workers or os.cpu_count() or 1, progress)
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
        cycles=recorder.recorded,
        by=dict(by.most_common()),
    )
    recorder.close()
    proofs = _prove(made, alive, folder, progress) if prove and alive else {}
    for mutant in alive:
        if proof := proofs.get(mutant.number):
            score.proven[str(mutant)] = proof
        else:
            score.survivors.append(str(mutant))
    ended = time.perf_counter()
    score.seconds = {
        "build": round(built - begin, 1),
        "play": round(played - built, 1),
        "prove": round(ended - played, 1),
    }
    return score


def _play(
    made: Design, recorder: Recorder, folder: Path, workers: int, progress: Progress
) -> dict[int, int]:
    """Number of each mutant -> the cycle in which it differs, `_SAME` or `_UNSETTLED`."""
    known = _Known(folder / f"{made.key}-{recorder.hash}.jsonl")
    left = [m.number for m in made.mutants if m.number not in known.values]
    with ThreadPoolExecutor(workers) as pool:
        # The simulation does not hold Python's lock.
        waiting = {pool.submit(recorder.play, number): number for number in left}
        try:
            for future in as_completed(waiting):
                known.add(waiting[future], future.result())
                alive = sum(cycle == _SAME for cycle in known.values.values())
                done = len(known.values)
                progress(f"mutants killed: {done - alive} of {done}", done, len(made.mutants))
        finally:
            pool.shutdown(cancel_futures=True)
    return known.values


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
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.values: dict = {}
        if path.exists():
            whole = path.read_text()
            # The last line may have been cut by whatever ended the run before.
            lines = whole[: whole.rfind("\n") + 1]
            path.write_text(lines)
            self.values = dict(json.loads(line) for line in lines.splitlines())

    def add(self, number: int, value) -> None:
        self.values[number] = value
        with open(self.path, "a") as file:
            file.write(json.dumps([number, value]) + "\n")
