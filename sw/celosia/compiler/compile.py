"""Compile a quantized graph for one engine."""

from celosia.network.graph import Graph
from celosia.network.host_steps import HostSteps
from celosia.network.network import Network
from celosia.ops import OPERATIONS
from celosia.ops.pack import element_table
from celosia.spec import ACTIVATION, OFFSET, Config, Memory, pack_descriptor
from celosia.support.errors import CelosiaError

from .capacity import check_fit
from .image import Image
from .memory import allocate
from .metadata import LayerInfo, ModelInfo

__all__ = ["compile"]


def compile(model: Graph | Network, config: Config, emit_all: bool = False) -> Image:
    """The program image of ``model`` for the engine ``config``.

    Parameters
    ----------
    model : a quantized graph, or a network: a graph with what the host does around it, which the
        image then carries.
    config : the engine.
    emit_all : stream every layer's results to the host, to compare layer by layer.

    Raises
    ------
    DoesNotFit : a memory is too small.
    CelosiaError : an accumulator could overflow, or a quantization is impossible.
    """
    graph, host = (model.graph, model.host) if isinstance(model, Network) else (model, None)
    info = _describe(graph, host, emit_all)
    check_fit(graph, config)
    places, last = allocate(graph, config), graph.layers[-1]
    weights, params, program, tables = [], [], [], []
    weight_word = param_word = 0
    layers = zip(graph.layers, graph.reads, places.words[1:], strict=True)
    for index, (layer, reads, dst) in enumerate(layers):
        operation = OPERATIONS[layer.op]
        table = element_table(layer)
        if table is not None and table not in tables:
            tables.append(table)
        low, high = layer.clamp
        program.append(
            pack_descriptor(
                op=layer.op,
                rounding=layer.rounding,
                last=layer is last,
                emit=emit_all or layer is last,
                store=dst is not None,
                use_table=table is not None,
                table=0 if table is None else tables.index(table),
                zero_point=layer.output.zero_point + OFFSET,
                clamp_min=low + OFFSET,
                clamp_max=high + OFFSET,
                dst=dst or 0,
                params=param_word,
                # Tensor `index` is the result of the layer before.
                waits=index > 0 and index in reads,
                **operation.describe(layer, config, list(map(places.source, reads)), weight_word),
            )
        )
        weights.append(operation.weights(layer, config))
        params.append(operation.parameters(layer, config))
        weight_word += operation.weight_words(layer, config)
        param_word += operation.param_words(layer, config)
    sections = {
        Memory.WEIGHTS: b"".join(weights),
        Memory.PARAMS: b"".join(params),
        Memory.PROGRAM: b"".join(program),
        Memory.TABLES: b"".join(tables),
    }
    return Image(config, info, sections)


def _describe(graph: Graph, host: HostSteps | None, emit_all: bool) -> ModelInfo:
    last = graph.layers[-1]
    for layer in graph.layers:
        for quant in (layer.input, layer.output):
            if not ACTIVATION.contains(quant.zero_point + OFFSET):
                raise CelosiaError(
                    f"zero point {quant.zero_point} is outside -128..127", where=layer.name
                )
    try:
        return ModelInfo(
            name=graph.name,
            layers=tuple(LayerInfo.of(x, emit_all or x is last) for x in graph.layers),
            host=host,
            **graph.input.to_dict(),
        )
    except ValueError as error:
        raise CelosiaError(str(error), where=graph.name) from error
