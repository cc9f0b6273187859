"""Proofs of the result queue: its credits never overflow, and its words leave in order."""

from dataclasses import replace

from amaranth import *
from amaranth.asserts import AnySeq
from amaranth.hdl import Assert, Assume
from amaranth.lib import data

from celosia.spec import Config
from celosia.spec.timing import DRAIN_LATENCY, RESULTS_DEPTH
from celosia_hw.layouts import settings, tag
from celosia_hw.postprocess.claims import Claims, claim_latency
from celosia_hw.postprocess.drain import Drain
from celosia_hw.postprocess.layer_queue import drained_layer
from celosia_hw.postprocess.writeback import Writeback

from .block import Block, free
from .contracts import Past, stream_rules
from .proof import Proof

__all__ = ["PROOFS"]

#: One beat is a word.
CONFIG = Config.default(
    2, 4, lanes=4, requantizers=4, link_bytes=4, weight_depth=16, param_depth=16, program_depth=4,
    act_depth=16, tables=0, convolution=0)  # fmt: skip
#: Tiles that are drained in up to as many cycles.
CLAIMED = replace(CONFIG, cols=8, requantizers=4)
LONGEST = CLAIMED.rows * CLAIMED.params_per_tile
#: The most words that are on their way from a decision to the queue.
_ON_THEIR_WAY = 63


def _credits(mistake):
    """A drain that decides whenever there is credit, and a host that takes words when it likes.

    Words enter the queue any time after their decision, so that the latency of what is between does
    not matter.
    """
    m, dut = Module(), Writeback(CONFIG)
    m.submodules.dut = block = Block(dut, stuck=mistake)
    free(m, dut, "reserve")
    past = Past(m)
    stream_rules(m, past, dut.host)
    decides, enters = Signal(), Signal()
    reserved = Signal(range(_ON_THEIR_WAY + 1))  # words with a slot, on their way
    decided = past(decides)
    queue_full = ~block["queue.w_rdy"]
    m.d.comb += [
        decides.eq(AnySeq(1) & dut.credit),
        dut.reserve.eq(decided),
        enters.eq(block["w_en"]),
        Assume(~enters | (reserved != 0)),
        Assert(~(enters & queue_full)),
    ]
    m.d.sync += reserved.eq(reserved + dut.reserve - enters)
    # A slot is that of a word on its way, of one that waits, or of one that has just left.
    slots, returned = block["slots"], block["returned"]
    waiting = block["queue.level"] + dut.host.valid + block["skid.buffer_valid"]
    m.d.comb += [
        # The queue's last register is filled as soon as there is a word.
        Assert(block["queue.r_rdy"] | (block["queue.inner_level"] <= 1)),
        Assert(~block["skid.buffer_valid"] | dut.host.valid),
        Assert(slots == reserved + waiting + returned),
        Assert(slots + decided <= RESULTS_DEPTH),
        *_room_lasts(m, past, dut, slots),
        # What `credit` does not know of yet: a decision and a reservation.
        Assert(~dut.credit | (slots + decided <= RESULTS_DEPTH - 1)),
    ]
    return m


def _room_lasts(m, past, dut, slots):
    """With ``room`` no decision waits for credit in this cycle or in a claim's latency after it."""
    latency, room = claim_latency(CONFIG), dut.room
    for age in range(latency + 1):
        yield Assert(~room | dut.credit)
        yield Assert(~room | (slots <= RESULTS_DEPTH - 3 - latency + age + 1))
        room = past(room)


def _reservations(mistake):
    """Every word that the drain hands on was decided on with credit, and reserved a cycle later."""
    m, dut = Module(), Drain(CONFIG)
    m.submodules.dut = block = Block(dut, stuck=mistake)
    free(m, dut, "i", "claim", "capturing")
    past = Past(m)
    layer = dut.i.payload.descriptor
    in_flight, ended = Signal(range(4)), Signal()
    taken, descriptor = dut.i.valid & dut.i.ready, layer.as_value()
    beat = dut.o.payload.tag
    ends = block["go"] & block["loop.tile_end"]
    opens = (block["layers.is_open"] & ~block["finishes"]) | block["layers.opens"]
    m.d.comb += [
        dut.i.payload.as_value().eq(AnySeq(len(dut.i.payload.as_value()))),
        dut.i.valid.eq(AnySeq(1) & (in_flight != 2)),
        # Any tile at any time, when its layer is open and no other one is drained.
        dut.capturing.eq(AnySeq(1) & opens & (~block["pending"] | ends)),
        Assume(layer.tiles != 0),
        # A descriptor is held in the cycle after it is taken: `LayerQueue`.
        Assume(~past(taken) | (descriptor == past(descriptor))),
        ended.eq(dut.o.valid & beat.layer_end),
    ]
    m.d.sync += in_flight.eq(in_flight + taken - ended)
    emits = Mux(beat.parity, dut.settings[1].emit, dut.settings[0].emit)
    word = dut.o.valid & beat.whole & emits
    reserved, credit = dut.reserve, past(dut.credit)
    ages = [reserved]
    for _ in range(DRAIN_LATENCY - 1):
        ages.append(past(ages[-1]))
    m.d.comb += [
        Assert(~reserved | credit),
        Assert(word == ages[-1]),
        *_layers_in_flight(block, past(taken), past(layer.emit), in_flight),
        *_beats_on_their_way(block, ages, in_flight),
    ]
    return m


