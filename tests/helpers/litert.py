"""LiteRT as the judge: build small .tflite models from integers, and run them on its reference
kernels with every intermediate tensor kept."""

from dataclasses import dataclass

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as tfl
from ai_edge_litert.interpreter import Interpreter, OpResolverType

__all__ = ["Op", "Tensor", "build", "run"]

_TYPES = {
    "float32": tfl.TensorType.FLOAT32,
    "int8": tfl.TensorType.INT8,
    "uint8": tfl.TensorType.UINT8,
    "int16": tfl.TensorType.INT16,
    "int32": tfl.TensorType.INT32,
    "int64": tfl.TensorType.INT64,
    "float16": tfl.TensorType.FLOAT16,
    "bool": tfl.TensorType.BOOL,
}
_VERSIONS = {
    "FULLY_CONNECTED": 5,
    "RESHAPE": 1,
    "SQUEEZE": 1,
    "EXPAND_DIMS": 1,
    "ELU": 1,
    "HARD_SWISH": 1,
    "RELU_N1_TO_1": 1,
    "RELU_0_TO_1": 1,
    **dict.fromkeys("CEIL FLOOR NEG ROUND SQUARE POW PRELU SHAPE".split(), 1),
}


@dataclass
class Tensor:
    """A tensor of the model under construction; ``data`` makes it a constant."""

    shape: tuple[int, ...]
    dtype: str = "int8"
    scale: object = None
    zero_point: object = 0
    data: np.ndarray | None = None
    axis: int = 0
    name: str = ""


@dataclass
class Op:
    """An operator: ``code`` as `BuiltinOperator` spells it; tensors by their index, -1 absent."""

    code: str
    inputs: list[int]
    outputs: list[int]
    options: object = None


def build(tensors: list[Tensor], ops: list[Op], inputs: list[int], outputs: list[int]) -> bytes:
    """The bytes of a .tflite file with one subgraph."""
    model, graph = tfl.ModelT(), tfl.SubGraphT()
    # Buffer 0 is the schema's empty buffer, for tensors that are not constants.
    model.version, model.buffers = 3, [tfl.BufferT()]
    graph.tensors = [_tensor(model, index, tensor) for index, tensor in enumerate(tensors)]
    codes = sorted({op.code for op in ops})
    model.operatorCodes = [_code(name) for name in codes]
    graph.inputs, graph.outputs, graph.name = list(inputs), list(outputs), "main"
    graph.operators = [_operator(op, codes) for op in ops]
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _tensor(model, index: int, tensor: Tensor):
    packed = tfl.TensorT()
    packed.name = tensor.name or f"t{index}"
    packed.shape, packed.type = list(tensor.shape), _TYPES[tensor.dtype]
    packed.buffer = 0
    if tensor.data is not None:
        buffer = tfl.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(tensor.data).tobytes(), np.uint8)
        packed.buffer = len(model.buffers)
        model.buffers.append(buffer)
    if tensor.scale is not None:
        scales = np.atleast_1d(np.asarray(tensor.scale, np.float32))
        q = packed.quantization = tfl.QuantizationParametersT()
        q.scale = scales
        q.zeroPoint = np.broadcast_to(np.asarray(tensor.zero_point, np.int64), scales.shape)
        q.quantizedDimension = tensor.axis
    return packed


def _code(name: str):
    code = tfl.OperatorCodeT()
    code.builtinCode = getattr(tfl.BuiltinOperator, name)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    # The version of each operator that has int8; the resolver refuses those that do not exist.
    code.version = _VERSIONS.get(name, 2)
    return code


def _operator(op: Op, codes: list[str]):
    packed = tfl.OperatorT()
    packed.opcodeIndex = codes.index(op.code)
    packed.inputs, packed.outputs = list(op.inputs), list(op.outputs)
    if op.options is not None:
        kind = type(op.options).__name__.removesuffix("T")
        packed.builtinOptionsType = getattr(tfl.BuiltinOptions, kind)
        packed.builtinOptions = op.options
    return packed


def run(
    model: bytes,
    x: np.ndarray,
    *,
    resize: bool = True,
    resolver: OpResolverType = OpResolverType.BUILTIN_REF,
    key: str = "name",
) -> dict[str | int, np.ndarray]:
    """Every tensor by name after running ``x`` ([n, ...], of the model's input type).

    With ``resize`` the batch is run at once; without, image by image (models with RESHAPE), and
    the results are stacked. With ``key`` "index" tensors are known by their index.
    """
    interpreter = Interpreter(
        model_content=model,
        experimental_op_resolver_type=resolver,
        experimental_preserve_all_tensors=True,
        num_threads=1,
    )
    entry = interpreter.get_input_details()[0]["index"]
    if resize:
        interpreter.resize_tensor_input(entry, x.shape)
    interpreter.allocate_tensors()
    details = interpreter.get_tensor_details()
    runs = []
    for part in [x] if resize else [x[i : i + 1] for i in range(len(x))]:
        interpreter.set_tensor(entry, part)
        interpreter.invoke()
        runs.append({d[key]: interpreter.get_tensor(d["index"]).copy() for d in details})
    if resize:
        return runs[0]
    return {name: np.concatenate([np.atleast_1d(one[name]) for one in runs]) for name in runs[0]}
