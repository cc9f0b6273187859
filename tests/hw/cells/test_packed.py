"""Two products from one multiplier, in hardware: all 2**24 triples of operands."""

import re
import struct
from types import SimpleNamespace

import pytest
from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from celosia.driver.rtl.transport import RtlTransport
from celosia.spec import Config
from celosia.spec.timing import PRODUCT_LATENCY
from celosia.support.errors import CelosiaError
from celosia_hw.cells import cells_of, ecp5_packed
from celosia_hw.cells.models import models
from celosia_hw.emit import TOP, emit

pytestmark = pytest.mark.usefixtures("runs_long")

#: For its link words, of 8 bytes.
CONFIG = Config.default(2, 4, link_bytes=8, convolution=0)

#: Answers a word with how many pairs of products were compared and how many differed.
BENCH = f"""
module {TOP}(
    input clk, input rst,
    input [64:0] i__payload, input i__valid, output i__ready,
    output [64:0] o__payload, output o__valid, input o__ready);
  reg [25:0] n = 0;
  reg [31:0] compared = 0, wrong = 0;
  wire [7:0] u0 = n[7:0], u1 = n[15:8], w = n[23:16];
  wire [15:0] p0, p1;
  pair pair (.clk(clk), .rst(rst), .u0(u0), .u1(u1), .w(w), .p0(p0), .p1(p1));

  reg [31:0] want [0:{PRODUCT_LATENCY - 1}];
  integer stage;
  always @(posedge clk) begin
    want[0][15:0] <= $signed({{8'b0, u0}}) * $signed({{{{8{{w[7]}}}}, w}});
    want[0][31:16] <= $signed({{8'b0, u1}}) * $signed({{{{8{{w[7]}}}}, w}});
    for (stage = 1; stage < {PRODUCT_LATENCY}; stage = stage + 1) want[stage] <= want[stage - 1];
    if (i__valid || n != 0) n <= n + 1;
    if (n >= {PRODUCT_LATENCY} && n < (1 << 24) + {PRODUCT_LATENCY}) begin
      compared <= compared + 1;
      wrong <= wrong + ({{p1, p0}} != want[{PRODUCT_LATENCY - 1}]);
    end
    if (n == (1 << 24) + {PRODUCT_LATENCY}) n <= n;
  end
  assign i__ready = n == 0;
  assign o__valid = n == (1 << 24) + {PRODUCT_LATENCY};
  assign o__payload = {{1'b1, wrong, compared}};
endmodule
"""


class Pair(wiring.Component):
    """The products of two rows and one column, of the cells of the technology."""

    u0: In(8)
    u1: In(8)
    w: In(signed(8))
    p0: Out(16)
    p1: Out(16)

    def elaborate(self, platform):
        m = Module()
        cells = cells_of(platform)
        shape = SimpleNamespace(rows=2, cols=1, depthwise=0, requantizers=1)
        m.submodules.products = products = cells.Products(shape)
        m.d.comb += [products.u[0, 0].eq(self.u0), products.u[1, 0].eq(self.u1)]
        m.d.comb += [products.w[0].eq(self.w)]
        m.d.comb += [self.p0.eq(products.p[0, 0]), self.p1.eq(products.p[1, 0])]
        return m


def wrong(pair: str) -> int:
    """How many of the 2**24 pairs of products of module ``pair`` are not right."""
    text = BENCH + pair + models("ecp5")
    with RtlTransport(CONFIG, text, max_idle=1 << 26) as transport:
        (answer,) = transport.exchange([bytes(8)])
    compared, differ = struct.unpack("<II", answer)
    assert compared == 1 << 24
    return differ


def emitted() -> str:
    return emit(Pair(), "pair", technology="ecp5-packed")


def test_all_operands():
    assert "MULT18X18D" in emitted()
    assert wrong(emitted()) == 0


def test_a_multiplier_with_another_sign_is_found():
    mutant, count = re.subn(r"\.SIGNEDB\(\w+_1\)", ".SIGNEDB(1'h0)", emitted())
    assert count == 1
    # A negative weight counts as 256 more; only with both activations 0 nothing is seen of that.
    assert wrong(mutant) == 128 * (256 * 256 - 1)


def test_a_correction_too_narrow_is_found(monkeypatch):
    monkeypatch.setattr(ecp5_packed, "OVERLAP", 5)
    assert wrong(emitted()) > 1 << 20


def test_a_model_refuses_what_it_does_not_do(capfd):
    other, count = re.subn(r"\.RESETMODE\(\"SYNC\"\)", '.RESETMODE("ASYNC")', emitted())
    assert count == 1
    with pytest.raises(CelosiaError, match=r"the simulation failed: Verilog \$stop"):
        wrong(other)
    assert "pair_0_0: this value of RESETMODE is not modelled" in capfd.readouterr().out
