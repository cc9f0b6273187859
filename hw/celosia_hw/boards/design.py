"""Input of synthesis and of place and route: a board's top level as Verilog, and its pins."""

from dataclasses import dataclass

from celosia.spec import Config
from celosia_hw.cells import TECHNOLOGIES, Technology
from celosia_hw.emit import interruptible, verilog_of
from celosia_hw.util.uninitialized_memories import uninitialized_memories

from .clock import ClockGenerator
from .platforms import target
from .top import BadDivisor, BoardTop, divisor

__all__ = ["TOP", "Design", "default_technology", "design", "fitting_divisor"]

#: Name of the top module, and stem of the names of files.
TOP = "top"

#: Speeds of the serial line to fall back to, in bits per second.
_BAUDS = (3_000_000, 2_000_000, 1_000_000, 921_600, 460_800, 230_400, 115_200)


@dataclass(frozen=True, kw_only=True)
class Design:
    """A board's elaborated top level.

    Parameters
    ----------
    family : "ice40", "ecp5" or "gowin".
    technology : name of the cells (`celosia_hw.cells.TECHNOLOGIES`).
    verilog : for Yosys. RTLIL would lose the attribute ``no_rw_check`` of memories.
    constraints : pins, in the format of the family's place and route tool.
    oscillator, clock : MHz; of the board, and of the engine.
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
    """The technology of engines for ``family`` unless another one is asked for."""
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
    board : name of the board (`celosia_hw.boards.platforms.PLATFORMS`).
    config : shape and memories of its engine.
    technology : name of the cells; None for `default_technology`.
    clock : MHz of the engine; None for that of the oscillator.
    baud : bits per second of the serial line; the next lower usual speed is used when ``clock`` is
        not a multiple of it (`fitting_divisor`).
    exact_baud : raise `BadDivisor` instead.

    Raises
    ------
    KeyError : unknown board.
    ValueError : unknown technology, or one of another family.
    NoPll : the PLL has no setting for ``clock``.
    BadDivisor : ``clock`` is not a multiple of ``baud``.
    ModuleNotFoundError : amaranth-boards is not installed.
    """
    family = target(board).family
    technology = technology or default_technology(family)
    if Technology(technology).technology.partition("-")[0] not in ("portable", family):
        raise ValueError(f"{technology!r} is not a technology of {board}, whose family is {family}")
    built = target(board, technology)
    generator = ClockGenerator(built, clock)
    try:
        baud, cycles = fitting_divisor(generator.clock, baud, exact_baud)
    except BadDivisor:
        # Amaranth is not to warn that it is never used.
        generator._MustUse__silence = True
        raise
    with interruptible(), uninitialized_memories():
        plan = built.platform.prepare(BoardTop(config, generator, cycles), TOP, emit_src=False)
    (constraints,) = (
        text for name, text in plan.files.items() if name.endswith((".pcf", ".lpf", ".cst"))
    )
    return Design(
        family=family,
        technology=technology,
        verilog=verilog_of(_text(plan.files[f"{TOP}.il"])),
        constraints=_text(constraints),
        oscillator=built.oscillator,
        clock=generator.clock,
        baud=baud,
    )


def fitting_divisor(clock: float, baud: int, exact: bool = False) -> tuple[int, int]:
    """Speed of the serial line in bits per second, and its cycles per bit at ``clock`` MHz.

    The speed is ``baud`` or, unless ``exact``, the next lower usual one of which ``clock`` is a
    multiple (`divisor`).

    Raises
    ------
    BadDivisor : there is none; the message is that for ``baud``.
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
