"""The engine's clock on a board: that of the oscillator, or one made by the family's PLL."""

from amaranth import *
from amaranth.lib import io
from amaranth.lib.cdc import FFSynchronizer
from amaranth.utils import ceil_log2

from .platforms import Target
from .pll import NoPll, pll

__all__ = ["ClockGenerator"]

#: Least seconds in reset once the clock runs. An iCE40's block RAM reads zeros for the first 3 us
#: after configuration (icestorm issue 76).
_RESET_SECONDS = 20e-6


class ClockGenerator(Elaboratable):
    """Drives the clock domain ``sync``: ``clock`` MHz, in reset for 20 to 40 us after PLL lock.

    There is no PLL without ``clock``, or when it is the frequency of the oscillator.

    Parameters
    ----------
    target : the board.
    clock : frequency to generate, in MHz; None for that of the oscillator.

    Attributes
    ----------
    clock : frequency of the domain in MHz: that of the nearest setting of the PLL.
    domain : the domain, which the parent adds to its module.

    Raises
    ------
    NoPll : the PLL has no setting for ``clock``.
    """

    def __init__(self, target: Target, clock: float | None = None):
        self.target, source = target, target.oscillator
        try:
            self.setting = None if clock in (None, source) else pll(target.family, source, clock)
        except NoPll:
            # Amaranth is not to warn that it is never used.
            self._MustUse__silence = True
            raise
        self.clock = self.setting.clock if self.setting else source
        self.domain = ClockDomain("sync")

    def elaborate(self, platform):
        m = Module()
        port = platform.request(platform.default_clk, dir="-")
        clock = Signal()
        locked = Signal()
        if self.setting and self.target.at_pad:
            # The PLL contains the buffer of this pin.
            source = port.io
        else:
            m.submodules.pin = pin = io.Buffer("i", port)
            source = pin.i
        if self.setting:
            m.submodules.pll = _INSTANCES[self.target.family](self, source, clock, locked)
        else:
            m.d.comb += [clock.eq(source), locked.eq(1)]

        m.domains.starting = ClockDomain("starting", reset_less=True, local=True)
        m.d.comb += [ClockSignal("sync").eq(clock), ClockSignal("starting").eq(clock)]
        stable = Signal()  # `locked`, synchronized
        m.submodules += FFSynchronizer(locked, stable, o_domain="starting")
        # Cycles since then, until the top bit is set: a power of two.
        waited = Signal(ceil_log2(round(_RESET_SECONDS * self.clock * 1e6)) + 1)
        reset = Signal(init=1)
        m.d.starting += reset.eq(~waited[-1])
        with m.If(~stable):
            m.d.starting += waited.eq(0)
        with m.Elif(~waited[-1]):
            m.d.starting += waited.eq(waited + 1)
        m.d.comb += ResetSignal("sync").eq(reset)
        return m


def _ice40(generator, source, clock, locked):
    setting = generator.setting
    kind, pin = ("PAD", "PACKAGEPIN") if generator.target.at_pad else ("CORE", "REFERENCECLK")
    return Instance(
        f"SB_PLL40_{kind}",
        p_FEEDBACK_PATH="SIMPLE",
        p_DIVR=Const(setting.divr, 4),
        p_DIVF=Const(setting.divf, 7),
        p_DIVQ=Const(setting.divq, 3),
        p_FILTER_RANGE=Const(setting.filter_range, 3),
        i_RESETB=Const(1, 1),
        i_BYPASS=Const(0, 1),
        o_PLLOUTGLOBAL=clock,
        o_LOCK=locked,
        **{f"i_{pin}": source},
    )


def _ecp5(generator, source, clock, locked):
    setting, feedback = generator.setting, Signal(name="feedback")
    return Instance(
        "EHXPLLL",
        # nextpnr derives the clock constraints from these.
        a_FREQUENCY_PIN_CLKI=f"{generator.target.oscillator:g}",
        a_FREQUENCY_PIN_CLKOS=f"{setting.clock:g}",
        a_ICP_CURRENT="12",
        a_LPF_RESISTOR="8",
        a_MFG_ENABLE_FILTEROPAMP="1",
        a_MFG_GMCREF_SEL="2",
        p_PLLRST_ENA="DISABLED",
        p_INTFB_WAKE="DISABLED",
        p_STDBY_ENABLE="DISABLED",
        p_DPHASE_SOURCE="DISABLED",
        p_OUTDIVIDER_MUXA="DIVA",
        p_OUTDIVIDER_MUXB="DIVB",
        p_CLKI_DIV=setting.clki,
        p_CLKFB_DIV=setting.clkfb,
        p_CLKOP_ENABLE="ENABLED",
        p_CLKOP_DIV=setting.clkop,
        # Compensates the delay of the divider: one period less one VCO cycle.
        p_CLKOP_CPHASE=setting.clkop - 1,
        p_CLKOP_FPHASE=0,
        p_CLKOS_ENABLE="ENABLED",
        p_CLKOS_DIV=setting.clkos,
        p_CLKOS_CPHASE=setting.clkos - 1,
        p_CLKOS_FPHASE=0,
        p_FEEDBK_PATH="CLKOP",
        i_CLKI=source,
        i_CLKFB=feedback,
        o_CLKOP=feedback,
        o_CLKOS=clock,
        o_LOCK=locked,
        i_ENCLKOP=Const(0, 1),
        i_ENCLKOS=Const(0, 1),
        i_PHASESEL0=Const(0, 1),
        i_PHASESEL1=Const(0, 1),
        i_PHASEDIR=Const(1, 1),
        i_PHASESTEP=Const(1, 1),
        i_PHASELOADREG=Const(1, 1),
        i_PLLWAKESYNC=Const(0, 1),
        i_STDBY=Const(0, 1),
        i_RST=Const(0, 1),
    )


def _gowin(generator, source, clock, locked):
    setting = generator.setting
    return Instance(
        "rPLL",
        p_DEVICE=generator.target.platform.family,
        p_FCLKIN=f"{generator.target.oscillator:g}",
        p_DYN_IDIV_SEL="false",
        p_IDIV_SEL=setting.idiv - 1,
        p_DYN_FBDIV_SEL="false",
        p_FBDIV_SEL=setting.fbdiv - 1,
        p_DYN_ODIV_SEL="false",
        p_ODIV_SEL=setting.odiv,
        p_PSDA_SEL="0000",
        p_DYN_DA_EN="false",
        p_DUTYDA_SEL="1000",
        p_CLKFB_SEL="internal",
        p_CLKOUT_BYPASS="false",
        i_CLKIN=source,
        i_CLKFB=Const(0, 1),
        i_RESET=Const(0, 1),
        i_RESET_P=Const(0, 1),
        i_FBDSEL=Const(0, 6),
        i_IDSEL=Const(0, 6),
        i_ODSEL=Const(0, 6),
        i_PSDA=Const(0, 4),
        i_DUTYDA=Const(0, 4),
        i_FDLY=Const(0, 4),
        o_CLKOUT=clock,
        o_LOCK=locked,
    )


_INSTANCES = {"ice40": _ice40, "ecp5": _ecp5, "gowin": _gowin}
