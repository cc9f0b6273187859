"""Predicted cycles of many engines: in this process, in workers, or on a Dask cluster."""

import contextlib
import multiprocessing
import signal
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial

from celosia.network.outline import Outline
from celosia.predict.estimate import Estimate, estimate
from celosia.spec import Config
from celosia.support.cluster import on_cluster
from celosia.support.errors import CelosiaError
from celosia.support.progress import Progress, silent

__all__ = ["predict"]


def predict(
    outline: Outline,
    configs: Sequence[Config],
    *,
    jobs: int = 1,
    dask: str | None = None,
    progress: Progress = silent,
) -> dict[Config, Estimate]:
    """`celosia.predict.estimate.estimate` of every configuration.

    Parameters
    ----------
    outline : of the model.
    configs : engines; equal ones are predicted once.
    jobs : number of worker processes; with 1, or for one configuration, there are none.
    dask : address of a Dask scheduler to use instead, such as "tcp://host:8786".
    progress : called after every configuration.

    Raises
    ------
    CelosiaError : ``jobs`` below 1, a worker died, or see `on_cluster`.
    """
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
        raise CelosiaError(f"{jobs!r} is not an integer of at least 1", where="jobs")
    results: Generator[tuple[Config, Estimate], None, None]
    configs = list(dict.fromkeys(configs))
    # A new outline, without what the old one has cached, for a short way to the workers.
    one = partial(_one, replace(outline))
    jobs = min(jobs, len(configs))
    if not configs:
        return {}
    elif dask is not None:
        results = on_cluster(dask, one, configs)
    elif jobs > 1:
        results = _in_processes(jobs, one, configs)
    else:
        results = (one(config) for config in configs)
    found = {}
    with contextlib.closing(results):
        for config, result in results:
            found[config] = result
            progress("predicting cycles", len(found), len(configs))
    return found


def _one(outline: Outline, config: Config) -> tuple[Config, Estimate]:
    return config, estimate(outline, config)


def _in_processes(jobs: int, one: partial, configs: list[Config]) -> Generator[tuple, None, None]:
    # A spawned process inherits no threads and no locks; a forked one may deadlock on a lock.
    pool = ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"))
    try:
        with _no_interrupt():
            futures = [pool.submit(one, config) for config in configs]
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        raise CelosiaError(
            "a worker process died", where="sweep", todo="try fewer jobs, or one"
        ) from error
    finally:
        # After Ctrl-C only predictions that have begun are finished, which is quick.
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _no_interrupt() -> Iterator[None]:
    """Block SIGINT. Processes started meanwhile inherit that, and leave Ctrl-C to their parent."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
