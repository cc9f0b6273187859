"""Any word of any record that a request can ask for."""

from random import Random

import pytest
from tests.helpers.streams import LINKS, simulate, words_of

from celosia.spec import CHECKSUM, COUNTERS, Opcode, identity, memories, record
from celosia_hw.link.selector import RecordSelector


@pytest.mark.parametrize("config", LINKS, ids=lambda config: f"{config}b{config.link_bytes}")
def test_words(config):
    rng = Random(config.rows)
    dut = RecordSelector(config)

    async def bench(ctx):
        for _ in range(25):
            values = {field.name: rng.randint(0, field.max) for field in COUNTERS.fields}
            contents = {
                each.name.lower(): rng.randbytes(record(config, each).size)
                for each in memories(config)
            }
            ctx.set(dut.counters, values)
            ctx.set(
                dut.read_data,
                {name: int.from_bytes(data, "little") for name, data in contents.items()},
            )
            memory = rng.choice(memories(config))
            choices = [
                (Opcode.IDENTIFY, rng.randrange(256), identity(config)),
                (Opcode.COUNTERS, rng.randrange(256), COUNTERS.pack(**values)),
                (Opcode.READ, memory, contents[memory.name.lower()]),
            ]
            if config.checksum:
                choices.append((Opcode.CHECKSUM, memory, contents[memory.name.lower()]))
                total = rng.randbytes(CHECKSUM.size)
                ctx.set(dut.checksum.crc32, int.from_bytes(total, "little"))
                summed_up = rng.random() < 0.3
                ctx.set(dut.summed_up, summed_up)
                if summed_up:
                    choices = [(Opcode.CHECKSUM, memory, total)]
            opcode, arg, data = rng.choice(choices)
            ctx.set(dut.request, {"opcode": opcode, "arg": arg})
            words = words_of(data, config.link_bytes)
            for index in sorted({0, len(words) - 1, rng.randrange(len(words))}):
                ctx.set(dut.index, index)
                ctx.set(dut.en, 1)
                for _ in range(dut.latency):
                    await ctx.tick()
                assert ctx.get(dut.o) == words[index], (opcode, arg, index)
                ctx.set(dut.en, 0)
                # Held, whatever else changes.
                ctx.set(dut.index, 0)
                for _ in range(dut.latency):
                    await ctx.tick()
                assert ctx.get(dut.o) == words[index]

    simulate(dut, bench)
