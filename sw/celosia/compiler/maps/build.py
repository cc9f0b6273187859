"""The sections of a program image of an engine with convolution."""

from celosia.network.folding import Folded
from celosia.network.graph import Graph
from celosia.network.host_steps import HostSteps
from celosia.numerics.runtime import Runtime
from celosia.spec import INPUT_LAYOUT, Config, Memory, Op, pack_descriptor
from celosia.spec.maps import ADDRESS_BITS

from ..metadata import LayerInfo, ModelInfo, PieceInfo
from .kernel import Kernel, Program
from .mapped import Mapped
from .pack import pack_weights, parameters
from .plan import Plan
from .walk import walk

__all__ = ["kernel_numbers", "model_info", "sections"]


def sections(program: Program, plan: Plan, config: Config) -> dict[Memory, bytes]:
    """For each writable memory its records."""
    weights, params, descriptors, tables = [], [], [], []
    weight_word = param_word = 0
    for index, kernel in enumerate(program.kernels):
        if kernel.table is not None and kernel.table not in tables:
            tables.append(kernel.table)
        last = index == len(program.kernels) - 1
        fields = walk(program, plan, config, index)
        fields |= _constants(kernel, tables, weight_word, param_word)
        descriptors.append(pack_descriptor(last=last, **fields))
        weights.append(pack_weights(kernel, config))
        params.append(parameters(kernel, config))
        weight_word += kernel.weight_words(config)
        param_word += kernel.param_words(config)
    place = plan.input
    layout = INPUT_LAYOUT.pack(
        row_words=place.row_words, halo=place.halo % (1 << ADDRESS_BITS), length=place.length
    )
    return {
        Memory.WEIGHTS: b"".join(weights),
        Memory.PARAMS: b"".join(params),
        Memory.PROGRAM: b"".join(descriptors),
        Memory.TABLES: b"".join(tables),
        Memory.LAYOUT: layout,
    }


def _constants(kernel: Kernel, tables: list[bytes], weights: int, params: int) -> dict[str, int]:
    return {
        "op": Op(kernel.op),
        "rounding": kernel.rounding,
        "emit": kernel.emit,
        "use_table": kernel.table is not None,
        "table": 0 if kernel.table is None else tables.index(kernel.table),
        "zero_point": kernel.zero_point,
        "clamp_min": kernel.clamp[0],
        "clamp_max": kernel.clamp[1],
        "weights": weights,
        "params": params,
    }


def model_info(
    folded: Folded,
    host: HostSteps | None,
    reference: Runtime,
    mapped: Mapped,
    emitted: set[int],
) -> ModelInfo:
    """What the image says of the original model; ``emitted`` are the tensors that reach the
    host."""
    layers, graph, program = [], folded.original, mapped.program
    stacked = mapped.images_per_row > 1
    for tensor, layer in enumerate(graph.layers, 1):
        pieces: tuple[PieceInfo, ...] = ()
        constants: tuple[tuple[int, int], ...] = ()
        view = program.views[tensor]
        if tensor in emitted and view is not None:
            kept, gone = folded.kept(tensor), folded.removed[tensor]
            pieces = tuple(
                PieceInfo.of(
                    p.kernel, p.corner, (1, 1) if stacked else p.size, kept[p.channels], p.results
                )
                for p in view.pieces
            )
            constants = tuple(zip(gone.channels.tolist(), gone.values.tolist(), strict=True))
        shape = graph.shapes[tensor]
        made = {"shape": shape, "pieces": pieces, "constants": constants}
        layers.append(LayerInfo.of(layer, tensor in emitted, **made))
    return ModelInfo(
        name=graph.name,
        layers=tuple(layers),
        host=host,
        shape=(1, 1, graph.layers[0].inputs) if stacked else graph.shapes[0],
        packed=bool(program.maps[0].packed) or program.maps[0].pixels == 1,
        images_per_row=mapped.images_per_row,
        kernels=kernel_numbers(graph, program),
        reads=graph.reads,
        heads=graph.outputs,
        reference=reference,
        **graph.input.to_dict(),
    )


def kernel_numbers(graph: Graph, program: Program) -> tuple[tuple[int, ...], ...]:
    """`ModelInfo.kernels` of ``program``, made of ``graph`` or of it with channels folded."""
    number = {layer.name: index for index, layer in enumerate(graph.layers)}
    return tuple((number[each.name], each.result, *each.sources) for each in program.kernels)
