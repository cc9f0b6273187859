"""Proofs of what holds entries: skid buffers and queues."""

from amaranth import *
from amaranth.asserts import AnySeq
from amaranth.hdl import Assert, Assume
from amaranth.lib import fifo

from celosia.spec.timing import RESULTS_DEPTH, SEGMENT_DEPTH
from celosia_hw.cells import ice40, portable
from celosia_hw.util.fall_through_buffer import FallThroughBuffer
from celosia_hw.util.skid_buffer import SkidBuffer

from .block import Block, free
from .contracts import Past, Tracked, stream_rules
from .proof import Proof

__all__ = ["PROOFS"]

_WIDTH = 4


def _skid_buffer(mistake):
    m, dut = Module(), SkidBuffer(_WIDTH)
    m.submodules.dut = block = Block(dut, stuck=mistake)
    free(m, dut)
    past = Past(m)
    stream_rules(m, past, dut.i, Assume)
    stream_rules(m, past, dut.o)
    entries = Tracked(
        m,
        push=dut.i.valid & dut.i.ready,
        pop=dut.o.valid & dut.o.ready,
        entering=dut.i.payload,
        leaving=dut.o.payload,
        depth=2,
    )
    # Nothing is held back, and there is room while it holds one.
    held = block["buffer_valid"]
    m.d.comb += [
        Assert(entries.level == dut.o.valid + held),
        Assert(~held | dut.o.valid),
        Assert(~past.known | (dut.i.ready == ~held)),
        Assert(~entries.follows | (entries.ahead != 0) | (dut.o.payload == entries.value)),
        Assert(~entries.follows | (entries.ahead != 1) | (block["buffer"] == entries.value)),
    ]
    return m


def _fall_through_buffer(mistake):
    m, dut = Module(), FallThroughBuffer(_WIDTH)
    m.submodules.dut = block = Block(dut, stuck=mistake)
    free(m, dut)
    past = Past(m)
    stream_rules(m, past, dut.i, Assume)
    stream_rules(m, past, dut.o)
    # What is taken and what leaves in the same cycle was never held.
    passes = dut.i.valid & ~block["full"] & dut.o.ready
    entries = Tracked(
        m,
        push=dut.i.valid & dut.i.ready & ~passes,
        pop=dut.o.valid & dut.o.ready & ~passes,
        entering=dut.i.payload,
        leaving=dut.o.payload,
        depth=1,
    )
    m.d.comb += [
        Assert(~passes | (dut.o.valid & dut.i.ready & (dut.o.payload == dut.i.payload))),
        Assert(entries.level == block["full"]),
        Assert(dut.o.valid == (dut.i.valid | block["full"])),
        Assert(~entries.follows | (block["buffer"] == entries.value)),
    ]
    return m


def _queue(cells, depth):
    """A queue whose ``r_data`` is the word at ``consume``."""

    def build(mistake):
        m, dut = Module(), cells.Queue(width=_WIDTH, depth=depth)
        m.submodules.dut = block = Block(dut, stuck=mistake)
        m.d.comb += [each.eq(AnySeq(len(each))) for each in (dut.w_data, dut.w_en, dut.r_en)]
        entries = _entries(m, dut)
        consume, produce = block["consume"], block["produce"]
        word = block.word(m, "storage", (consume + entries.ahead)[: len(consume)])
        m.d.comb += [
            Assert(dut.level == entries.level),
            Assert((produce - consume)[: len(consume)] == dut.level[: len(consume)]),
            Assert(~entries.follows | (word == entries.value)),
        ]
        if cells is ice40:
            first = block.word(m, "storage", consume)
            m.d.comb += Assert((dut.level == 0) | (dut.r_data == first))
        return m

    return build


def _buffered_queue(mistake):
    """That of results: a register behind a memory."""
    m, dut = Module(), fifo.SyncFIFOBuffered(width=_WIDTH, depth=RESULTS_DEPTH)
    m.submodules.dut = block = Block(dut, stuck=mistake)
    m.d.comb += [each.eq(AnySeq(len(each))) for each in (dut.w_data, dut.w_en, dut.r_en)]
    entries = _entries(m, dut)
    consume, produce, level = block["consume"], block["produce"], block["inner_level"]
    deep = RESULTS_DEPTH - 1
    place = Signal(range(2 * RESULTS_DEPTH))
    m.d.comb += place.eq(consume + entries.ahead - dut.r_rdy)
    word = block.word(m, "storage", Mux(place >= deep, place - deep, place))
    at_end = entries.follows & dut.r_rdy & (entries.ahead == 0)
    m.d.comb += [
        Assert(dut.level == entries.level),
        Assert((produce < deep) & (consume < deep) & (level <= deep)),
        Assert((produce == consume + level) | (produce + deep == consume + level)),
        Assert(~at_end | (dut.r_data == entries.value)),
        Assert(~entries.follows | at_end | (word == entries.value)),
    ]
    return m


def _entries(m, dut):
    return Tracked(
        m,
        push=dut.w_en & dut.w_rdy,
        pop=dut.r_en & dut.r_rdy,
        entering=dut.w_data,
        leaving=dut.r_data,
        depth=dut.depth,
    )


PROOFS = [
    Proof(
        name="skid-buffer",
        claim="in order, nothing lost, nothing doubled; ready while it holds at most one",
        blocks="util.SkidBuffer",
        build=_skid_buffer,
        depth=3,
        mistakes=("buffer_valid", "i__ready"),
        quick=True,
    ),
    Proof(
        name="fall-through-buffer",
        claim="in order, nothing lost, nothing doubled; without a cycle of latency",
        blocks="util.FallThroughBuffer",
        build=_fall_through_buffer,
        depth=2,
        mistakes=("full", "buffer"),
    ),
    *(
        Proof(
            name=name,
            claim="in order, nothing lost, nothing doubled; valid when not empty",
            blocks=blocks,
            build=build,
            depth=2,
            mistakes=mistakes,
            quick=True,
        )
        for name, blocks, build, mistakes in (
            (
                "queue-of-segments",
                "cells.portable.Queue",
                _queue(portable, SEGMENT_DEPTH),
                ("consume",),
            ),
            ("queue-of-runs", "amaranth SyncFIFO", _queue(portable, 2), ("level",)),
            (
                "queue-of-ice40",
                "cells.ice40.Queue",
                _queue(ice40, SEGMENT_DEPTH),
                ("bypass", "produce"),
            ),
            ("queue-of-results", "amaranth SyncFIFOBuffered", _buffered_queue, ("consume",)),
        )
    ),
]
