"""What synthesis and place and route are given: a board's top level as Verilog, and its pins."""

from dataclasses import dataclass

from celosia.spec import Config
from celosia_hw.cells import TECHNOLOGIES, Technology
from celosia_hw.emit import verilog_of
from celosia_hw.util.uninitialized_memories import no_contents

from .clock import ClockGenerator
from .platforms import target
from .top import BadDivisor, BoardTop, divisor

__all__ = ["TOP", "Design", "default_technology", "design", "fitting_divisor"]

#: Name of the top module, and what the names of the files begin with.
TOP = "top"

#: Speeds of the serial line to fall back to, in bits per second.
_BAUDS = (3_000_000, 2_000_000, 1_000_000, 921_600, 460_800, 230_400, 115_200)


@dataclass(frozen=True, kw_only=True)
class Design:
    """A board's top level, elaborated.

    Parameters
    ----------
    family : "ice40", "ecp5" or "gowin".
    technology : name of its cells.
    verilog : for Yosys; only as Verilog do the memories keep the attribute `no_rw_check`.
    constraints : pins, in the format of the family's place and route.
    oscillator, clock : in MHz; of the board, and of the engine.
    baud : bits per second of the serial line.
    """

    family: str
    technology: str
    verilog: str
    constraints: str
    oscillator: float
    clock: float
    baud: int


def default_technology(family: str) -> str:
    """The cells that an engine for ``family`` is built from when nothing else is asked for."""
    return family if family in TECHNOLOGIES else "portable"


def design(
    board: str,
    config: Config,
    *,
    technology: str | None = None,
    clock: float | None = None,
    baud: int,
    exact_baud: bool = False,
) -> Design:
    """Elaborate the top level of ``board``.

    Parameters
    ----------
    technology : of `celosia_hw.cells`; None for `default_technology`.
    clock : of the engine in MHz; None for that of the board.
    baud : of the serial line; when ``clock`` does not divide into it, the next lower usual speed
        is taken, unless ``exact_baud``.

    Raises
    ------
    KeyError : there is no such board.
    ValueError : no such technology, or one of another family.
    NoPll : the PLL does not make ``clock``.
    BadDivisor : ``clock`` does not divide into ``baud``.
    ModuleNotFoundError : amaranth-boards is not installed.
    """
    aim = target(board)
    technology = technology or default_technology(aim.family)
    if Technology(technology).technology.partition("-")[0] not in ("portable", aim.family):
        raise ValueError(f"{technology} cells are not of {board}'s family, {aim.family}")
    aim = target(board, technology)
    generator = ClockGenerator(aim, clock)
    baud, cycles = fitting_divisor(generator.clock, baud, exact_baud)
    with no_contents():
        plan = aim.platform.prepare(BoardTop(config, generator, cycles), TOP, emit_src=False)
    (constraints,) = (
        text for name, text in plan.files.items() if name.endswith((".pcf", ".lpf", ".cst"))
    )
    return Design(
        family=aim.family,
        technology=technology,
        verilog=verilog_of(_text(plan.files[f"{TOP}.il"])),
        constraints=_text(constraints),
        oscillator=aim.oscillator,
        clock=generator.clock,
        baud=baud,
    )


def fitting_divisor(clock: float, baud: int, exact: bool = False) -> tuple[int, int]:
    """The speed of the serial line at ``clock`` MHz, and its cycles per bit.

    The speed is ``baud`` or, unless ``exact``, the next lower usual one that goes with ``clock``.

    Raises
    ------
    BadDivisor : there is none; the message is about ``baud``.
    """
    lower = [] if exact else [each for each in _BAUDS if each < baud]
    first = None
    for each in (baud, *lower):
        try:
            return each, divisor(clock, each)
        except BadDivisor as error:
            first = first or error
    raise first


def _text(content: str | bytes) -> str:
    return content.decode() if isinstance(content, bytes) else content
