"""Proofs of the host link's receiver: each frame is answered once, RESET always gets through."""

from amaranth import *
from amaranth.asserts import AnySeq
from amaranth.hdl import Assert, Assume

from celosia.spec import Config
from celosia_hw.link.receiver import Receiver

from .block import Block, free
from .contracts import Past, stream_rules
from .proof import Proof

__all__ = ["CONFIG", "PROOFS", "a_receiver"]

#: A header of three words, so that it may end too early.
CONFIG = Config.default(
    2, 4, lanes=4, requantizers=4, link_bytes=4, weight_depth=16, param_depth=16, program_depth=4,
    act_depth=16, tables=0, convolution=0)  # fmt: skip
#: Cycles for which the receiver may take nothing although nothing is waited for.
_BUSY = 8
#: From the decision on a RESET to its reply.
_RESET = 5


def a_receiver(m: Module, mistake):
    """A receiver, any words, and a core that ends and answers the runs that there are."""
    dut = Receiver(CONFIG)
    m.submodules.dut = block = Block(dut, stuck=mistake)
    free(m, dut)
    past = Past(m)
    stream_rules(m, past, dut.i, Assume)
    m.d.comb += [
        Assume(~dut.run_done | (block["in_flight.banks_used"] != 0)),
        Assume(~dut.answered | (block["in_flight.outstanding"] != 0)),
    ]
    return dut, block, past


def _answers(mistake):
    """Frames that have ended and are not answered: by a reply, or by a run that is queued."""
    m = Module()
    dut, block, past = a_receiver(m, mistake)
    unanswered = Signal(range(4))
    ends = dut.i.valid & dut.i.ready & dut.i.payload.last
    replied = dut.reply.valid & dut.reply.ready
    queued = dut.runs.valid & dut.runs.ready
    m.d.sync += unanswered.eq(unanswered + ends - replied - queued)
    ended = block["header.ended"]
    judged = block.state("ADMISSION_0", "ADMISSION_1", "ADMISSION_2", "DECISION")
    m.d.comb += [
        # Never an answer without a frame, and none is taken before the last one is answered.
        Assert(~(replied | queued) | (unanswered == 1)),
        Assert(~(replied & queued)),
        Assert(~block.state("HEADER", "PAYLOAD", "DISCARD") | (unanswered == 0)),
        Assert(~block.state("QUEUE", "FLUSH", "FLUSHED", "REPLY") | (unanswered == 1)),
        Assert(~judged | (unanswered == ended)),
        Assert(unanswered <= 1),
        Assert(~dut.reply.valid | block.state("REPLY")),
    ]
    return m


def _progress(mistake):
    """Cycles without progress, while nothing is waited for."""
    m = Module()
    dut, block, past = a_receiver(m, mistake)
    still, since_reset = Signal(range(_BUSY + 2)), Signal(range(_RESET + 2))
    runs_idle = block["in_flight.outstanding"] + block["in_flight.banks_used"] == 0
    waits = (
        (block.state("DECISION", "REPLY") & (~runs_idle | dut.reply.valid))
        | (block.state("PAYLOAD") & dut.inputs.valid & ~dut.inputs.ready)
        | (block.state("QUEUE") & ~(dut.runs.ready & dut.inputs.ready))
    )
    moves = dut.i.ready | waits
    m.d.sync += still.eq(Mux(moves, 0, still + 1))
    resets = block.state("FLUSH", "FLUSHED") | (block.state("REPLY") & (since_reset != 0))
    m.d.sync += since_reset.eq(Mux(resets & ~dut.reply.valid, since_reset + 1, 0))
    m.d.comb += [
        Assert(~dut.reply.valid | block.state("REPLY")),
        Assert(still <= _BUSY),
        # Whatever the runs do; no run is left after it.
        Assert(since_reset <= _RESET),
        Assert(~past(block.state("FLUSHED")) | ~past.known | runs_idle),
        Assert(~past(dut.reply.valid & dut.reply.ready) | ~past.known | dut.i.ready),
    ]
    return m


def _reset(mistake):
    """Any state, then one cycle of reset."""
    m, reset = Module(), Signal()
    dut = Receiver(CONFIG)
    block = Block(dut, stuck=mistake)
    m.submodules.dut = ResetInserter(reset)(block)
    free(m, dut)
    past = Past(m)
    m.d.comb += reset.eq(AnySeq(1))
    was_reset = past(reset)
    m.d.comb += Assert(~was_reset | (dut.idle & dut.i.ready & ~dut.reply.valid & ~dut.flush))
    return m


PROOFS = [
    Proof(
        name="receiver-answers",
        claim="every frame is answered exactly once, by a reply or by its run",
        blocks="link.Receiver",
        build=_answers,
        depth=7,
        mistakes=("header.ended",),
    ),
    Proof(
        name="receiver-progress",
        claim=f"ready again within {_BUSY} cycles unless core or host are waited for; a RESET is "
        f"answered within {_RESET}, whatever runs do",
        blocks="link.Receiver",
        build=_progress,
        depth=12,
        mistakes=("reply__valid",),
    ),
    Proof(
        name="receiver-reset",
        claim="idle in the cycle after a reset, from any state",
        blocks="link.Receiver",
        build=_reset,
        depth=2,
        mistakes=("idle",),
        quick=True,
    ),
]
