"""Runs: input banks, runs in flight, and what may be loaded beside them."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import REQUEST, Config, InferFlag
from celosia.spec.timing import MAX_OUTSTANDING
from celosia_hw.layouts import run, struct

from .header import last_image

__all__ = ["Runs"]

#: Inputs that fit: one is computed on while the next one is loaded.
_BANKS = 2


class Runs(wiring.Component):
    """Queues runs, and knows which of them are in flight.

    There are two input banks, at activation words 0 and ``words``, used in turn: ``base`` is
    ``bank * words``, the bank changes with each run queued, and ``clear`` returns to bank 0 (as
    `celosia.model.link.LinkModel.bank`). A run occupies its bank from two cycles after it was taken
    from ``o`` until the cycle of ``run_done``, and is outstanding until that of ``answered``; these
    may be in any order. ``idle`` is 0 from the cycle after it was taken. (The next request is
    decided on later than that.)

    ``may_load`` allows the input of ``request`` to be loaded into its bank: a bank is free, fewer
    than `MAX_OUTSTANDING` runs are outstanding, and either none of them is in flight or they
    have the program and the input length of the last ``load`` (banks of another length overlap).

    ``base`` is a cycle behind bank and ``request``, the comparison of ``request`` in ``may_load`` a
    cycle behind ``request``; all else is of this cycle. Events of one cycle add up, ``clear`` wins
    over all of them. In reset no run is in flight, and the bank is 0.

    Parameters
    ----------
    config : shape of the engine.

    Members
    -------
    request : In(`REQUEST`), an INFER that is not refused.
    load : In(1), the input of ``request`` is being loaded.
    queue : In(1), it is loaded: the run is offered, and is queued when ``o`` is ready.
    run_done : In(1), a bank is free again.
    answered : In(1), the response of a run has been sent.
    clear : In(1), no run is in flight any more.
    words : In, activation words of the input bank of ``request``.
    base : Out, first activation word of the next input.
    may_load : Out(1)
    idle : Out(1), no run is in flight: all have ended and are answered.
    o : Out(stream of `run`), valid with ``queue``.
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "request": In(struct(REQUEST)),
                "load": In(1),
                "queue": In(1),
                "run_done": In(1),
                "answered": In(1),
                "clear": In(1),
                "words": In(REQUEST.width_of("count")),
                "base": Out(range(config.act_depth)),
                "may_load": Out(1),
                "idle": Out(1),
                "o": Out(stream.Signature(run(config))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        request = self.request
        outstanding = Signal(range(MAX_OUTSTANDING + 1))
        banks_used = Signal(range(_BANKS + 1))
        bank = Signal()
        # The run whose input was loaded last.
        program = Signal(range(self.config.program_depth))
        length = Signal(range(self.config.act_depth))
        in_stripes = Signal()
        same = Signal()
        stripes = C(0)
        if self.config.convolution:
            stripes = (request.arg & InferFlag.STRIPES) != 0
        free = (banks_used != _BANKS) & (outstanding != MAX_OUTSTANDING)
        # A run is counted a cycle after it was taken: `o.ready` settles late in its cycle.
        taken = Signal()
        m.d.sync += taken.eq(self.o.valid & self.o.ready)
        m.d.comb += [
            self.idle.eq((outstanding == 0) & (banks_used == 0) & ~taken),
            self.may_load.eq((self.idle | same) & free),
            self.o.valid.eq(self.queue),
            self.o.payload.entry.eq(request.address),
            self.o.payload.images.eq(last_image(self.config, request)),
            self.o.payload.skip.eq((request.arg & InferFlag.NO_SKIP) == 0),
            self.o.payload.base.eq(self.base),
        ]
        m.d.sync += [
            outstanding.eq(outstanding + taken - self.answered),
            banks_used.eq(banks_used + taken - self.run_done),
            bank.eq(bank ^ taken),
            same.eq(
                (request.address == program) & (self.words == length) & (stripes == in_stripes)
            ),
            self.base.eq(Mux(bank, self.words, 0)),
        ]
        with m.If(self.load):
            m.d.sync += [program.eq(request.address), length.eq(self.words), in_stripes.eq(stripes)]
        with m.If(self.clear):
            m.d.sync += [outstanding.eq(0), banks_used.eq(0), bank.eq(0)]
        return m
