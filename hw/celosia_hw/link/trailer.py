"""Trailer: how the frame being sent ends."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import TRAILER, Config, Opcode, Status
from celosia_hw.layouts import reply, struct

__all__ = ["Trailer"]


class Trailer(wiring.Component):
    """Collects what the `TRAILER` of a frame reports.

    ================= ====================== ================ ============= =====================
    frame             status                 opcode           info          count
    ================= ====================== ================ ============= =====================
    of a reply        its status             of its request   0             records sent or stored
    of a run          OK                     INFER            0             records sent
    after ``fault``   BAD_DESCRIPTOR         INFER            fault_addr    0
    after ``abort``   ABORTED, also after a  INFER            0             0
                      fault
    ================= ====================== ================ ============= =====================

    ``begin`` clears all of it; there must be no event in its cycle. Events are in ``o`` in the next
    cycle, but ``record_sent`` two cycles later. In reset no event has happened, and the frame is
    that of a reply.

    Parameters
    ----------
    config : shape of the engine.

    Members
    -------
    begin : In(1), a frame begins in the next cycle; begin_run : In(1), with it: a run's.
    reply : In(`reply`), steady while the frame is not a run's; ``stored`` is 0 while records or
        results are sent.
    record_sent : In(1), a record or result has been sent.
    fault : In(1), the run ends with an illegal descriptor at fault_addr : In.
    abort : In(1), the run was flushed before its last result.
    of_run : Out(1), the frame is a run's.
    sent : Out, records sent.
    o : Out(`TRAILER`)
    """

    def __init__(self, config: Config):
        super().__init__(
            {
                "begin": In(1),
                "begin_run": In(1),
                "reply": In(reply(config)),
                "record_sent": In(1),
                "fault": In(1),
                "fault_addr": In(range(config.program_depth + 1)),
                "abort": In(1),
                "of_run": Out(1),
                "sent": Out(TRAILER.width_of("count")),
                "o": Out(struct(TRAILER)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        aborted = Signal()
        faulted = Signal()
        fault_addr = Signal.like(self.fault_addr)
        counted = Signal()
        m.d.comb += [
            self.o.status.eq(Mux(self.of_run, Status.OK, self.reply.status)),
            self.o.opcode.eq(Mux(self.of_run, Opcode.INFER, self.reply.request.opcode)),
            # One of them is 0: what is written is not sent.
            self.o.count.eq(self.sent | self.reply.stored),
        ]
        with m.If(aborted):
            m.d.comb += [self.o.status.eq(Status.ABORTED), self.o.count.eq(0)]
        with m.Elif(faulted):
            m.d.comb += [
                self.o.status.eq(Status.BAD_DESCRIPTOR),
                self.o.info.eq(fault_addr),
                self.o.count.eq(0),
            ]
        # Far from what sends: hence the register.
        m.d.sync += counted.eq(self.record_sent)
        with m.If(counted):
            m.d.sync += self.sent.eq(self.sent + 1)
        with m.If(self.fault):
            m.d.sync += [faulted.eq(1), fault_addr.eq(self.fault_addr)]
        with m.If(self.abort):
            m.d.sync += aborted.eq(1)
        with m.If(self.begin):
            m.d.sync += [
                self.of_run.eq(self.begin_run),
                self.sent.eq(0),
                faulted.eq(0),
                aborted.eq(0),
            ]
        return m
