"""Multipliers and memory blocks that an engine needs of an FPGA, without placing it.

They are counted from the engine's structure. LUTs and flip-flops are only known from placing.
"""

from dataclasses import dataclass

from celosia.boards import Board
from celosia.spec import PARAMETER, Config, ceil_div, descriptor
from celosia.spec.packed import lut_columns
from celosia.spec.serial import MAX_DATA, RECEIVE_DEPTH
from celosia.spec.timing import RESULTS_DEPTH

__all__ = ["Demand", "Short", "demand", "shortages"]

#: Family -> width of a block RAM's port in bits -> its words.
_BLOCKS = {
    "ice40": {16: 256, 8: 512, 4: 1024, 2: 2048},
    "ecp5": {36: 512, 18: 1024, 9: 2048, 4: 4096, 2: 8192, 1: 16384},
    "gowin": {36: 512, 18: 1024, 9: 2048, 4: 4096, 2: 8192, 1: 16384},
}
#: Family -> bits and words of its memories with one port. Weights are in these, unless there are
#: too few, or block RAMs of the same width hold all words.
_SINGLE_PORT = {"ice40": (16, 16384)}
#: Family -> words of the deepest memory that Yosys, by its own cost function, makes of logic.
_IN_LOGIC = {"ice40": 4, "ecp5": 64, "gowin": 64}
#: Memories that Yosys maps on ECP5, too; of all others those of at most so many words are LUTs
#: there (`celosia_hw.cells.ecp5`).
_BUFFERS = ("results", "received bytes", "bytes to send")
_ECP5_IN_LOGIC = 32
#: 16-bit products of a requantizer.
_REQUANTIZER = 4


@dataclass(frozen=True)
class Demand:
    """Cells that an engine needs.

    Parameters
    ----------
    multipliers : of array and requantizers; on ECP5 each one of the array makes two products.
    block_rams, single_port_rams : name of the memory -> number of cells.
    """

    multipliers: int
    block_rams: dict[str, int]
    single_port_rams: dict[str, int]


@dataclass(frozen=True)
class Short:
    """A resource of which there is too little.

    Parameters
    ----------
    what : type of cell, or a depth in `Config`.
    needed : number of cells or words needed.
    available : number available; None for a depth beyond the range of `Config`.
    most : the memory that needs most of it, with its number; "" if there is only one user.
    """

    what: str
    needed: int
    available: int | None
    most: str = ""

    def __str__(self) -> str:
        limit = "more than any engine has" if self.available is None else f"has {self.available:,}"
        return f"{self.what} {self.needed:,}{self.most and f' ({self.most})'}, {limit}"


def demand(board: Board, config: Config) -> Demand:
    """The demand of an engine on the FPGA of ``board``."""
    blocks, single = {}, {}
    for name, copies, width, depth in _memories(config):
        count = _single_port(board, width, depth) if name == "weights" else None
        if count:
            single[name] = count
        elif depth > _in_logic(board, name):
            blocks[name] = copies * _count(board.family, width, depth)
    return Demand(_multipliers(board, config), blocks, single)


def _in_logic(board: Board, memory: str) -> int:
    """Words of the deepest memory of that name that is made of logic."""
    cells_of_ours = board.family == "ecp5" and memory not in _BUFFERS
    return _ECP5_IN_LOGIC if cells_of_ours else _IN_LOGIC[board.family]


def shortages(board: Board, needed: Demand) -> list[Short]:
    """Resources of which the FPGA of ``board`` has too few; empty when it has enough."""
    has, found = board.resources, []
    if needed.multipliers > has.multipliers:
        found.append(Short("multipliers", needed.multipliers, has.multipliers))
    for what, by_memory, available in (
        ("block RAM", needed.block_rams, has.block_rams),
        ("single-port RAM", needed.single_port_rams, has.single_port_rams),
    ):
        if (total := sum(by_memory.values())) > available:
            largest = max(by_memory, key=by_memory.__getitem__)
            most = f"{largest} {by_memory[largest]:,}"
            found.append(Short(what, total, available, most))
    return found


def _multipliers(board: Board, config: Config) -> int:
    products = board.resources.products
    # A Gowin MULT18X18 occupies two MULT9X9; in other families one cell makes a 16-bit product.
    requantizers = config.requantizers * _REQUANTIZER * (2 if board.family == "gowin" else 1)
    if board.family == "ecp5":
        # Products of one multiplier share the weight of a column; an odd last row has its own.
        columns = config.cols - lut_columns(config)
        return columns * ceil_div(config.rows, products) + requantizers
    return ceil_div(config.multipliers, products) + requantizers


def _memories(config: Config) -> list[tuple[str, int, int, int]]:
    """(name, copies, bits of a word, words) of every memory that may need block RAM."""
    word = 8 * config.lanes
    return [
        ("weights", 1, 8 * config.cols, config.weight_depth),
        ("parameters", 1, PARAMETER.width * config.requantizers, config.param_depth),
        ("program", 1, descriptor(config).width, config.program_depth),
        ("activations", config.rows, word, config.act_depth),
        ("masks", 1, config.lanes, config.act_depth),
        ("tables", config.requantizers, 8, 256 * config.tables),
        ("results", 1, word + 1, RESULTS_DEPTH),
        ("received bytes", 1, 8, RECEIVE_DEPTH),
        ("bytes to send", 1, 8, MAX_DATA),
    ]


def _single_port(board: Board, width: int, depth: int) -> int | None:
    """Memories with one port for ``depth`` words of ``width`` bits; None to use block RAM."""
    if board.family not in _SINGLE_PORT:
        return None
    bits, words = _SINGLE_PORT[board.family]
    count = ceil_div(width, bits) * ceil_div(depth, words)
    in_block_ram = depth <= _BLOCKS[board.family][bits] or count > board.resources.single_port_rams
    return None if in_block_ram else count


def _count(family: str, width: int, depth: int) -> int:
    """Block RAMs for ``depth`` words of ``width`` bits."""
    words = _BLOCKS[family]
    if family == "ice40":
        # Synthesis chooses the port width that needs the fewest blocks.
        return min(ceil_div(width, bits) * ceil_div(depth, held) for bits, held in words.items())
    # `celosia_hw.cells`: a block holds some bits of all words of a bank, and the last bank the
    # rest. On ECP5 there are two banks at most, unless no block is deep enough.
    possible = list(words.values())
    if family == "ecp5":
        least = min(depth, max(possible))
        possible = [held for held in possible if 2 * held > least and held > 512]
    return min(_banks(family, width, depth, held) for held in possible)


def _banks(family: str, width: int, depth: int, held: int) -> int:
    """Block RAMs for ``depth`` words of ``width`` bits in banks of ``held`` words."""
    banks, rest = divmod(depth, held)
    return sum(
        count * ceil_div(width, _port_bits(family, width, words))
        for count, words in ((banks, held), (1, rest))
        if count and words
    )


def _port_bits(family: str, width: int, words: int) -> int:
    """Width of the ports; of an ECP5 the widest one is for words of at least 512 bits."""
    found = [bits for bits, held in _BLOCKS[family].items() if held >= words]
    return max(bits for bits in found if bits < 36 or width >= 512 or family != "ecp5")
