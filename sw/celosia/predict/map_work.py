"""What a program asks of an engine with convolution, taken from its descriptors."""

from dataclasses import dataclass, replace
from functools import cached_property

from celosia.compiler.image import Image
from celosia.compiler.maps.build import kernel_numbers
from celosia.compiler.maps.mapped import Mapped
from celosia.compiler.maps.walk import walk
from celosia.network.graph import Graph
from celosia.ops.window_walk import params_read, tile_weights
from celosia.spec import PARTS, Config, Memory, Op, record

from .cycles import MapLoad, RunLoad
from .workload import map_load

__all__ = ["Life", "MapWork"]


@dataclass(frozen=True)
class Life:
    """Words that a map takes in every row's activation memory, and how long.

    Parameters
    ----------
    words : from the first to the last one, the same in all rows.
    first, last : numbers of the descriptors that write it first, and write or read it last.
    """

    words: range
    first: int
    last: int


@dataclass(frozen=True, eq=False)
class MapWork:
    """A program, with or without its weights.

    Parameters
    ----------
    config : the engine.
    descriptors : unpacked; addresses of constant memories are not looked at.
    kernels : for each descriptor its layer in the graph, the map that it writes, and those that it
        reads; map 0 is the input.
    layers : number of layers of the graph.
    rows : rows that have an image in a full run; 1 where rows share one.
    images : of a full run.
    input_words : of a run, in each of ``rows``.
    bank : words of an input bank in each row's memory.
    """

    config: Config
    descriptors: tuple[dict[str, int], ...]
    kernels: tuple[tuple[int, ...], ...]
    layers: int
    rows: int
    images: int
    input_words: int
    bank: int

    @classmethod
    def of(cls, graph: Graph, mapped: Mapped, config: Config) -> "MapWork":
        """Of what `map_graph` makes of ``graph``.

        Raises
        ------
        CelosiaError : a map, kernel, stride or padding beyond a descriptor's fields.
        """
        program, plan = mapped.program, mapped.plan
        assert plan is not None  # else its size was refused
        descriptors = []
        for index, kernel in enumerate(program.kernels):
            nothing = {field.name: 0 for field in PARTS[kernel.op].fields}
            constants = {"op": Op(kernel.op), "emit": int(kernel.emit), "params": 0}
            found = walk(program, plan, config, index)
            descriptors.append(
                {"waits": 0, "wait": 0, "wait_step": 0} | nothing | found | constants
            )
        rows = config.rows if plan.images else 1
        return cls(
            config,
            tuple(descriptors),
            kernel_numbers(graph, program),
            len(graph.layers),
            rows,
            rows * mapped.images_per_row,
            program.maps[0].size(config),
            plan.input.length,
        )

    @classmethod
    def of_image(cls, image: Image) -> "MapWork":
        """Of a program image."""
        return cls(
            image.config,
            tuple(image.descriptors()),
            image.model.kernels,
            len(image.model.layers),
            1 if image.stripes else image.config.rows,
            image.batch,
            image.input_words,
            image.input_layout["length"],
        )

    @cached_property
    def loads(self) -> tuple[MapLoad, ...]:
        """Of each descriptor, no byte skipped."""
        return tuple(map_load(d, self.config) for d in self.descriptors)

    def run(self, rows: int) -> RunLoad:
        """A run in which that many rows have images."""
        return RunLoad(rows, self.input_words, self.loads)

    @property
    def input_cycles(self) -> int:
        """Link words of the input of a full run."""
        return self.rows * self.input_words * record(self.config, Memory.ACTIVATIONS).words

    def layer_words(self, layer: int) -> tuple[int, int, int]:
        """Words of weights and parameters of a layer, and the most of activations that are in use
        in each row while it runs, both input banks included; 0 if no descriptor computes it."""
        weights = params = activations = 0
        for index, d in enumerate(self.descriptors):
            if self.kernels[index][0] == layer:
                weights += d["tiles"] * tile_weights(d, self.config)
                params += len(params_read(d, self.config))
                activations = max(activations, self.live_words(index))
        return weights, params, activations

    @property
    def depth(self) -> int:
        """Activation words needed in each row."""
        return max([2 * self.bank, *(each.words.stop for each in self.lives.values())])

    @cached_property
    def lives(self) -> dict[int, Life]:
        """Of every map that is stored, by its number, but not of the input."""
        found: dict[int, Life] = {}
        for index, (d, (_, result, *sources)) in enumerate(
            zip(self.descriptors, self.kernels, strict=True)
        ):
            if d["store"] and result not in found:
                found[result] = Life(range(d["dst"], d["dst"] + d["length"]), index, index)
            for number in (result, *sources):
                if number in found:
                    found[number] = replace(found[number], last=index)
        return found

    def live_words(self, index: int) -> int:
        """Activation words of each row in use while a descriptor runs, with both input banks."""
        used = (len(each.words) for each in self.lives.values() if each.first <= index <= each.last)
        return 2 * self.bank + sum(used)
