"""Work on an existing Dask cluster."""

import asyncio
import concurrent.futures
import logging
from collections.abc import Callable, Generator, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import celosia
from celosia.support.errors import CelosiaError

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["on_cluster", "require_dask"]

#: Seconds to wait for the scheduler's answer, and for its first worker.
_PATIENCE = 5


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


def on_cluster(address: str, task: Callable, items: Sequence) -> Generator[Any, None, None]:
    """Results of ``task`` for every item, in the order in which they complete.

    Parameters
    ----------
    address : of the scheduler, such as "tcp://host:8786".
    task : picklable function; its modules must be installed on the workers.
    items : picklable arguments.

    Raises
    ------
    CelosiaError : Dask is not installed, the scheduler cannot be reached or is lost, it has no
        workers, or workers lack this version of Celosia.
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
            futures = client.map(task, items, pure=False)
            for future in as_completed(futures, loop=client.loop):
                yield future.result()
        except KilledWorker as error:
            raise CelosiaError(
                "a worker died repeatedly", where=where, todo="see its log"
            ) from error
        except (OSError, asyncio.CancelledError, concurrent.futures.CancelledError) as error:
            raise CelosiaError("lost the scheduler", where=where, todo="see its log") from error


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
