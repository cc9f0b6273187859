"""One layer of an engine with convolution: a descriptor executed on the memories of its rows."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from celosia.numerics.array import accumulate
from celosia.ops.window_walk import WindowWalk
from celosia.spec import ACC, Config
from celosia.support.errors import CelosiaError

__all__ = ["Fed", "MapLayer"]


@dataclass(frozen=True)
class Fed:
    """What the scanner of a layer met, for the counters and the cycle model.

    Parameters
    ----------
    walk : the addresses.
    u : uint8 [engines, pixels, taps, bytes], what was read.
    """

    walk: WindowWalk
    u: np.ndarray

    def needed(self, skip: bool) -> np.ndarray:
        """int [engines, steps, taps * words]: bytes multiplied in each step of the scanner.

        With ``skip`` and the descriptor's own, without those that are 0 in every row. A tile with
        none left multiplies its last byte all the same, which is not counted here. DEPTHWISE: 1.
        """
        d, config, u = self.walk.d, self.walk.config, self.u
        engines, pixels, taps, size = u.shape
        step, _ = self.walk.pixels
        if self.walk.depthwise:
            return np.ones((engines, d["steps"], taps), int)
        counted = np.ones((engines, d["steps"], taps, size), bool)
        if skip and d["skip"]:
            counted[:] = False
            for pixel, i in enumerate(step.tolist()):
                counted[:, i] |= u[:, pixel] != 0
        words = np.zeros((*counted.shape[:3], d["tap_words"] * config.lanes), bool)
        words[..., :size] = counted
        return words.reshape(engines, d["steps"], -1, config.lanes).sum(axis=3)

    def issues(self, skip: bool) -> tuple[int, int]:
        """k issued and skipped, of all engines; every tile walks all k again."""
        d, needed = self.walk.d, self.needed(skip).sum(axis=2)
        k = self.u.shape[2] * (1 if self.walk.depthwise else self.u.shape[3])
        return (
            int(d["tiles"] * np.maximum(needed, 1).sum()),
            int(d["tiles"] * (k - needed).sum()),
        )


@dataclass(frozen=True, eq=False)
class MapLayer:
    """One legal descriptor and what it reads from the constant memories.

    Parameters
    ----------
    descriptor : unpacked.
    config : the engine.
    weights : of CONVOLUTION what `accumulate` takes, [K, C] with the columns of all tiles side by
        side; of DEPTHWISE int32 [K, C], ``tiles * lanes`` channels.
    postprocess : from int32 [..., C] sums to uint8.
    """

    descriptor: dict[str, int]
    config: Config
    weights: np.ndarray
    postprocess: Callable[[np.ndarray], np.ndarray]
    _walks: dict = field(default_factory=dict)

    def run(
        self,
        act: np.ndarray,
        base: int,
        images: int,
        where: str,
        trace: Callable[[Fed], None] | None = None,
    ) -> np.ndarray:
        """Walk the layer in any number of engines at once.

        Parameters
        ----------
        act : uint8 [engines, rows, act_depth, lanes]; stores go there.
        base, images : see `WindowWalk`.
        where : for messages.
        trace : is told what the layer read.

        Returns
        -------
        uint8 [engines, N, lanes], all result words in the order of the drain.

        Raises
        ------
        CelosiaError : it reads or writes outside the memory, or overwrites what it still reads; the
            engine promises no result for these.
        """
        key = base if self.descriptor["from_input"] else 0, images, act.shape[1]
        if key not in self._walks:
            walk = WindowWalk(self.descriptor, self.config, base, images)
            self._walks[key] = walk, self._stores(walk, act.shape[1], where)
        walk, (row, place, result) = self._walks[key]
        u = self._read(walk, act)
        if trace:
            trace(Fed(walk, u))
        y = self.postprocess(self._sums(walk, u))
        words = y.reshape(len(y), y.shape[1], -1, self.config.lanes)
        pixel, word = walk.drained
        results = words[:, pixel, word]
        if len(row):
            act[:, row, place] = results[:, result]
        return results

    def _read(self, walk: WindowWalk, act: np.ndarray) -> np.ndarray:
        """uint8 [engines, pixels, taps, bytes]."""
        flat = act.reshape(len(act), act.shape[1], -1)
        u = flat[:, walk.pixels[1][:, None, None], walk.places]
        u[:, ~walk.inside] = walk.d["outside"]
        return u

    def _sums(self, walk: WindowWalk, u: np.ndarray) -> np.ndarray:
        """int32 [engines, pixels, C]."""
        engines, pixels = u.shape[:2]
        if not walk.depthwise:
            acc = accumulate(u.reshape(engines * pixels, -1), self.weights)
            return acc.reshape(engines, pixels, -1)
        sums = np.zeros((engines, pixels, u.shape[3]), ACC.dtype)
        for tap, weights in enumerate(self.weights):
            sums += u[:, :, tap] * weights
        return sums

    def _stores(
        self, walk: WindowWalk, rows: int, where: str
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What is stored where (`WindowWalk.stores`), after a look at all addresses."""
        config, d = self.config, self.descriptor
        lanes, depth = config.lanes, config.act_depth
        address = walk.addresses[walk.inside]
        if (address % config.slots >= lanes).any():
            raise _undefined("reads bytes between activation words", where)
        if (address >= depth * config.slots).any():
            word = int(address.max()) // config.slots
            raise _undefined(f"reads activation word {word} of {depth}", where)
        if not d["store"]:
            nothing = np.zeros(0, int)
            return nothing, nothing, nothing
        row, place, result = walk.stores(rows)
        if (place >= depth).any():
            raise _undefined(f"writes activation word {int(place.max())} of {depth}", where)
        if d["tiles"] * d["steps"] > 1:
            read = np.zeros((rows, depth), bool)
            at = np.broadcast_to(walk.pixels[1][:, None, None], walk.places.shape)
            read[at[walk.inside], walk.places[walk.inside] // lanes] = True
            if read[row, place].any():
                raise _undefined("overwrites its input in use", where)
        return row, place, result


def _undefined(what: str, where: str) -> CelosiaError:
    return CelosiaError(f"the program {what}", where=where, todo="the engine defines no result")
