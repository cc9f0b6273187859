"""AXI buses as signatures: a member called ``s_axis`` has the pins ``s_axis_tdata`` and so on."""

from amaranth.lib.wiring import In, Out, Signature

from celosia.spec.axi import ADDRESS_BITS, REGISTER_BYTES

__all__ = ["OKAY", "SLVERR", "axi_lite", "axi_stream"]

#: Responses of AXI4-Lite.
OKAY, SLVERR = 0b00, 0b10


def axi_stream(data_bytes: int) -> Signature:
    """AXI4-Stream of ``data_bytes`` per word, seen from its source."""
    return Signature(
        {
            "tdata": Out(8 * data_bytes),
            "tkeep": Out(data_bytes),
            "tlast": Out(1),
            "tvalid": Out(1),
            "tready": In(1),
        }
    )


def axi_lite() -> Signature:
    """AXI4-Lite, seen from the master; without AWPROT and ARPROT, which a slave may leave out."""
    return Signature(
        {
            "awaddr": Out(ADDRESS_BITS),
            "awvalid": Out(1),
            "awready": In(1),
            "wdata": Out(8 * REGISTER_BYTES),
            "wstrb": Out(REGISTER_BYTES),
            "wvalid": Out(1),
            "wready": In(1),
            "bresp": In(2),
            "bvalid": In(1),
            "bready": Out(1),
            "araddr": Out(ADDRESS_BITS),
            "arvalid": Out(1),
            "arready": In(1),
            "rdata": In(8 * REGISTER_BYTES),
            "rresp": In(2),
            "rvalid": In(1),
            "rready": Out(1),
        }
    )
