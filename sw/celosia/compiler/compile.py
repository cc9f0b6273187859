"""Compile a quantized graph for one engine."""

from celosia.network.folding import Folded, fold_channels
from celosia.network.graph import Dense, Graph
from celosia.network.host_steps import HostSteps
from celosia.network.network import Network
from celosia.numerics.runtime import Runtime
from celosia.ops import OPERATIONS
from celosia.ops.pack import element_table
from celosia.spec import ACTIVATION, OFFSET, Config, Memory, pack_descriptor
from celosia.support.errors import CelosiaError, Unsupported

from .capacity import check_fit, check_maps_fit
from .image import Image
from .maps.build import model_info, sections
from .maps.choose import Goal
from .maps.mapped import map_graph
from .memory import allocate
from .metadata import LayerInfo, ModelInfo

__all__ = ["compile"]


def compile(
    model: Graph | Network,
    config: Config,
    emit_all: bool = False,
    goal: Goal = "throughput",
    fold: bool = True,
) -> Image:
    """The program image of ``model`` for the engine ``config``.

    Parameters
    ----------
    model : a quantized graph, or a network: a graph with what the host does around it, which the
        image then carries.
    config : the engine.
    emit_all : stream every layer's results to the host, to compare layer by layer.
    goal : of engines with convolution, what is to be least: time per image of many images, or of
        one image. Rows compute images of their own, or share the pixels of one image.
    fold : of engines with convolution, leave out channels that no input can change
        (`celosia.network.folding`); the results are the same.

    Raises
    ------
    DoesNotFit : a memory is too small.
    Unsupported : the engine lacks an operation; it is named.
    CelosiaError : an accumulator could overflow, or a quantization is impossible.
    """
    graph, host = (model.graph, model.host) if isinstance(model, Network) else (model, None)
    reference = model.reference if isinstance(model, Network) else Runtime.LITERT
    _check_zero_points(graph)
    try:
        if config.convolution:
            return _maps(graph, host, reference, config, emit_all, goal, fold)
        return _dense(graph, host, reference, config, emit_all)
    except ValueError as error:
        raise CelosiaError(str(error), where=graph.name) from error


def _maps(
    graph: Graph,
    host: HostSteps | None,
    reference: Runtime,
    config: Config,
    emit_all: bool,
    goal: Goal,
    fold: bool,
) -> Image:
    # The host fills in the constants of all results, but can not know what varies.
    folded = fold_channels(graph, keep_varying=emit_all) if fold else Folded.none(graph)
    mapped = map_graph(folded.graph, config, goal, emit_all)
    plan = check_maps_fit(folded.graph, mapped, config)
    emitted = set(range(1, len(graph.layers) + 1)) if emit_all else set(graph.outputs)
    info = model_info(folded, host, reference, mapped, emitted)
    return Image(config, info, sections(mapped.program, plan, config))


def _dense(
    graph: Graph, host: HostSteps | None, reference: Runtime, config: Config, emit_all: bool
) -> Image:
    for layer in graph.layers:
        if not isinstance(layer, Dense):
            raise Unsupported(
                f"needs {layer.kind}, an operation that this engine lacks",
                where=layer.name,
                todo="choose an engine with convolution=1 (--convolution 1)",
            )
    layers = [layer for layer in graph.layers if isinstance(layer, Dense)]
    emitted = [emit_all or tensor in graph.outputs for tensor in range(1, len(layers) + 1)]
    info = ModelInfo(
        name=graph.name,
        layers=tuple(map(LayerInfo.of, layers, emitted)),
        host=host,
        reads=graph.reads,
        heads=graph.outputs,
        reference=reference,
        **graph.input.to_dict(),
    )
    check_fit(graph, config)
    places = allocate(graph, config)
    weights, params, program, tables = [], [], [], []
    weight_word = param_word = 0
    rows = zip(layers, graph.reads, places.words[1:], emitted, strict=True)
    for index, (layer, reads, dst, emit) in enumerate(rows):
        operation = OPERATIONS[layer.op]
        table = element_table(layer)
        if table is not None and table not in tables:
            tables.append(table)
        low, high = layer.clamp
        program.append(
            pack_descriptor(
                op=layer.op,
                rounding=layer.rounding,
                last=layer is layers[-1],
                emit=emit,
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
    records = {
        Memory.WEIGHTS: b"".join(weights),
        Memory.PARAMS: b"".join(params),
        Memory.PROGRAM: b"".join(program),
        Memory.TABLES: b"".join(tables),
    }
    return Image(config, info, records)


def _check_zero_points(graph: Graph) -> None:
    for layer in graph.layers:
        for quant in (layer.input, layer.output):
            if not ACTIVATION.contains(quant.zero_point + OFFSET):
                raise CelosiaError(
                    f"zero point {quant.zero_point} is outside -128..127", where=layer.name
                )
