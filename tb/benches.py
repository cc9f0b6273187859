"""The benches: which tests run on which component, in which configurations."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from amaranth.hdl import Elaboratable

from celosia.spec import Config
from celosia.spec.timing import MULTICYCLE_CYCLES
from celosia_hw.array.mac_array import MacArray
from celosia_hw.axi.engine import AXI_NAMING, AxiEngine
from celosia_hw.core.activations import ActivationMemory
from celosia_hw.core.memories import Memories
from celosia_hw.core.sequencer import Sequencer
from celosia_hw.emit import NAMING, Naming
from celosia_hw.engine import Engine
from celosia_hw.feeder.feeder import Feeder
from celosia_hw.feeder.operands import Operands
from celosia_hw.feeder.row_operands import RowOperands
from celosia_hw.postprocess.drain import Drain
from celosia_hw.postprocess.postprocess import Postprocess
from celosia_hw.postprocess.requantizer import Requantizer
from celosia_hw.postprocess.writeback import Writeback

__all__ = ["BENCHES", "Bench"]


@dataclass(frozen=True)
class Bench:
    """Test module ``module`` on ``component(config)`` for every config of ``variants``.

    ``naming`` : of the pins; ``technology`` : of the cells.
    """

    module: str
    component: Callable[[Config], Elaboratable]
    variants: Mapping[str, Config]
    naming: Naming = NAMING
    technology: str = "portable"


def _small(rows: int, cols: int, lanes: int, link_bytes: int, **overrides: int) -> Config:
    """Memories just large enough for the benches' programs: inputs and outputs of 300 bytes."""
    sizes = {
        "weight_depth": 2048,
        "param_depth": max(16, 640 // overrides.get("requantizers", lanes)),
        "program_depth": 32,
        "act_depth": max(16, 1280 // lanes),
        "tables": 2,
    }
    return Config(rows=rows, cols=cols, lanes=lanes, link_bytes=link_bytes, **sizes | overrides)


def _for_networks(rows: int, cols: int, lanes: int, link_bytes: int, **overrides: int) -> Config:
    """Memories large enough for small random networks of all operations."""
    sizes = {"program_depth": 64, "act_depth": 4096 // lanes, "tables": 6}
    ops = {"convolution": 1, "depthwise": 1}
    return _small(rows, cols, lanes, link_bytes, **sizes | ops | overrides)


#: One row; few lanes; prime columns; more rows than words; records smaller, larger and equal to
#: link words; memories whose depth is no power of two; no tables; words of several beats, fast
#: and slow.
_ENGINES = {
    "1x4": _small(1, 4, 4, 1, tables=1),
    "3x5": _small(3, 5, 5, 4),
    "2x7": _small(2, 7, 7, 8, weight_depth=1500, program_depth=20, tables=3, checksum=1),
    "4x8l2": _small(4, 8, 2, 16),
    "1x16": _small(1, 16, 16, 8, tables=16),
    "2x12l4": _small(2, 12, 4, 2, tables=0, program_depth=27),
    "5x4l1": _small(5, 4, 1, 4),
    "3x12l6r2": _small(3, 12, 6, 4, requantizers=2),
    "2x16l8r4s": _small(2, 16, 8, 1, requantizers=4, requantizer_cycles=MULTICYCLE_CYCLES),
}
#: Memories so small that they can be filled and read to the last record; some with checksums.
_LINKS = {
    f"{rows}x{cols}b{link_bytes}": Config(
        rows=rows,
        cols=cols,
        lanes=lanes,
        link_bytes=link_bytes,
        weight_depth=20,
        param_depth=9,
        program_depth=8,
        act_depth=16,
        tables=tables,
        checksum=checksum,
    )
    for rows, cols, lanes, link_bytes, tables, checksum in (
        (1, 4, 4, 1, 0, 1),
        (3, 4, 2, 4, 1, 0),
        (2, 5, 5, 8, 2, 1),
        (2, 6, 3, 16, 1, 1),
    )
}
#: The same with convolution, and a program more.
_MAP_LINKS = {
    f"{name}m": dataclasses.replace(
        _LINKS[name], program_depth=9, convolution=1, depthwise=depthwise
    )
    for name, depthwise in (("1x4b1", 0), ("3x4b4", 1), ("2x5b8", 1))
}
_BLOCKS = {name: _ENGINES[name] for name in ("1x4", "3x5", "4x8l2", "3x12l6r2", "2x16l8r4s")}
#: Where the pace of the requantizers does not matter.
_FAST = {name: config for name, config in _BLOCKS.items() if config.requantizer_cycles == 1}
#: The same as links, and one with so many rows that choosing one takes longest.
_MEMORIES = {**_LINKS, "20x4": dataclasses.replace(_LINKS["1x4b1"], rows=20)}
#: Engines with convolution: words of a power of two of bytes and others, with and without columns
#: of their own bytes.
_MAPS = {
    "1x4m": _small(1, 4, 4, 1, convolution=1, depthwise=1),
    "3x5m": _small(3, 5, 5, 4, convolution=1, depthwise=1),
    "3x8l4m": _small(3, 8, 4, 4, convolution=1, depthwise=1),
    "4x12l4m": _small(4, 12, 4, 2, convolution=1, depthwise=1),
    "2x8m": _small(2, 8, 8, 8, convolution=1),
}
#: Engines for whole networks: one row; words of a number of bytes that is no power of two; tiles of
#: depthwise layers narrower than the array's.
_NETWORKS = {
    "1x4m": _for_networks(1, 4, 4, 1),
    "3x5m": _for_networks(3, 5, 5, 4),
    "4x12l4m": _for_networks(4, 12, 4, 2),
    "2x8l2m": _for_networks(2, 8, 2, 8),
}
#: Of the engines in a simulation's form: memories of one row, and slow requantizers.
_SIMULATED = {name: _ENGINES[name] for name in ("1x4", "2x7", "3x12l6r2", "2x16l8r4s")}
#: A trailer of many words, of one, and of less than one.
_AXIS = {name: _ENGINES[name] for name in ("1x4", "2x7", "4x8l2")}

BENCHES = {
    "requantizer": Bench(
        "tb.postprocess.bench_requantizer",
        Requantizer,
        {n: _ENGINES[n] for n in ("1x4", "2x16l8r4s")},
    ),
    "postprocess": Bench(
        "tb.postprocess.bench_postprocess",
        Postprocess,
        {n: _ENGINES[n] for n in ("1x4", "2x12l4", "3x12l6r2", "2x16l8r4s")},
    ),
    "writeback": Bench("tb.postprocess.bench_writeback", Writeback, _FAST | _MAPS),
    "activations": Bench("tb.core.bench_activations", ActivationMemory, _BLOCKS),
    "memories": Bench("tb.core.bench_memories", Memories, _MEMORIES),
    "feeder": Bench("tb.feeder.bench_feeder", Feeder, _BLOCKS),
    "operands": Bench("tb.feeder.bench_operands", Operands, _BLOCKS),
    "map_feeder": Bench("tb.feeder.bench_map_feeder", Feeder, _MAPS),
    "row_operands": Bench("tb.feeder.bench_row_operands", RowOperands, _MAPS),
    "array": Bench("tb.array.bench_array", MacArray, _BLOCKS),
    "drain": Bench("tb.postprocess.bench_drain", Drain, _BLOCKS | _MAPS),
    "sequencer": Bench("tb.core.bench_sequencer", Sequencer, {"2x7": _ENGINES["2x7"], **_BLOCKS}),
    "link": Bench("tb.link.bench_link", Engine, _LINKS | _MAP_LINKS),
    "engine": Bench("tb.bench_engine", Engine, _ENGINES),
    "networks": Bench("tb.bench_networks", Engine, _NETWORKS),
    "axi": Bench("tb.axi.bench_axi", AxiEngine, _AXIS, AXI_NAMING),
    # The engine that Verilator compiles for whole data sets.
    "engine_simulated": Bench("tb.bench_engine", Engine, _SIMULATED, technology="simulation"),
    "link_simulated": Bench("tb.link.bench_link", Engine, _LINKS, technology="simulation"),
}
