"""Spread images over the workers of a Dask cluster, each with engines of its own."""

import contextlib
from collections.abc import Callable

import numpy as np

from celosia.compiler.image import Image
from celosia.support.cluster import on_cluster
from celosia.support.errors import CelosiaError
from celosia.support.progress import Progress, silent

from .device import Device
from .parallel import Collector, Interrupted, Run, WorkerFailed, shared, work_share

__all__ = ["SHARES", "run_on_cluster"]

#: Shares of the images at most: of a worker that dies one is lost and done again. Their number does
#: not depend on the cluster, so neither do the cycles.
SHARES = 64


def run_on_cluster(
    address: str,
    make_device: Callable[[], Device],
    image: Image,
    x: np.ndarray,
    progress: Progress = silent,
    *,
    batch: int | None = None,
    skip: bool = True,
    verify: bool = False,
) -> Run:
    """`celosia.driver.parallel.run_parallel` with the workers of the scheduler at ``address``.

    The outputs are the same. Every share is an engine of its own that starts empty: `Run.jobs` is
    the number of shares, `SHARES` at most, and the cycles are their sum.

    Parameters
    ----------
    address : such as "tcp://host:8786"; the others are those of `run_parallel`.

    Raises
    ------
    CelosiaError : see `celosia.support.cluster.on_cluster`.
    WorkerFailed : an engine refused, or the cluster was lost after some shares.
    Interrupted : Ctrl-C.
    """
    run, shares = shared(make_device, image, x, SHARES, batch, skip, verify)
    collect = Collector(run, progress)
    try:
        with contextlib.closing(on_cluster(address, _messages, shares, ahead=2)) as results:
            for messages in results:
                for message in messages:
                    collect(message)
    except KeyboardInterrupt as error:
        raise Interrupted(run) from error
    except CelosiaError as error:
        if not run.done.any():
            raise
        raise WorkerFailed(str(error), run) from error
    return run


def _messages(share: tuple) -> list[tuple]:
    """All of a share: half of one would be told twice if its worker died."""
    try:
        return list(work_share(*share))
    except CelosiaError as error:
        # As text: an exception of its own constructor does not survive pickling.
        return [("error", CelosiaError(str(error)))]
