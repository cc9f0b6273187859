"""Proofs of the stream rules of blocks that decide in states when they offer something."""

from amaranth import *
from amaranth.asserts import AnyConst
from amaranth.hdl import Assert, Assume

from celosia.spec.timing import READ_LATENCY
from celosia_hw.core.sequencer import Sequencer
from celosia_hw.link.fetch import Fetch

from .block import free, loose
from .contracts import Past, stream_rules
from .link import CONFIG, a_receiver
from .proof import Proof

__all__ = ["PROOFS"]


def _fetch(mistake):
    """Its request is held, by its documentation."""
    m, dut = Module(), Fetch(CONFIG)
    block = loose(m, dut, mistake)
    free(m, dut, "request")
    request = dut.request.as_value()
    past = Past(m)
    stream_rules(m, past, dut.o)
    m.d.comb += [
        request.eq(AnyConst(len(request))),
        Assume(~dut.start | block.state("IDLE")),
        # The length has been looked up before the first record is located.
        Assert(past.known | block.state("IDLE")),
    ]
    return m


def _sequencer(mistake):
    """A program memory that answers the same for as long as its address is, and layers that arrive
    only when they are in flight."""
    m, dut = Module(), Sequencer(CONFIG)
    block = loose(m, dut, mistake)
    free(m, dut)
    past = Past(m)
    stream_rules(m, past, dut.i, Assume)
    stream_rules(m, past, dut.o)
    address, read = dut.program.addr, Value.cast(dut.program.data)
    # Cycles for which the address has been the same.
    steady = Signal(range(READ_LATENCY + 2))
    same = past.known & (address == past(address))
    m.d.sync += steady.eq(Mux(same, Mux(steady == READ_LATENCY + 1, steady, steady + 1), 0))
    fetching, waits = block["fetching"], block.state("FETCH")
    m.d.comb += [
        Assume(~past.known | (steady < READ_LATENCY) | (read == past(read))),
        Assume(~dut.layer_done | (dut.in_flight != 0)),
        Assume(~dut.fault_taken | dut.fault),
        Assert((dut.in_flight <= 2) & (steady <= READ_LATENCY + 1)),
        # A run is taken when its last descriptor starts, or at a fault.
        Assert(block.state("IDLE") | dut.i.valid),
        Assert(~block["offered"] | block.state("START")),
        # The descriptor is offered when its address has been the same for as long as a read takes.
        Assert(~waits | (fetching != 0)),
        *(Assert(~(waits & fetching[n]) | (steady + 1 >= n)) for n in range(READ_LATENCY + 1)),
        Assert(~block.state("CHECK", "START") | (steady >= READ_LATENCY)),
    ]
    return m


def _receiver(mistake):
    """All three streams, with any core that takes inputs while no run is in flight."""
    m = Module()
    dut, block, past = a_receiver(m, mistake)
    for each in (dut.inputs, dut.runs, dut.reply):
        stream_rules(m, past, each)
    held, busy = block["inputs.records.o__valid"], block["memories.busy"]
    runs_idle = block["in_flight.idle"]
    m.d.comb += [
        Assume(~runs_idle | dut.inputs.ready),
        # No record is held when the next request may come.
        Assert(~held | block.state("PAYLOAD", "QUEUE", "DISCARD", "REPLY")),
        Assert(~dut.reply.valid | (block.state("REPLY") & runs_idle & ~(held | busy))),
        Assert(~dut.runs.valid | block.state("QUEUE")),
    ]
    return m


PROOFS = [
    Proof(
        name=f"stream-{name}",
        claim="valid is held and the payload stays until ready",
        blocks=blocks,
        build=build,
        depth=depth,
        mistakes=mistakes,
    )
    for name, blocks, build, depth, mistakes in (
        ("fetch", "link.Fetch", _fetch, 3, ("o__valid",)),
        ("sequencer", "core.Sequencer", _sequencer, 3, ("offered",)),
        ("receiver", "link.Receiver", _receiver, 3, ("memories.busy",)),
    )
]
