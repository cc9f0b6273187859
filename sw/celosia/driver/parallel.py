"""Spread images over worker processes, each with an engine of its own."""

import contextlib
import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

import numpy as np

from celosia.compiler.image import Image
from celosia.spec import ceil_div
from celosia.support.errors import CelosiaError
from celosia.support.progress import Progress, silent

from .device import Device

__all__ = [
    "Collector",
    "Interrupted",
    "Run",
    "WorkerFailed",
    "run_parallel",
    "shared",
    "work_share",
]


@dataclass
class Run:
    """What a run has computed, whole or in part.

    Attributes
    ----------
    heads : int8 [n, N] of the engine for each head of the model; rows that are not ``done`` are 0.
    done : bool [n], True for each image whose outputs are there.
    cycles : clock cycles up to the last of these outputs, summed over the engines; None on the
        golden model.
    counters : the engines' performance counters since they were loaded, summed. Only of engines
        that came to the end of their share.
    jobs : engines that ran.
    faults : of the lines to the engines, those that were mended, by kind.
    verified : whether the engines' memories held the program image to the end; False if they have
        no checksums to tell, None if it was not asked.
    """

    heads: list[np.ndarray]
    done: np.ndarray
    cycles: int | None
    counters: dict[str, int]
    jobs: int
    faults: dict[str, int] = field(default_factory=dict)
    verified: bool | None = None

    @property
    def outputs(self) -> np.ndarray:
        """int8 [n, N] of the output, the first head."""
        return self.heads[0]


