"""The tensors that other implementations compute for the same inputs."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from celosia.model.reference import evaluate
from celosia.network.network import Network
from celosia.support.errors import CelosiaError
from celosia.support.progress import Progress, silent

__all__ = ["REFERENCES", "Reference", "direct", "litert", "onnxruntime"]

#: What `celosia diff --against` takes; "reference" is the graph evaluated directly.
REFERENCES = ("litert", "tflm", "onnxruntime", "reference")


@dataclass(frozen=True, eq=False)
class Reference:
    """The tensors of one implementation.

    Parameters
    ----------
    name : for people, with the version or mode of the implementation.
    tensors : int8 [n, K], the graph's input, then every layer's result; None for those that the
        implementation does not expose.
    outputs : [n, values] of the model's own type, each of its results.
    """

    name: str
    tensors: tuple[np.ndarray | None, ...]
    outputs: tuple[np.ndarray, ...]


def direct(network: Network, x: np.ndarray) -> Reference:
    """The graph evaluated layer by layer (`celosia.model.reference`).

    It has no packing, tiles or folded zero points, so it also checks the compiler, where the
    golden model of the engine runs the same program image as the RTL.
    """
    entry = network.prepare(x)
    results = evaluate(network.graph, entry)
    heads = network.finish_heads([results[tensor - 1] for tensor in network.graph.outputs])
    outputs = tuple(y.reshape(len(x), -1) for y in heads.values())
    return Reference("NumPy reference", (entry, *results), outputs)


def litert(
    path: Path | str, network: Network, x: np.ndarray, progress: Progress = silent
) -> Reference:
    """LiteRT's reference kernels on ``path``, the file that ``network`` was imported from.

    Parameters
    ----------
    x : the model's inputs, run one by one.

    Raises
    ------
    CelosiaError : LiteRT is not installed, or refuses the file, or it is not a .tflite file.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ImportError as error:
        raise CelosiaError(
            "LiteRT is not installed", where="--against litert", todo="pip install ai-edge-litert"
        ) from error
    if len(network.tensors) != len(network.graph.layers) + 1:
        raise CelosiaError("not a .tflite file", where=str(path), todo="use --against reference")
    try:
        interpreter = Interpreter(
            model_path=str(path),
            experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
            experimental_preserve_all_tensors=True,
            num_threads=1,
        )
        interpreter.allocate_tensors()
        entry = interpreter.get_input_details()[0]
        ends = [each["index"] for each in interpreter.get_output_details()]
        wanted = (*(each for each in network.tensors if each != -1), *ends)
        rows: list[list[np.ndarray]] = [[] for _ in wanted]
        for index, image in enumerate(x):
            interpreter.set_tensor(entry["index"], image.reshape(entry["shape"]))
            interpreter.invoke()
            for row, tensor in zip(rows, wanted, strict=True):
                row.append(interpreter.get_tensor(tensor).reshape(-1).copy())
            progress("running LiteRT", index + 1, len(x))
    except (RuntimeError, ValueError) as error:
        raise CelosiaError(f"LiteRT refuses it: {error}", where=str(path)) from error
    found = tuple(map(np.stack, rows))
    known = iter(found[: -len(ends)])
    tensors = tuple(None if each == -1 else next(known) for each in network.tensors)
    return Reference("LiteRT BUILTIN_REF", tensors, found[-len(ends) :])


def onnxruntime(
    path: Path | str, network: Network, x: np.ndarray, progress: Progress = silent
) -> Reference:
    """onnxruntime without graph optimizations on ``path``; only the model's results are exposed.

    Parameters
    ----------
    network : imported from the file.
    x : the model's inputs, run one by one.

    Raises
    ------
    CelosiaError : onnxruntime is not installed, or refuses the file.
    """
    try:
        import onnxruntime as runtime
    except ImportError as error:
        raise CelosiaError(
            "onnxruntime is not installed",
            where="--against onnxruntime",
            todo="pip install onnxruntime",
        ) from error
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    try:
        session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        entry = session.get_inputs()[0]
        outputs = []
        for index, image in enumerate(x):
            shape = [each if isinstance(each, int) else 1 for each in entry.shape]
            results = session.run(None, {entry.name: image.reshape(shape)})
            outputs.append([np.asarray(result).reshape(-1) for result in results])
            progress("running onnxruntime", index + 1, len(x))
    except Exception as error:  # its own exception types have no common base
        raise CelosiaError(f"onnxruntime refuses it: {error}", where=str(path)) from error
    nothing = (None,) * (len(network.graph.layers) + 1)
    stacked = tuple(map(np.stack, zip(*outputs, strict=True)))
    return Reference("onnxruntime, results only", nothing, stacked)
