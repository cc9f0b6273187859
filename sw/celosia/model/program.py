"""Sequencer: walks the descriptors in program memory, layer after layer."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from celosia.numerics.array import accumulate, operand
from celosia.numerics.requantize import check_factors, requantize
from celosia.numerics.table import apply_table
from celosia.spec import PARAMETER, Status, legal, unpack_descriptor
from celosia.support.errors import CelosiaError

from .memories import Memories

__all__ = ["Layer", "Program", "decode", "input_bytes"]


@dataclass(frozen=True, eq=False)
class Layer:
    """One legal descriptor and what it reads from the constant memories.

    ``K = (src_words - 1) * lanes + tail`` bytes are fed; C is ``tiles * cols``.
    """

    descriptor: dict[str, int]
    weights: np.ndarray  # float [K, C], see `array.operand`
    bias: np.ndarray  # int64 [C]
    multiplier: np.ndarray  # int64 [C]
    shift: np.ndarray  # int64 [C]
    table: np.ndarray | None  # uint8 [256]

    def compute(self, u: np.ndarray) -> np.ndarray:
        """uint8 [images, C] results for the uint8 [images, K] bytes ``u``."""
        d = self.descriptor
        y = requantize(
            accumulate(u, self.weights),
            self.bias,
            self.multiplier,
            self.shift,
            d["zero_point"],
            d["clamp_min"],
            d["clamp_max"],
            d["rounding"],
        )
        return y if self.table is None else apply_table(y, self.table)


@dataclass(frozen=True, eq=False)
class Program:
    """The layers from one program address to the last one or the first illegal descriptor."""

    layers: tuple[Layer, ...]
    status: Status
    #: Address of the illegal descriptor when `status` is BAD_DESCRIPTOR, else 0.
    info: int
    lanes: int

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
        for index, layer in enumerate(self.layers):
            d, where = layer.descriptor, f"layer {index}"
            k, c = layer.weights.shape
            first = (d["src"] + (base if d["from_input"] else 0)) * self.lanes
            _inside("reads", first, first + k, act.shape[1], "activation bytes", where)
            u = act[:, first : first + k]
            if trace:
                trace(layer, u)
            y = layer.compute(u)
            if d["store"]:
                dst = d["dst"] * self.lanes
                _inside("writes", dst, dst + c, act.shape[1], "activation bytes", where)
                if d["tiles"] > 1 and dst < first + k and first < dst + c:
                    raise _undefined("overwrites its input in use", where)
                act[:, dst : dst + c] = y
            if d["emit"]:
                emitted.append(y)
        return emitted


def decode(memories: Memories, address: int) -> Program:
    """The program at descriptor ``address``, with copies of all constants it uses.

    Raises
    ------
    CelosiaError : a legal descriptor reads outside a memory or finds a shift outside -31..30;
        the engine promises no result for these.
    """
    layers = []
    while address < memories.config.program_depth:
        descriptor = unpack_descriptor(memories.program[address].tobytes())
        if not legal(descriptor, memories.config):
            break
        layers.append(_layer(memories, descriptor, f"descriptor {address}"))
        if descriptor["last"]:
            return Program(tuple(layers), Status.OK, 0, memories.config.lanes)
        address += 1
    return Program(tuple(layers), Status.BAD_DESCRIPTOR, address, memories.config.lanes)


def input_bytes(descriptor: dict[str, int], lanes: int) -> int:
    """Bytes a layer is fed, the inner dimension K: all words full but the last, which has tail."""
    return (descriptor["src_words"] - 1) * lanes + descriptor["tail"]


def _layer(memories: Memories, d: dict[str, int], where: str) -> Layer:
    config = memories.config
    k, tiles, stride = input_bytes(d, config.lanes), d["tiles"], d["weight_stride"]
    end = d["weights"] + (tiles - 1) * stride + k
    _inside("reads", d["weights"], end, config.weight_depth, "weight words", where)
    # Tile t starts at weights + t * stride; columns of all tiles side by side make one matrix.
    weights = np.concatenate(
        [memories.weights[d["weights"] + t * stride :][:k] for t in range(tiles)], axis=1
    )
    end = d["params"] + tiles * config.params_per_tile
    _inside("reads", d["params"], end, config.param_depth, "parameter words", where)
    channels = memories.params[d["params"] : end].reshape(-1, PARAMETER.size)
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
    return Layer(d, operand(weights), bias, multiplier, shift, table)


def _inside(verb: str, first: int, end: int, depth: int, unit: str, where: str) -> None:
    if end > depth:
        raise _undefined(f"{verb} {unit} {first}..{end - 1} of {depth}", where)


def _undefined(what: str, where: str) -> CelosiaError:
    return CelosiaError(f"the program {what}", where=where, todo="the engine defines no result")
