"""Names of submodules by which tools find the cells of an engine in a netlist.

Yosys names a cell of a flattened netlist by its path: the names of the submodules around it, joined
by dots, then its own. The floorplan (`celosia.flow.floorplan`) and the picture of a placed engine
(`bench.picture`) look for the paths below, and refuse a netlist that lacks one of them. When a
submodule on such a path is renamed, rename it here: `tests/hw/test_hierarchy.py` elaborates a board
and fails for every path that does not exist.
"""

__all__ = [
    "BLOCKS",
    "ENGINE",
    "MASKS",
    "MASK_BLOCK",
    "PARAMS",
    "PRODUCTS",
    "PRODUCT_CELL",
    "PROGRAM",
    "REQUANTIZER",
    "REQUANTIZER_CELL",
    "ROWS",
    "WEIGHTS",
    "WEIGHT_BLOCK",
]

#: The `celosia_hw.engine.Engine` in `celosia_hw.boards.top.BoardTop`. All other paths start there.
ENGINE = "engine.engine"

#: The multipliers of the array.
PRODUCTS = "core.array.products"
#: The memory of the masks.
MASKS = "core.memories.activations.masks.storage"
#: The memories of the parameters and of the program.
PARAMS = "core.memories.params"
PROGRAM = "core.memories.program"
#: The memory of the weights.
WEIGHTS = "core.memories.weights"

#: The activations of engines with convolution: a memory for each row, and this is what their paths
#: begin with; a number follows.
ROWS = "core.memories.activations.row_"

#: Names in `PRODUCTS` of the multipliers of `celosia_hw.cells.ecp5` and
#: `celosia_hw.cells.ecp5_packed`, as a regular expression: the row (of a pair its first) and the
#: column of the array.
PRODUCT_CELL = r"(?:cell|pair)_(?P<row>\d+)_(?P<col>\d+)"
#: The requantizers, and the names in it of their multipliers: a part of a lane's product.
REQUANTIZER = "core.postprocess.requantizer"
REQUANTIZER_CELL = r"product_(?P<part>\d+)_(?P<lane>\d+)(?:\$\d+)?\.multiplier"
#: Names in `MASKS`, and in the memory of a row, of the block RAMs of `celosia_hw.cells.ecp5`: which
#: words, and the lowest bit.
MASK_BLOCK = r"block_(?P<bank>\d+)_(?P<bit>\d+)"
#: Names in `WEIGHTS` likewise; ``group`` is the lowest bit of a group of block RAMs.
WEIGHT_BLOCK = rf"group_(?P<group>\d+)\.{MASK_BLOCK}"

#: Name of a block for people -> its paths. A path that contains another one is after it.
BLOCKS = {
    "array": ("core.array",),
    "weights": (WEIGHTS,),
    "activations": ("core.memories.activations",),
    "other memories": ("core.memories",),
    "postprocess": ("core.drain", "core.postprocess", "core.writeback"),
    "feeder": ("core.feeder", "core.operands"),
    "control": ("core",),
    "host link": ("receiver", "responder", "runs", "skid_i", "skid_o", "counters"),
}
