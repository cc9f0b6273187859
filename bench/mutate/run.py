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

from .design import Design, Mutant, design, netlist
from .simulation import Recorder
from .stimulus import STIMULI, record_all

__all__ = ["Score", "mutate"]

#: What `Recorder.play` says of a mutant without a difference, and of one that never settles.
_SAME, _UNSETTLED = -1, -2
#: Cycles of the stimulus, and mutants in one netlist. A mutant makes all others slower: an engine
#: of 2x4 with 20 is simulated five times as fast as with 600. Most end soon, so that they are few
#: netlists; those that live are played the whole stimulus in small ones.
_ROUNDS = ((120_000, 500), (1 << 62, 80))


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
    player = _Player(made, seed, stimuli, folder, workers or os.cpu_count() or 1, progress)
    for most, together in _ROUNDS:
        player.play(most, together)
    cycles, parts = player.known.values, player.parts
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
        cycles=player.recorded,
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


class _Player:
    """Plays the stimulus to mutants of a design, and keeps in which cycle each differs."""

    def __init__(self, made, seed, stimuli, folder, workers, progress):
        self.made, self.seed, self.stimuli = made, seed, stimuli
        self.folder, self.workers, self.progress = folder, workers, progress
        self.parts: list[tuple[str, int]] = []
        self.recorded = 0
        self.known = _Known(None)

    def play(self, most: int, together: int) -> None:
        """To all that are not known to differ, ``together`` in a netlist, for ``most`` cycles."""
        waiting = list(self.made.mutants)
        while waiting:
            # What was known before this run shows only when there is a recording to compare.
            chunk, waiting = waiting[:together], waiting[together:]
            if self.recorded:
                chunk, waiting = self._left([*chunk, *waiting], most, together)
            if chunk:
                self._chunk(chunk, most)

    def _left(self, mutants: list[Mutant], most: int, together: int):
        left = [m for m in mutants if self._open(m, most)]
        return left[:together], left[together:]

    def _open(self, mutant: Mutant, most: int) -> bool:
        """Whether ``mutant`` was not played, or lived but not for so many cycles."""
        most = min(most, self.recorded)
        cycle = self.known.values.get(mutant.number)
        lived = self.known.values.get(f"lived {mutant.number}", 0)
        return cycle is None or (cycle == _SAME and lived < most)

    def _chunk(self, chunk: list[Mutant], most: int) -> None:
        verilog = netlist(self.made, chunk, self.progress)
        recorder = Recorder(self.made.config, verilog, self.seed, self.progress)
        self.progress("recording the stimulus", 0, 0)
        self.parts = record_all(recorder, self.made.config, self.seed, self.stimuli)
        if not self.recorded:
            self.recorded = recorder.recorded
            self.known = _Known(self.folder / f"{self.made.key}-{recorder.hash}.jsonl")
        with ThreadPoolExecutor(self.workers) as pool:
            # The simulation does not hold Python's lock.
            playing = {
                pool.submit(recorder.play, mutant.number, most): mutant.number
                for mutant in chunk
                if self._open(mutant, most)
            }
            try:
                for future in as_completed(playing):
                    self._note(playing[future], future.result(), most)
            finally:
                pool.shutdown(cancel_futures=True)
        recorder.close()

    def _note(self, number: int, cycle: int, most: int) -> None:
        if cycle == _SAME:
            self.known.add(f"lived {number}", min(most, self.recorded))
        self.known.add(number, cycle)
        cycles = [self.known.values.get(mutant.number) for mutant in self.made.mutants]
        done = sum(each is not None for each in cycles)
        text = f"{done - cycles.count(_SAME)} of {done} mutants killed"
        self.progress(f"{text} in {most:,} cycles", done, len(cycles))


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

    def __init__(self, path: Path | None):
        self.path, self.values = path, {}
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            whole = path.read_text()
            # The last line may have been cut by whatever ended the run before.
            lines = whole[: whole.rfind("\n") + 1]
            path.write_text(lines)
            self.values = dict(json.loads(line) for line in lines.splitlines())

    def add(self, number: int | str, value) -> None:
        self.values[number] = value
        assert self.path
        with open(self.path, "a") as file:
            file.write(json.dumps([number, value]) + "\n")
