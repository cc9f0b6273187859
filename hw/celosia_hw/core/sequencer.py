"""Sequencer: walks the program of each run, layer by layer."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import DESCRIPTOR, PART_RULES, RULES, Config
from celosia.spec.timing import READ_LATENCY
from celosia_hw.layouts import active_layer, fields_of, guard, run, struct

__all__ = ["Sequencer"]


class Sequencer(wiring.Component):
    """Fetches descriptors and starts layers, at most two in flight.

    A layer is started when the one before the last has arrived at the memories; what the last one
    has still to write is told to the scanner through `guard`. The next descriptor is fetched
    while a layer runs, and the next run follows the last layer of the one before without a gap.

    A descriptor is legal when it keeps `celosia.spec.RULES` and the rules of its operation. At an
    illegal one the run ends: when all earlier layers have arrived, ``fault`` is raised with the
    descriptor's address until ``fault_taken``.

    Members
    -------
    i : In(stream of `run`)
    program_addr : Out, program_data : In(descriptor), `READ_LATENCY` cycles later.
    o : Out(stream of `active_layer`), to scanner and drain together. A descriptor stands for
        `READ_LATENCY` cycles more.
    guard : Out(`celosia_hw.feeder.scanner.guard`)
    word_done : In(1), results have completed activation word ``word_dst`` in every row.
    layer_done : In(1), a layer has arrived.
    run_done : Out(1), the run's last layer has arrived, or its fault was taken.
    in_flight : Out(2), layers started and not arrived.
    fault : Out(1), fault_addr : Out, fault_taken : In(1)
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(run(config))),
                "program_addr": Out(range(config.program_depth)),
                "program_data": In(struct(DESCRIPTOR)),
                "o": Out(stream.Signature(active_layer(config))),
                "guard": Out(guard(config)),
                "word_done": In(1),
                "word_dst": In(range(config.act_depth)),
                "layer_done": In(1),
                "run_done": Out(1),
                "in_flight": Out(2),
                "fault": Out(1),
                "fault_addr": Out(range(config.program_depth + 1)),
                "fault_taken": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        address = Signal(range(self.config.program_depth + 1))
        # Stands as long as its address does, and for READ_LATENCY cycles more.
        fetched = self.program_data
        legal, offered = Signal(), Signal()
        # ... until it has been read, and a cycle for what it is checked for.
        fetching = Signal(READ_LATENCY + 1)
        start = Signal()
        # Layers in flight, the older first: where each writes, and whether it ends its run.
        range_ = data.StructLayout(
            {
                "start": range(self.config.act_depth + 1),
                "end": range(self.config.act_depth + 1),
                "last": 1,
            }
        )
        started = Signal(range_)
        length = fetched.tiles * self.config.words_per_tile
        checks = self._checks(fetched, address)
        passed = Signal(len(checks))
        m.d.sync += passed.eq(Cat(checks))
        m.d.comb += [
            self.program_addr.eq(address),
            self.fault_addr.eq(address),
            self.o.valid.eq(offered & ~self.in_flight[1]),  # two at the most
            start.eq(self.o.valid & self.o.ready),
        ]

        with m.FSM():
            with m.State("IDLE"):
                m.d.sync += [address.eq(self.i.payload.entry), fetching.eq(1)]
                with m.If(self.i.valid):
                    m.next = "FETCH"
            with m.State("FETCH"):
                m.d.sync += fetching.eq(fetching << 1)
                with m.If(fetching[-1]):
                    m.next = "CHECK"
            with m.State("CHECK"):
                lawful = passed.all()
                m.d.sync += [
                    legal.eq(lawful),
                    offered.eq(lawful),
                    started.start.eq(fetched.dst),
                    started.end.eq(Mux(fetched.store, fetched.dst + length, fetched.dst)),
                    started.last.eq(fetched.last),
                ]
                m.next = "START"
            with m.State("START"):
                with m.If(~legal):
                    m.next = "FAULT"
                with m.Elif(start):
                    m.d.sync += [offered.eq(0), fetching.eq(1)]
                    m.d.sync += address.eq(address + 1)
                    m.next = "FETCH"
                    with m.If(fetched.last):
                        m.d.comb += self.i.ready.eq(1)
                        m.next = "IDLE"
            with m.State("FAULT"):
                m.d.comb += self.fault.eq(self.in_flight == 0)
                with m.If(self.fault_taken):
                    m.d.comb += self.i.ready.eq(1)
                    m.next = "IDLE"

        m.d.comb += [
            self.o.payload.descriptor.eq(fetched),
            self.o.payload.base.eq(self.i.payload.base),
            self.o.payload.images.eq(self.i.payload.images),
            self.o.payload.skip.eq(self.i.payload.skip),
        ]

        older, newer = Signal(range_), Signal(range_)
        m.d.comb += [
            self.guard.active.eq(self.in_flight == 2),
            self.guard.start.eq(older.start),
            self.guard.end.eq(older.end),
            self.run_done.eq((self.layer_done & older.last) | self.fault_taken),
        ]
        with m.If(self.word_done):
            m.d.sync += older.start.eq(self.word_dst + 1)
        with m.If(self.layer_done):
            m.d.sync += older.eq(newer)
        with m.If(start):
            with m.If(self.in_flight == self.layer_done):
                m.d.sync += older.eq(started)
            m.d.sync += newer.eq(started)
        m.d.sync += self.in_flight.eq(self.in_flight + start - self.layer_done)
        return m

    def _checks(self, descriptor, address):
        """`celosia.spec.legal` as logic: all of these are 1."""
        config = self.config
        return [
            address < config.program_depth,
            *(rule(descriptor, config) for rule in RULES.values()),
            *(
                (descriptor.op != op) | rule(fields_of(descriptor, op), config)
                for op, rules in PART_RULES.items()
                for rule in rules.values()
            ),
        ]