class WorkerFailed(CelosiaError):
    """A worker could not finish; ``run`` holds what had been computed by then."""

    def __init__(self, what: str, run: Run):
        super().__init__(f"{what} (after {run.done.sum()} of {len(run.done)} images)")
        self.run = run


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during a run; ``run`` holds what had been computed by then."""

    def __init__(self, run: Run):
        super().__init__(f"interrupted after {run.done.sum()} of {len(run.done)} images")
        self.run = run


def run_parallel(
    make_device: Callable[[], Device],
    image: Image,
    x: np.ndarray,
    jobs: int = 1,
    progress: Progress = silent,
    *,
    batch: int | None = None,
    skip: bool = True,
    verify: bool = False,
) -> Run:
    """`Device.run_layers` on ``jobs`` engines, each for a contiguous share of ``x``.

    Shares are whole batches, so every image meets the neighbours that it has on one engine. With
    one job, or no more than one batch, everything happens in this process.

    Parameters
    ----------
    make_device : opens an engine; a picklable function, `functools.partial` of one included.
    image : to load.
    x : int8 [n, K] (`inputs.prepare` makes it of a model's own inputs).
    batch, skip : see `Device.run`.
    jobs : engines, at least 1.
    verify : whether to verify the engines' memories at the end (`Device.verify`).
    progress : told about every finished part.

    Raises
    ------
    WorkerFailed : an engine refused or a worker died; all have been ended.
    Interrupted : Ctrl-C; all have been ended.
    """
    run, shares = shared(make_device, image, x, jobs, batch, skip, verify)
    collect = Collector(run, progress)
    try:
        if run.jobs == 1:
            for message in work_share(*shares[0]):
                collect(message)
        else:
            _in_workers(shares, collect)
    except KeyboardInterrupt as error:
        raise Interrupted(run) from error
    except CelosiaError as error:
        if run.jobs == 1 and not run.done.any():
            raise
        raise WorkerFailed(str(error), run) from error
    return run


def shared(
    make_device: Callable[[], Device],
    image: Image,
    x: np.ndarray,
    jobs: int,
    batch: int | None,
    skip: bool,
    verify: bool,
) -> tuple[Run, list[tuple]]:
    """An empty `Run` and the arguments of `work_share` for at most ``jobs`` shares of ``x``.

    Parameters and errors are those of `run_parallel`.
    """
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
        raise CelosiaError(f"jobs = {jobs!r} is not a whole number from 1")
    x = image.check_input(x)
    batch = image.batch if batch is None else batch
    if not 1 <= batch <= image.batch:
        raise CelosiaError(
            f"batch = {batch} is outside 1..{image.batch}, the images computed together"
        )
    batches = ceil_div(len(x), batch)
    jobs = max(1, min(jobs, batches))
    bounds = [min(batches * job // jobs * batch, len(x)) for job in range(jobs + 1)]
    run = Run(
        heads=[
            np.zeros((len(x), image.model.emitted[position].outputs), np.int8)
            for position in image.model.positions
        ],
        done=np.zeros(len(x), bool),
        cycles=None,
        counters={},
        jobs=jobs,
    )
    shares = [
        (make_device, image, x[a:b], a, batch, skip, verify)
        for a, b in zip(bounds, bounds[1:], strict=False)
    ]
    return run, shares


class Collector:
    """Puts what engines send into a `Run`."""

    def __init__(self, run: Run, progress: Progress):
        self.run, self.progress = run, progress
        #: Of each engine, by the first image of its share.
        self.cycles: dict[int, int] = {}

    def __call__(self, message: tuple) -> None:
        kind, *content = message
        if kind == "outputs":
            share, start, heads, cycles = content
            stop = start + len(heads[0])
            for whole, part in zip(self.run.heads, heads, strict=True):
                whole[start:stop] = part
            self.run.done[start:stop] = True
            if cycles is not None:
                self.cycles[share] = cycles
                self.run.cycles = sum(self.cycles.values())
            self.progress("running", int(self.run.done.sum()), len(self.run.done))
        elif kind in ("counters", "faults"):
            sums = getattr(self.run, kind)
            for name, value in content[0].items():
                sums[name] = sums.get(name, 0) + value
        elif kind == "verified":
            # Each engine that cannot tell is one too many.
            self.run.verified = content[0] and self.run.verified is not False
        elif kind == "error":
            raise content[0]


def work_share(
    make_device: Callable[[], Device],
    image: Image,
    x: np.ndarray,
    first: int,
    batch: int,
    skip: bool,
    verify: bool,
) -> Iterator[tuple]:
    """Run one engine's share, the images from ``first`` on; messages for `Collector`."""
    with contextlib.closing(make_device()) as device:
        device.load(image)
        device.counters(clear=True)
        for start, outputs in device.stream(x, batch=batch, skip=skip):
            heads = [outputs[position] for position in image.model.positions]
            yield "outputs", first, first + start, heads, device.cycles
        yield "counters", device.counters()
        if verify:
            if device.config.checksum:
                device.verify()
            yield "verified", bool(device.config.checksum)
        yield "faults", dict(getattr(device.transport, "faults", {}))


def _in_workers(shares: list[tuple], collect: Collector) -> None:
    """One process for each share; none is left when this returns or raises."""
    # A spawned process inherits no threads and no locks, which a forked one may trip over.
    context = multiprocessing.get_context("spawn")
    # Starting this helper of the first process would let Ctrl-C through again.
    resource_tracker.ensure_running()
    workers: dict[Connection, BaseProcess] = {}
    try:
        for _ in shares:
            ours, theirs = context.Pipe()
            worker: BaseProcess = context.Process(target=_work, args=(theirs,), daemon=True)
            with _no_interrupt():
                worker.start()
            theirs.close()
            workers[ours] = worker
        # Not as arguments: `start` would wait for ever for a process that dies before it has read
        # more than a pipe holds. What has no reader fails here, and is told below.
        for connection, share in zip(workers, shares, strict=True):
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.send(share)
        running = dict(workers)
        while running:
            for ready in wait(list(running)):
                assert isinstance(ready, Connection)
                try:
                    message = ready.recv()
                except (EOFError, ConnectionResetError):
                    # The worker closed its end without saying that it is done.
                    running[ready].join()
                    raise _died(running[ready].exitcode) from None
                if message[0] == "end":
                    del running[ready]
                else:
                    collect(message)
    finally:
        for worker in workers.values():
            worker.kill()
        for receiver, worker in workers.items():
            worker.join()
            receiver.close()


def _died(status: int | None) -> CelosiaError:
    if status == -signal.SIGKILL:
        return CelosiaError(
            "a worker process was killed, as systems do that run out of memory",
            where="parallel run",
            todo="try fewer jobs, or one",
        )
    return CelosiaError(
        f"a worker process died with exit code {status}",
        where="parallel run",
        todo="try fewer jobs, or one; a script that runs with jobs needs "
        "`if __name__ == '__main__':`",
    )


@contextlib.contextmanager
def _no_interrupt() -> Iterator[None]:
    """Hold Ctrl-C back. A process started meanwhile inherits that for good, so that it cannot
    die with a traceback before `_work` gets to say so."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(sender: Connection) -> None:
    """A worker's life. It leaves Ctrl-C to its parent, which ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        for message in work_share(*sender.recv()):
            sender.send(message)
        sender.send(("end",))
    except (BrokenPipeError, ConnectionResetError, EOFError):
        # The parent is gone: the rest has no reader.
        os._exit(1)
    except CelosiaError as error:
        # As text: an exception of its own constructor does not survive pickling.
        sender.send(("error", CelosiaError(str(error))))
    except MemoryError:
        what, todo = "not enough memory", "try fewer jobs, a smaller engine or fewer images"
        sender.send(("error", CelosiaError(what, where="a worker process", todo=todo)))
    except OSError as error:
        where = str(error.filename or "a worker process")
        sender.send(("error", CelosiaError(error.strerror or str(error), where=where)))
    except Exception:
        sender.send(("error", RuntimeError(f"in a worker process:\n{traceback.format_exc()}")))
