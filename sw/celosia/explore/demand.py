"""What an engine takes of an FPGA that nobody has placed it on: multipliers and memory blocks.

Counted from the engine's structure. Logic (tables and flip-flops) is not: only placing tells it.
"""

from dataclasses import dataclass

from celosia.boards import Board
from celosia.spec import DESCRIPTOR, PARAMETER, Config, ceil_div
from celosia.spec.serial import MAX_DATA, RECEIVE_DEPTH
from celosia.spec.timing import RESULTS_DEPTH

__all__ = ["Demand", "Short", "demand", "shortages"]

#: Words of a block RAM by the width of its port, for each family.
_BLOCKS = {
    "ice40": {16: 256, 8: 512, 4: 1024, 2: 2048},
    "ecp5": {18: 1024, 9: 2048, 4: 4096, 2: 8192, 1: 16384},
    "gowin": {18: 1024, 9: 2048, 4: 4096, 2: 8192, 1: 16384},
}
#: Width and words of a memory with one port, where a family has some. Weights are in these, unless
#: they are too few, or a block RAM as wide holds all words.
_SINGLE_PORT = {"ice40": (16, 16384)}
#: Memories of up to so many words cost less as logic, by Yosys's own prices of either.
_IN_LOGIC = {"ice40": 4, "ecp5": 64, "gowin": 64}
#: Memories that are left to Yosys on ECP5 too, where all others are block RAM at any depth.
_BUFFERS = ("results", "received bytes", "bytes to send")
#: 16-bit products of a requantizer.
_REQUANTIZER = 4


@dataclass(frozen=True)
class Demand:
    """Cells that an engine takes.

    Parameters
    ----------
    multipliers : of array and requantizers; on ECP5 those of the array make two products each.
    block_rams, single_port_rams : by the name of the memory that takes them.
    """

    multipliers: int
    block_rams: dict[str, int]
    single_port_rams: dict[str, int]


@dataclass(frozen=True)
class Short:
    """Something that there is too little of.

    Parameters
    ----------
    what : a kind of cell, or a depth in `Config`.
    needed, available : how much; ``available`` is None for a depth that no engine can have.
    most : what takes most of it; "" where that is plain.
    """

    what: str
    needed: int
    available: int | None
    most: str = ""

    def __str__(self) -> str:
        there = "more than any engine has" if self.available is None else f"has {self.available:,}"
        return f"{self.what} {self.needed:,}{self.most and f' ({self.most})'}, {there}"


def demand(board: Board, config: Config) -> Demand:
    """Of an engine on the FPGA of ``board``."""
    blocks, single = {}, {}
    for name, copies, width, depth in _memories(config):
        count = _single_port(board, width, depth) if name == "weights" else None
        if count:
            single[name] = count
        elif depth > _IN_LOGIC[board.family] or (board.family == "ecp5" and name not in _BUFFERS):
            blocks[name] = copies * _count(board.family, width, depth)
    return Demand(_multipliers(board, config), blocks, single)


def shortages(board: Board, needed: Demand) -> list[Short]:
    """What the FPGA of ``board`` has too little of; nothing when all is there."""
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
    # A Gowin MULT18X18 is in the place of two MULT9X9; elsewhere a cell makes 16-bit products.
    requantizers = config.requantizers * _REQUANTIZER * (2 if board.family == "gowin" else 1)
    if board.family == "ecp5":
        # Products of one multiplier share the weight of a column; an odd last row has its own.
        return config.cols * ceil_div(config.rows, products) + requantizers
    return ceil_div(config.multipliers, products) + requantizers


def _memories(config: Config) -> list[tuple[str, int, int, int]]:
    """(name, copies, bits of a word, words) of every memory worth a block."""
    word = 8 * config.lanes
    return [
        ("weights", 1, 8 * config.cols, config.weight_depth),
        ("parameters", 1, PARAMETER.width * config.requantizers, config.param_depth),
        ("program", 1, DESCRIPTOR.width, config.program_depth),
        ("activations", config.rows, word, config.act_depth),
        ("masks", 1, config.lanes, config.act_depth),
        ("tables", config.requantizers, 8, 256 * config.tables),
        ("results", 1, word + 1, RESULTS_DEPTH),
        ("received bytes", 1, 8, RECEIVE_DEPTH),
        ("bytes to send", 1, 8, MAX_DATA),
    ]


def _single_port(board: Board, width: int, depth: int) -> int | None:
    """Memories with one port for ``depth`` words of ``width`` bits; None when it is no place."""
    if board.family not in _SINGLE_PORT:
        return None
    bits, words = _SINGLE_PORT[board.family]
    count = ceil_div(width, bits) * ceil_div(depth, words)
    in_block_ram = depth <= _BLOCKS[board.family][bits] or count > board.resources.single_port_rams
    return None if in_block_ram else count


def _count(family: str, width: int, depth: int) -> int:
    """Block RAMs for ``depth`` words of ``width`` bits."""
    words = _BLOCKS[family]
    if family != "ecp5":
        # Synthesis takes the kind of which it needs the fewest.
        return min(ceil_div(width, bits) * ceil_div(depth, held) for bits, held in words.items())
    # The engine's own cells: every block holds some bits of all words, so that nothing need be
    # selected; deeper memories are banks of the deepest kind and one of what is left.
    banks, left = divmod(depth, max(words.values()))
    count = banks * ceil_div(width, min(words))
    if left:
        count += ceil_div(width, max(bits for bits, held in words.items() if held >= left))
    return count