def _layers_in_flight(block, was_taken, emit, in_flight):
    """Invariants: which layer is open, which one waits, and where their settings are."""
    is_open, waits, parity = block["layers.is_open"], block["layers.waits"], block["layers.parity"]
    next_parity, takes = block["layers.next_parity"], [block[f"layers.takes_{n}"] for n in range(2)]
    emits = [data.View(settings(), block[f"layers.settings__{n}"]).emit for n in range(2)]
    waiting = data.View(drained_layer(CONFIG), block["layers.layer"]).emit
    yield Assert(in_flight <= 2)
    yield Assert(next_parity == ~(parity ^ waits))
    yield Assert(~block["pending"] | is_open)
    yield Assert(~is_open | (block["to_host"] == Mux(parity, emits[1], emits[0])))
    yield Assert(Cat(takes) == Mux(was_taken, Mux(next_parity, 0b01, 0b10), 0))
    yield Assert(~was_taken | (waits & (waiting == emit)))
    yield Assert(~waits | was_taken | (waiting == Mux(next_parity, emits[0], emits[1])))


def _beats_on_their_way(block, reserved, in_flight):
    """Invariants: each beat is of the open layer, or of one whose last beat is behind it."""
    is_open, parity = block["layers.is_open"], block["layers.parity"]
    emits = [data.View(settings(), block[f"layers.settings__{n}"]).emit for n in range(2)]
    ends = Const(0)
    for age, name in enumerate(("taken_{}0", "joined_{}0", "joined_{}1")):
        valid = block[name.format("valid_")]
        beat = data.View(tag(CONFIG), block[name.format("")])
        ends = ends + (valid & beat.layer_end)
        yield Assert(~valid | (beat.parity == parity ^ ends[0] ^ ~is_open))
        yield Assert(~valid | is_open | (ends != 0))
        emit = Mux(beat.parity, emits[1], emits[0])
        yield Assert(reserved[age] == (valid & beat.whole & emit))
    yield Assert(in_flight == is_open + block["layers.waits"] + ends)


def _claims(mistake):
    """A drain that takes its time, and an array that captures a tile when its claim says so."""
    m, dut = Module(), Claims(CLAIMED)
    m.submodules.dut = block = Block(dut, stuck=mistake)
    free(m, dut, "claim", "stalled")
    past = Past(m)
    left = Signal(range(LONGEST + 1))  # cycles of the tile in the chain
    # By age: claims with their cycles, and whether there was room.
    claims, rooms = [(dut.claim, Mux(dut.claim, dut.cycles, 0))], [dut.room]
    for _ in range(dut.latency):
        claims.append(tuple(past(each) for each in claims[-1]))
        rooms.append(past(rooms[-1]))
    captured, cycles = claims[-1]
    first = Mux(captured, cycles, left)  # of this cycle
    m.d.comb += [
        dut.claim.eq(AnySeq(1) & dut.free),
        dut.stalled.eq(AnySeq(1) & ~Cat(rooms).any() & (first != 0)),
        Assume(dut.cycles != 0),
        Assume(dut.cycles <= LONGEST),
        Assert(~captured | (left == 0)),
        *_claimed(block, claims[1:], rooms, left),
    ]
    m.d.sync += left.eq(Mux(dut.stalled | (first == 0), first, first - 1))
    return m


def _claimed(block, claims, rooms, left):
    """The invariants that say why: what is counted, and that nothing stalls what is claimed."""
    ahead, free, latency = block["ahead"], block["free"], len(claims)
    yield Assert(~free | ((ahead <= latency) & ((ahead == 0) | rooms[1])))
    newest = left
    older = left != 0  # is drained, or was claimed, before a claim
    for age in range(latency, 0, -1):
        claimed, cycles = claims[age - 1]
        yield Assert(claimed == (cycles != 0))
        yield Assert(cycles <= LONGEST)
        # What is before it has left the chain when it is captured, and does not stall.
        yield Assert(~claimed | (newest <= latency - age))
        if age < latency:
            yield Assert(~claimed | ~older | rooms[age + 1])
        newest = Mux(claimed, cycles + (latency - age), newest)
        older |= claimed
    yield Assert(ahead == newest)


PROOFS = [
    Proof(
        name="credits-of-results",
        claim="the result queue never overflows, whenever words are decided on and taken",
        blocks="postprocess.Writeback",
        build=_credits,
        depth=4,
        mistakes=("slots", "skid.buffer_valid"),
        quick=True,
    ),
    Proof(
        name="reservations",
        claim="every word of a layer with emit was decided on with credit, and reserved",
        blocks="postprocess.Drain",
        build=_reservations,
        depth=2,
        mistakes=("to_host", "layers.parity"),
    ),
    Proof(
        name="claims",
        claim="a tile is captured when all claimed before it have left the chain",
        blocks="postprocess.Claims",
        build=_claims,
        depth=2,
        mistakes=("ahead",),
    ),
]
