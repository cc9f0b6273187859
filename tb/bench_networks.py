"""Engines with convolution: random networks of all operations, in stripes and with images in the
rows, against the golden model and the cycle model."""

from celosia.predict.cycles import predict
from celosia.predict.workload import run_loads
from celosia.spec import Opcode, Status

from . import points, settings
from .base import bench, bench_stalled
from .network_tb import NetworkTB

#: Cycles that one image takes at most.
_BUDGET = 1200


@bench_stalled(400_000)
async def networks(dut, stall):
    """One network after the other, each loaded while the runs of the last one end."""
    tb = NetworkTB(dut, f"networks{stall}", stall)
    await tb.reset()
    for index in range(settings.amount(12)):
        image = tb.network(_BUDGET, bool(index % 2))
        tb.load(image)
        tb.send_all(tb.any_run(image) for _ in range(3))
        tb.send(tb.counters(clear=bool(tb.rng.integers(2))))
        tb.send(tb.any_run(image))
        await tb.until(lambda: tb.sent)
    await tb.drain()


def _work(tb: NetworkTB, stripes: bool, skip: bool) -> tuple:
    """A network, inputs of two or three whole runs, and what these ask of the engine."""
    image = tb.network(_BUDGET, stripes)
    x = tb.inputs(image, image.batch * int(tb.rng.integers(2, 4)))
    return image, x, run_loads(image, x, skip=skip)


@bench(400_000)
async def as_predicted(dut):
    """Without stalls all counters are the cycle model's, and so are the cycles at the pins."""
    tb = NetworkTB(dut, "as_predicted", (0.0, 0.0))
    await tb.reset()
    overlapped = False
    for index in range(settings.amount(18)):
        skip = index % 3 != 2
        image, x, loads = _work(tb, bool(index % 2), skip)
        while index == 0 and not predict(tb.config, loads).skipped:
            image, x, loads = _work(tb, False, skip)
        tb.load(image)
        tb.send(tb.counters(clear=True))
        await tb.drain()
        for start in range(0, len(x), image.batch):
            tb.send(tb.run_frame(image, x[start : start + image.batch], skip))
        cycles = await tb.timed()
        tb.send(tb.counters())
        await tb.drain()
        predicted = predict(tb.config, loads)
        counted = tb.scoreboard.counters | {"cycles": cycles}
        wanted = {name: getattr(predicted, name) for name in counted}
        assert counted == wanted, f"network {index}: {counted} is not {wanted}"
        alone = sum(predict(tb.config, [load]).cycles for load in loads)
        overlapped |= cycles < alone
    assert overlapped, "no input was loaded while the run before was computed"


@bench_stalled(400_000)
async def errors(dut, stall):
    """Refused requests between runs, cut short or too long or impossible, change nothing."""
    tb = NetworkTB(dut, f"errors{stall}", stall)
    await tb.reset()
    for index in range(settings.amount(12)):
        image = tb.network(_BUDGET, bool(index % 2))
        tb.load(image)
        x = tb.inputs(image, 1)
        words = image.pack_input(x)
        bad = [
            tb.cut(tb.any_run(image)),
            tb.longer(tb.any_run(image)),
            tb.frame(99),
            tb.infer_frame(tb.config.program_depth, words, stripes=image.stripes),
            tb.frame(Opcode.INFER, 0, 0, 0),
            tb.frame(Opcode.READ, 7, 0, 1),
        ]
        if image.stripes:
            # Stripes of two images.
            bad.append(tb.infer_frame(0, words.repeat(2, axis=0), stripes=True))
        for at in tb.rng.permutation(len(bad)):
            tb.send(bad[at])
            tb.send_all(tb.any_run(image) for _ in range(tb.rng.integers(3)))
        tb.send(tb.counters())
        await tb.until(lambda: tb.sent)
    await tb.drain()
    wanted = {Status.TRUNCATED, Status.OVERLONG, Status.OUT_OF_RANGE, Status.EMPTY}
    missing = [status.name for status in wanted if not tb.scoreboard.answered[status]]
    assert not missing, f"never answered: {missing}"


@bench_stalled(400_000)
async def resets(dut, stall):
    """A RESET anywhere in runs and frames; what runs next is right."""
    tb = NetworkTB(dut, f"resets{stall}", stall)
    await tb.reset()
    for index in range(max(settings.amount(6), 2)):
        image = tb.network(_BUDGET, bool(index % 2))
        tb.load(image)
        for _ in range(4):
            tb.send_all(tb.any_run(image) for _ in range(tb.rng.integers(1, 4)))
            if tb.rng.random() < 0.5:
                tb.send(tb.cut(tb.any_run(image)), last=False)
                tb.send(bytes(tb.link_bytes))
            else:
                await tb.until(lambda: tb.sent)
                await tb.cycles(int(tb.rng.integers(150)))
            tb.send(tb.frame(Opcode.RESET))
        # What a lost run counted is unknown: start anew.
        tb.send_all([tb.counters(clear=True), tb.any_run(image), tb.counters()])
        await tb.drain()
    assert tb.scoreboard.dropped + tb.scoreboard.aborted, "no RESET met a run"


@bench_stalled(400_000)
async def reset_pin(dut, stall):
    """A reset of one cycle during a run leaves an engine that works, its memories as they were."""
    tb = NetworkTB(dut, f"reset_pin{stall}", stall)
    await tb.reset()
    for round_ in range(settings.amount(6)):
        image = tb.network(_BUDGET, bool(round_ % 2))
        tb.load(image)
        await tb.drain()
        tb.send_all(tb.any_run(image) for _ in range(3))
        await tb.cycles(int(tb.rng.integers(_BUDGET)))
        await tb.reset_again()
        tb = NetworkTB(dut, f"reset_pin{stall}{round_}", stall)
        tb.load(image)
        tb.send_all([tb.counters(clear=True), tb.any_run(image), tb.any_run(image), tb.counters()])
        await tb.drain()


@bench(200_000)
async def blocked_output(dut):
    """The host takes nothing for a long time, then everything: nothing is lost."""
    tb = NetworkTB(dut, "blocked_output", (0.0, 0.2))
    await tb.reset()
    for index in range(settings.amount(6)):
        image = tb.network(_BUDGET, bool(index % 2))
        tb.load(image)
        await tb.drain()
        tb.send_all(tb.any_run(image) for _ in range(8))
        points.hit("host takes nothing for long")
        tb.output.paused = True
        await tb.cycles(2 * _BUDGET)
        tb.output.paused = False
        await tb.drain()
