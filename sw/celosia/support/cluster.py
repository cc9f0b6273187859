"""Work on an existing Dask cluster."""

import asyncio
import concurrent.futures
import itertools
import logging
import time
from collections.abc import Callable, Generator, Iterable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import celosia
from celosia.support.errors import CelosiaError

if TYPE_CHECKING:
    from distributed import Client, Future, as_completed

__all__ = ["on_cluster", "require_dask"]

#: Seconds to wait for the scheduler's answer, and for its first worker.
_PATIENCE = 5
#: Seconds without any worker, in the middle of work, until it is given up: a worker that died is
#: started again by its nanny.
_REVIVAL = 30
#: Seconds between looks for results, and for workers while there are none.
_POLL, _LOOK = 0.01, 1


def require_dask() -> None:
    """Refuse work on a cluster without Dask, before any other work is done.

    Raises
    ------
    CelosiaError : it is not installed.
    """
    if find_spec("distributed") is None:
        raise CelosiaError(
            "a cluster needs Dask",
            where="--dask",
            todo="install it with: pip install 'celosia[explore]'",
        )


def on_cluster(
    address: str, task: Callable, items: Iterable, ahead: int = 4
) -> Generator[Any, None, None]:
    """Results of ``task`` for every item, in the order in which they complete.

    An item whose worker dies is done by another one.

    Parameters
    ----------
    address : of the scheduler, such as "tcp://host:8786".
    task : picklable function; its modules must be installed on the workers.
    items : picklable arguments, taken as the work goes on.
    ahead : items sent for each thread of the workers.

    Raises
    ------
    CelosiaError : Dask is not installed, the scheduler cannot be reached or is lost, it has no
        workers or loses all of them, or workers lack this version of Celosia.
    """
    require_dask()
    from distributed import Client, as_completed
    from distributed.comm import get_address_host_port
    from distributed.scheduler import KilledWorker

    # Errors are one line of the command line, and not lines of Dask's log.
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    where = f"Dask at {address}"
    try:
        get_address_host_port(address)
    except ValueError as error:
        raise CelosiaError(
            _first_line(error), where=where, todo="give an address such as tcp://host:8786"
        ) from error
    try:
        client = Client(address, timeout=_PATIENCE, set_as_default=False)
    except OSError as error:
        raise CelosiaError(
            f"the scheduler does not answer: {_first_line(error)}",
            where=where,
            todo="start one with `dask scheduler`, or check the address",
        ) from error
    with client:
        _check_workers(client, where)
        try:
            items, sent = iter(items), 0
            results = as_completed((), loop=client.loop)
            while True:
                threads = _threads(client, where)
                for item in itertools.islice(items, max(ahead * threads - sent, 0)):
                    results.add(client.submit(task, item, pure=False))
                    sent += 1
                if not sent:
                    return
                for future in _completed(client, results, where):
                    sent -= 1
                    yield _result(client, future, where)
        except KilledWorker as error:
            raise CelosiaError(
                "a worker died repeatedly", where=where, todo="see its log"
            ) from error
        except (OSError, asyncio.CancelledError, concurrent.futures.CancelledError) as error:
            raise CelosiaError("lost the scheduler", where=where, todo="see its log") from error


def _completed(client: "Client", results: "as_completed", where: str) -> list:
    """Wait for results and take all there are; meanwhile notice that all workers are gone."""
    looked = time.monotonic()
    while not results.has_ready():
        time.sleep(_POLL)
        if time.monotonic() - looked > _LOOK:
            _threads(client, where)
            looked = time.monotonic()
    return results.next_batch(block=False)


def _result(client: "Client", future: "Future", where: str) -> Any:
    """The result, which is computed anew if its worker died before it was fetched."""
    from distributed import TimeoutError

    while True:
        try:
            return future.result(timeout=_PATIENCE)
        except TimeoutError:
            # The task's own are not known apart: then it is done, and raises it again.
            if future.status == "error":
                raise
            _threads(client, where)


def _threads(client: "Client", where: str) -> int:
    """Threads of all workers; waits for one when there is none."""
    deadline = time.monotonic() + _REVIVAL
    while not (threads := sum(client.nthreads().values())):
        if time.monotonic() > deadline:
            raise CelosiaError(
                f"has had no worker for {_REVIVAL} seconds",
                where=where,
                todo="start some with `dask worker`",
            )
        time.sleep(_LOOK)
    return threads


def _check_workers(client: "Client", where: str) -> None:
    try:
        client.wait_for_workers(1, timeout=_PATIENCE)
    except TimeoutError as error:
        raise CelosiaError(
            "the scheduler has no workers", where=where, todo="start some with `dask worker`"
        ) from error
    todo = f"install celosia {celosia.__version__} on every worker"
    try:
        versions = client.run(_version)
    except Exception as error:
        # Dask turns what a worker raises for a missing module into a plain exception.
        what = f"a worker cannot run Celosia: {_first_line(error)}"
        raise CelosiaError(what, where=where, todo=todo) from error
    for worker, version in versions.items():
        if version != celosia.__version__:
            raise CelosiaError(
                f"worker {worker} has celosia {version}, not {celosia.__version__}",
                where=where,
                todo=todo,
            )


def _version() -> str:
    return celosia.__version__


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
