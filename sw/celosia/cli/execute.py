"""Running images on an engine, as the commands `run` and `mnist` do."""

import argparse
import time
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from celosia.driver.metrics import Metrics
from celosia.support.progress import silent

from .console import Console

if TYPE_CHECKING:
    from celosia.compiler.image import Image
    from celosia.driver.parallel import Run
    from celosia.spec import Config

__all__ = ["execute", "find_board", "metric_rows"]


def find_board(args: argparse.Namespace, console: Console) -> "Config":
    """The engine at ``--port``, as it says itself.

    ``args.port`` and ``args.baud`` become those at which it answered.
    """
    from celosia import driver
    from celosia.driver.serial.transport import SerialTransport

    with console.progress() as progress:
        progress(f"asking the board at {args.port}", 0, 0)
        with driver.open("serial", port=args.port, baud=args.baud) as device:
            board = device.transport
            assert isinstance(board, SerialTransport)
            args.port, args.baud = board.port, board.baud
    console.say(f"{board.port}: a {device.config} engine, at {board.baud:,} baud")
    return device.config


def execute(
    args: argparse.Namespace, image: "Image", x: np.ndarray, console: Console
) -> "tuple[Run, Metrics, bool]":
    """Run ``x`` as the options of `options.add_run` ask.

    Returns
    -------
    What was computed, its metrics, and whether all of it was; False after Ctrl-C.
    """
    from celosia import driver
    from celosia.driver.cluster import run_on_cluster
    from celosia.driver.parallel import Interrupted, run_parallel

    with console.progress() as progress:
        if args.transport == "rtl" and args.dask is None:
            from celosia.driver.rtl.transport import prepare

            prepare(image.config, progress, args.rtl)
        start = time.perf_counter()
        try:
            make_device = partial(
                driver.open, args.transport, image.config, silent,
                port=args.port, baud=args.baud, rtl=args.rtl,
            )  # fmt: skip
            how = {"progress": progress, "batch": args.batch, "skip": not args.no_skip}
            how["verify"] = args.transport == "serial"
            if args.dask is not None:
                run, complete = run_on_cluster(args.dask, make_device, image, x, **how), True
            else:
                run, complete = run_parallel(make_device, image, x, args.jobs, **how), True
        except Interrupted as error:
            run, complete = error.run, False
        seconds = time.perf_counter() - start
    metrics = Metrics(
        config=image.config,
        macs_per_image=image.model.macs,
        images=int(run.done.sum()),
        cycles=run.cycles,
        seconds=seconds,
        counters=run.counters,
        faults=run.faults,
        verified=run.verified,
    )
    return run, metrics, complete


def metric_rows(metrics: Metrics) -> list[tuple[str, str]]:
    """The metrics for people; what is not known is left out."""
    f, rows = metrics, []
    if f.cycles:
        mults = f.config.multipliers
        rows.append(("cycles per image", f"{f.cycles_per_image:,.1f} ({f.cycles:,} in all)"))
        if f.busy is not None:
            rows.append(("array busy", f"{f.busy:.1%} of the cycles, {mults} multipliers"))
    if f.skipped is not None:
        rows.append(("skipped", f"{f.skipped:.1%} of all input positions were 0 and cost no cycle"))
    if f.faults:
        mended = ", ".join(f"{count:,} {kind}" for kind, count in f.faults.items())
        rows.append(("line faults, mended", mended))
    if f.verified is not None:
        held = "verified: they held the program image to the end"
        rows.append(
            ("memories", held if f.verified else "not verified: the engine has no checksums")
        )
    rate = f.images_per_second
    speed = f"{rate:,.0f} images/s" if rate >= 10 else f"{rate:.2g} images/s"
    if f.cycles:
        speed += f", {f.sim_cycles_per_second:,.0f} cycles/s"
    rows.append(("simulation" if f.cycles else "speed", f"{speed} ({f.seconds:.1f} s)"))
    return rows
