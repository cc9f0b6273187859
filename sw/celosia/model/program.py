"""Sequencer: walks the descriptors in program memory, layer after layer."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from celosia.numerics.requantize import check_factors, requantize
from celosia.numerics.table import apply_table
from celosia.ops import OPERATIONS
from celosia.ops.window_walk import params_read, weights_read
from celosia.spec import PARAMETER, Config, Rounding, Status, legal, unpack_descriptor
from celosia.support.errors import CelosiaError

from .map_layer import MapLayer
from .map_program import MapProgram, map_operand
from .memories import Memories

__all__ = ["Layer", "Program", "decode", "vector_layers"]


@dataclass(frozen=True, eq=False)
class Layer:
    """One legal descriptor and what it reads from the constant memories; C is ``tiles * cols``."""

    descriptor: dict[str, int]
    weights: np.ndarray  # of the operation's own form (`Operation.operand`)
    bias: np.ndarray  # int64 [C]
    multiplier: np.ndarray  # int64 [C]
    shift: np.ndarray  # int64 [C]
    table: np.ndarray | None  # uint8 [256]

    def compute(self, u: np.ndarray) -> np.ndarray:
        """uint8 [images, C] results for the uint8 [images, K] bytes ``u`` (`Operation.feed`)."""
        operation = OPERATIONS[self.descriptor["op"]]
        return operation.compute(self.weights, u, self.postprocess)

    def postprocess(self, acc: np.ndarray) -> np.ndarray:
        """uint8 [images, C] bytes of the int32 [images, C] sums ``acc``."""
        d = self.descriptor
        y = requantize(
            acc,
            self.bias,
            self.multiplier,
            self.shift,
            d["zero_point"],
            d["clamp_min"],
            d["clamp_max"],
            Rounding(d["rounding"]),
        )
        return y if self.table is None else apply_table(y, self.table)


@dataclass(frozen=True, eq=False)
class Program:
    """The layers from one program address to the last one or the first illegal descriptor."""

    layers: tuple[Layer, ...]
    status: Status
    #: Address of the illegal descriptor when `status` is BAD_DESCRIPTOR, else 0.
    info: int
    config: Config

    def run(
        self,
        act: np.ndarray,
        base: int,
        trace: Callable[[Layer, np.ndarray], None] | None = None,
    ) -> list[np.ndarray]:
        """Walk all layers on many images at once.

        Parameters
        ----------
        act : uint8 [images, words * lanes], activation memory of each image; stores go there.
        base : activation word of the input bank.
        trace : called with every layer and the uint8 [images, K] bytes it is about to read.

        Returns
        -------
        one uint8 [images, C] array for each layer that emits, in the order of the link.

        Raises
        ------
        CelosiaError : a layer reads or writes outside ``act``, or one of several tiles overwrites
            the input while the next still reads it; the engine promises no result for these.
        """
        emitted = []
        lanes, depth = self.config.lanes, act.shape[1] // self.config.lanes
        for index, layer in enumerate(self.layers):
            d, where = layer.descriptor, f"layer {index}"
            operation = OPERATIONS[d["op"]]
            reads, writes = operation.reads(d, self.config, base), operation.writes(d, self.config)
            for words in reads:
                _inside("reads", words, depth, "activation words", where)
            u = operation.feed(d, act, self.config, base)
            if trace:
                trace(layer, u)
            y = layer.compute(u)
            if d["store"]:
                _inside("writes", writes, depth, "activation words", where)
                overlap = any(
                    writes.start < words.stop and words.start < writes.stop for words in reads
                )
                if d["tiles"] > 1 and overlap:
                    raise _undefined("overwrites its input in use", where)
                act[:, writes.start * lanes : writes.stop * lanes] = y
            if d["emit"]:
                emitted.append(y)
        return emitted


def decode(memories: Memories, address: int) -> Program | MapProgram:
    """The program at descriptor ``address``, with copies of all constants it uses.

    It is a `MapProgram` of an engine with convolution.

    Raises
    ------
    CelosiaError : a legal descriptor reads outside a memory or finds a shift outside -31..30;
        the engine promises no result for these.
    """
    found, status, info = _descriptors(memories, address)
    config = memories.config
    if config.convolution:
        maps = tuple(_map_layer(memories, d, where) for d, where in found)
        return MapProgram(maps, status, info, config)
    layers = tuple(_layer(memories, d, where) for d, where in found)
    return Program(layers, status, info, config)


def vector_layers(memories: Memories) -> tuple[Layer, ...]:
    """The descriptors of a perceptron's program at address 0, as layers on vectors."""
    found, _, _ = _descriptors(memories, 0)
    one = _vector_layer if memories.config.convolution else _layer
    return tuple(one(memories, d, where) for d, where in found)


def _descriptors(
    memories: Memories, address: int
) -> tuple[list[tuple[dict[str, int], str]], Status, int]:
    """The legal descriptors and their names, and how the program ends."""
    config, found = memories.config, []
    while address < config.program_depth:
        d = unpack_descriptor(memories.program[address].tobytes())
        if not legal(d, config):
            break
        found.append((d, f"descriptor {address}"))
        if d["last"]:
            return found, Status.OK, 0
        address += 1
    return found, Status.BAD_DESCRIPTOR, address


def _layer(memories: Memories, d: dict[str, int], where: str) -> Layer:
    config, operation = memories.config, OPERATIONS[d["op"]]
    words = operation.weights_read(d, config)
    _inside("reads", words, config.weight_depth, "weight words", where)
    weights = operation.operand(d, memories.weights, config)
    words = range(d["params"], d["params"] + d["tiles"] * config.params_per_tile)
    return Layer(d, weights, *_channels(memories, d, words, where))


def _map_layer(memories: Memories, d: dict[str, int], where: str) -> MapLayer:
    config = memories.config
    words = weights_read(d, config)
    _inside("reads", words, config.weight_depth, "weight words", where)
    layer = _vector_layer(memories, d, where)
    return MapLayer(d, config, layer.weights, layer.postprocess)


def _vector_layer(memories: Memories, d: dict[str, int], where: str) -> Layer:
    weights = map_operand(d, memories.weights, memories.config)
    return Layer(d, weights, *_channels(memories, d, params_read(d, memories.config), where))


def _channels(
    memories: Memories, d: dict[str, int], words: range, where: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """Bias, multiplier and shift in ``words`` of parameters, and the table."""
    _inside("reads", words, memories.config.param_depth, "parameter words", where)
    channels = memories.params[words.start : words.stop].reshape(-1, PARAMETER.size)
    fields = [PARAMETER.unpack(channel.tobytes()) for channel in channels]
    bias, multiplier, shift = (
        np.array([field[name] for field in fields], np.int64)
        for name in ("bias", "multiplier", "shift")
    )
    try:
        check_factors(multiplier, shift)
    except ValueError as error:
        raise _undefined(str(error), where) from error
    table = memories.tables[d["table"]].copy() if d["use_table"] else None
    return bias, multiplier, shift, table


def _inside(verb: str, words: range, depth: int, unit: str, where: str) -> None:
    if words.stop > depth:
        raise _undefined(f"{verb} {unit} {words.start}..{words.stop - 1} of {depth}", where)


def _undefined(what: str, where: str) -> CelosiaError:
    return CelosiaError(f"the program {what}", where=where, todo="the engine defines no result")
