"""Sequencer: walks the program of each run, layer by layer."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import PART_RULES, RULES, Config, descriptor
from celosia.spec.timing import READ_LATENCY
from celosia_hw.layouts import active_layer, fields_of, hazard, run, struct
from celosia_hw.util.read_port import ReadPort

from .hazards import Hazards

__all__ = ["Sequencer"]


class Sequencer(wiring.Component):
    """Fetches descriptors and starts layers, at most two in flight.

    A layer is started when the one before the last has arrived at the memories; how many results of
    the last one have arrived is told to the scanner by `Hazards`. The next descriptor is fetched
    while a layer runs, and the next run follows the last layer of the one before without a gap:
    from seeing a run, or from starting a layer, to the next start `READ_LATENCY` + 3 cycles at
    least.

    A descriptor is legal when it keeps `celosia.spec.RULES` and the rules of its operation. At an
    illegal one the run ends: when all earlier layers have arrived, ``fault`` is raised with the
    descriptor's address until ``fault_taken``. Bit-exact with `celosia.model.decode`.

    Parameters
    ----------
    config : the engine's configuration.

    Members
    -------
    i : In(stream of `run`).
    program : Out(`ReadPort` of a descriptor).
    o : Out(stream of `active_layer`), to feeder and drain together. A descriptor is held for
        `READ_LATENCY` cycles more.
    hazard : Out(`hazard`).
    word_done : In(1), a word of results is complete in every row.
    layer_done : In(1), a layer has arrived.
    run_done : Out(1), the run's last layer has arrived, or its fault was taken.
    in_flight : Out, layers started and not arrived.
    fault : Out(1).
    fault_addr : Out.
    fault_taken : In(1).
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(run(config))),
                "program": Out(ReadPort(config.program_depth, struct(descriptor(config)))),
                "o": Out(stream.Signature(active_layer(config))),
                "hazard": Out(hazard(config)),
                "word_done": In(1),
                "layer_done": In(1),
                "run_done": Out(1),
                "in_flight": Out(range(3)),
                "fault": Out(1),
                "fault_addr": Out(range(config.program_depth + 1)),
                "fault_taken": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.hazards = hazards = Hazards(self.config)
        address = Signal(range(self.config.program_depth + 1))
        # Held as long as its address is, and for READ_LATENCY cycles more.
        fetched = self.program.data
        # One-hot: cycles until the descriptor has been read, and one in which it is checked.
        fetching = Signal(READ_LATENCY + 1)
        legal = Signal()
        offered = Signal()
        checks = self._checks(fetched, address)
        passed = Signal(len(checks))
        start = Signal()
        m.d.sync += passed.eq(Cat(checks))
        m.d.comb += [
            self.program.addr.eq(address),
            self.fault_addr.eq(address),
            self.o.valid.eq(offered & ~self.in_flight[1]),  # two at most
            self.o.payload.descriptor.eq(fetched),
            self.o.payload.base.eq(self.i.payload.base),
            self.o.payload.images.eq(self.i.payload.images),
            self.o.payload.skip.eq(self.i.payload.skip),
            start.eq(self.o.valid & self.o.ready),
            hazards.start.eq(start),
            hazards.last.eq(fetched.last),
            hazards.word_done.eq(self.word_done),
            hazards.layer_done.eq(self.layer_done),
            self.hazard.eq(hazards.hazard),
            self.in_flight.eq(hazards.in_flight),
            self.run_done.eq(hazards.run_done | self.fault_taken),
        ]
        self._walk(m, address, fetched, fetching, passed, legal, offered, start)
        return m

    def _walk(self, m, address, fetched, fetching, passed, legal, offered, start) -> None:
        """The states of a run: fetch, check and start each descriptor; stop at an illegal one."""
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
                m.d.sync += [legal.eq(lawful), offered.eq(lawful)]
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

    def _checks(self, fetched, address):
        """`celosia.spec.legal` as logic: all of these are 1."""
        config = self.config
        return [
            address < config.program_depth,
            *(rule(fetched, config) for rule in RULES.values()),
            *(
                (fetched.op != op) | rule(fields_of(fetched, op), config)
                for op in config.ops
                for rule in PART_RULES[op].values()
            ),
        ]
