"""Proofs of the stream rules: what is valid stays valid, and the same, until it is taken."""

from collections.abc import Callable

from amaranth import *
from amaranth.asserts import AnyConst
from amaranth.hdl import Assert, Assume
from amaranth.lib import stream

from celosia.spec import Config
from celosia_hw.axi.lite import AxiLiteSlave
from celosia_hw.axi.stream import RequestGate, ResponseGate
from celosia_hw.feeder.addressing.dense import DenseAddresses
from celosia_hw.feeder.addressing.window import WindowAddresses
from celosia_hw.link.input_writer import InputWriter
from celosia_hw.link.records import Records
from celosia_hw.link.sender import Sender
from celosia_hw.serial.buffer import PacketBuffer
from celosia_hw.serial.transmitter import PacketTransmitter

from .block import free, loose
from .contracts import Past, stream_rules
from .link import CONFIG
from .proof import Proof

__all__ = ["PROOFS"]

MAPS = Config.default(
    2, 4, lanes=4, requantizers=4, link_bytes=4, weight_depth=16, param_depth=16, program_depth=4,
    act_depth=16, tables=0)  # fmt: skip


def _rules(make: Callable, *held: str, more: Callable | None = None):
    """Every stream of a block: what it reads keeps the rules, what it drives must.

    ``held`` : inputs that its documentation asks to be steady.
    """

    def build(mistake):
        m, dut = Module(), make()
        block = loose(m, dut, mistake)
        free(m, dut, *held)
        for name in held:
            value = Value.cast(getattr(dut, name))
            m.d.comb += value.eq(AnyConst(len(value)))
        past = Past(m)
        for name, member in dut.signature.members.items():
            if member.is_signature and isinstance(member.signature, stream.Signature):
                check = Assert if member.flow.name == "Out" else Assume
                stream_rules(m, past, getattr(dut, name), check)
        if more:
            more(m, dut, block, past)
        return m

    return build


def _start_when_idle(m, dut, block, past):
    m.d.comb += Assume(~dut.start | ~dut.busy)


def _load_when_empty(m, dut, block, past):
    m.d.comb += Assume(~dut.load | ~dut.o.valid)


def _skid_behind(m, dut, block, past):
    """A skid buffer is ready while it is empty."""
    m.d.comb += Assume(dut.o.ready | dut.o.valid)


def _one_byte(m, dut, block, past):
    """The byte's way through the CRC, in one state alone; elsewhere the byte is held."""
    way = [block["valid"], block["crc.busy"], block["crc.done"], *block["settled"]]
    m.d.comb += Assert(sum(way) == block.state("CRC"))


def _no_clear(m, dut, block, past):
    """`clear` drops the word at `o`, by its documentation."""
    m.d.comb += Assume(~dut.clear)


def _axis(signals) -> tuple[Value, Value, Value]:
    payload = Cat(signals.tdata, signals.tkeep, signals.tlast)
    return signals.tvalid, signals.tready, payload


def _kept(past, valid, ready, payload) -> Value:
    stalled = past(valid & ~ready)
    return ~stalled | (valid & (payload == past(payload)))


def _response_gate(mistake):
    """The engine may be reset at any time, and drops its word then."""
    m, dut = Module(), ResponseGate(CONFIG)
    loose(m, dut, mistake)
    free(m, dut)
    past = Past(m)
    m.d.comb += Assert(_kept(past, *_axis(dut.o)))
    return m


def _request_gate(mistake):
    """Outside a reset."""
    m, dut = Module(), RequestGate(CONFIG)
    loose(m, dut, mistake)
    free(m, dut)
    past = Past(m)
    m.d.comb += Assume(~(dut.drop | dut.wait))
    m.d.comb += Assume(_kept(past, *_axis(dut.i)))
    stream_rules(m, past, dut.o)
    m.d.comb += Assert((dut.i.tvalid & dut.i.tready) == (dut.o.valid & dut.o.ready))
    begun = Signal()
    with m.If(dut.i.tvalid & dut.i.tready):
        m.d.sync += begun.eq(~dut.i.tlast)
    m.d.comb += Assert(begun == dut.receiving)
    return m


def _axi_lite(mistake):
    """Responses are held, and there is one for each address and each write."""
    m, dut = Module(), AxiLiteSlave()
    block = loose(m, dut, mistake)
    free(m, dut)
    past, bus = Past(m), dut.bus
    m.d.comb += [
        Assert(_kept(past, bus.bvalid, bus.bready, bus.bresp)),
        Assert(_kept(past, bus.rvalid, bus.rready, Cat(bus.rresp, bus.rdata))),
    ]
    write, read = (bus.bvalid, bus.bready), (bus.rvalid, bus.rready)
    for request_valid, request_ready, held, (valid, ready) in (
        (bus.awvalid, bus.awready, block["full"], write),
        (bus.wvalid, bus.wready, block["full_1"], write),
        (bus.arvalid, bus.arready, block["full_2"], read),
    ):
        open_ = Signal(range(4))
        m.d.sync += open_.eq(open_ + (request_valid & request_ready) - (valid & ready))
        m.d.comb += [
            # One is held, one is answered.
            Assert(open_ == held + valid),
            Assert(request_ready == (past.known & ~held)),
            Assert(past.known | (open_ == 0)),
        ]
    return m


def _proof(name, blocks, build, *mistakes, depth=3, bounded=False, quick=False):
    return Proof(
        name=f"stream-{name}",
        claim="valid is held and the payload stays until ready",
        blocks=blocks,
        build=build,
        depth=depth,
        bounded=bounded,
        mistakes=mistakes,
        quick=quick,
    )


PROOFS = [
    _proof("records", "link.Records", _rules(lambda: Records(CONFIG, words=2)), "o__valid"),
    _proof(
        "inputs",
        "link.InputWriter",
        _rules(lambda: InputWriter(CONFIG), "last_image", more=_load_when_empty),
        "records.o__valid",
    ),
    _proof(
        "dense",
        "feeder.DenseAddresses",
        _rules(lambda: DenseAddresses(CONFIG), more=_start_when_idle),
        "o__valid",
    ),
    _proof(
        "window",
        "feeder.WindowAddresses",
        _rules(lambda: WindowAddresses(MAPS), more=_start_when_idle),
        "o__valid",
    ),
    _proof(
        "packet-buffer",
        "serial.PacketBuffer",
        _rules(lambda: PacketBuffer(CONFIG), more=_no_clear),
        "o__valid",
    ),
    _proof(
        "packet-transmitter",
        "serial.PacketTransmitter",
        _rules(lambda: PacketTransmitter(CONFIG), more=_one_byte),
        "o__valid",
    ),
    _proof("sender", "link.Sender", _rules(lambda: Sender(CONFIG), more=_skid_behind), "o__valid"),
    _proof("response-gate", "axi.ResponseGate", _response_gate, "o__tvalid", quick=True),
    _proof("request-gate", "axi.RequestGate", _request_gate, "receiving"),
    _proof("axi-lite", "axi.AxiLiteSlave", _axi_lite, "bus__bvalid", quick=True),
]
