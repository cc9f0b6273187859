"""Trailers of frames of every kind, event by event."""

from random import Random

import pytest
from tests.helpers.streams import LINKS, simulate

from celosia.spec import REQUEST, Opcode, Status
from celosia_hw.link.trailer import Trailer


@pytest.mark.parametrize("config", LINKS, ids=lambda config: f"{config}b{config.link_bytes}")
def test_trailers(config):
    rng = Random(config.rows)
    dut = Trailer(config)

    async def bench(ctx):
        for _ in range(100):
            request = {field.name: rng.randint(0, field.max) for field in REQUEST.fields}
            of_run, status = rng.random() < 0.5, rng.choice(list(Status))
            stored = 0 if of_run else rng.choice([0, rng.randrange(1000)])
            reply = {"status": status, "request": request, "stored": stored}
            ctx.set(dut.reply, reply)
            ctx.set(dut.begin, 1)
            ctx.set(dut.begin_run, of_run)
            await ctx.tick()
            ctx.set(dut.begin, 0)
            sent, address = 0, None
            for _ in range(rng.randrange(8)):
                record = not stored and rng.random() < 0.6
                events(ctx, record, False, False)
                sent += record
                await ctx.tick()
            aborted = of_run and rng.random() < 0.3
            if of_run and rng.random() < 0.3:
                address = rng.randint(0, config.program_depth)
                ctx.set(dut.fault_addr, address)
            events(ctx, False, address is not None, aborted)
            await ctx.tick()
            ctx.set(dut.fault_addr, 0)
            events(ctx, False, False, False)
            expected = {
                "status": Status.OK if of_run else status,
                "opcode": Opcode.INFER if of_run else request["opcode"],
                "info": 0,
                "count": sent or stored,
            }
            if aborted:
                expected |= {"status": Status.ABORTED, "count": 0}
            elif address is not None:
                expected |= {"status": Status.BAD_DESCRIPTOR, "info": address, "count": 0}
            got = ctx.get(dut.o)
            assert {name: got[name] for name in expected} == expected
            assert ctx.get(dut.of_run) == of_run and ctx.get(dut.sent) == sent

    def events(ctx, record_sent, fault, abort):
        ctx.set(dut.record_sent, record_sent)
        ctx.set(dut.fault, fault)
        ctx.set(dut.abort, abort)

    simulate(dut, bench)
