"""Every option of every operator that is read: set to another value, the result is LiteRT's, or the
option is refused by its name. So are fields that the schema has not."""

import re

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as tfl
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from tests.helpers.float_tflite import Writer
from tests.helpers.random_cnns import Cnn, random_inputs

from celosia.importer import model_from_bytes
from celosia.importer.tflite.builder import HANDLERS
from celosia.importer.tflite.floats.operators import OPERATORS
from celosia.importer.tflite.options import OPTIONS
from celosia.network.float_network import FloatNetwork
from celosia.support.errors import CelosiaError, Unsupported

#: Values that each option is set to, those of its schema among them.
_VALUES = (-1, 0, 1, 2, 3, 4, 5, 100)


#: What an option that is understood asks for and is not computed.
_REASONS = ("across the batch axis", "removes the batch axis", "order of its result is not that")


def _options(code: str):
    """The options of ``code`` as LiteRT's schema has them."""
    kind = {"AVERAGE_POOL_2D": "Pool2D", "MAX_POOL_2D": "Pool2D", "CONV_2D": "Conv2D",
            "DEPTHWISE_CONV_2D": "DepthwiseConv2D", "BATCH_MATMUL": "BatchMatMul",
            "REDUCE_MAX": "Reducer", "MEAN": "Reducer", "SUM": "Reducer"}  # fmt: skip
    name = kind.get(code, "".join(part.capitalize() for part in code.split("_")))
    return getattr(tfl, f"{name}OptionsT")()


def _int8(code: str) -> bytes:
    cnn = Cnn(np.random.default_rng(31), (5, 4, 3), tame=True)
    if code == "CONV_2D":
        last = cnn.convolution(0, 4, (2, 3))
    elif code == "DEPTHWISE_CONV_2D":
        last = cnn.depthwise(0, 2, (2, 3))
    elif code.endswith("POOL_2D"):
        last = cnn.pool(0, code, (2, 2), (2, 1))
    elif code == "CONCATENATION":
        last = cnn.concatenate(0, 0)
    elif code == "FULLY_CONNECTED":
        last = cnn.dense(0, 4)
    elif code == "MEAN":
        last = cnn.mean(0)
    elif code == "ADD":
        last = cnn.add(0, cnn.convolution(0, 3))
    elif code in ("RESHAPE", "SQUEEZE"):
        inner = cnn.convolution(0, 4)
        result = cnn._same((1, 80) if code == "SQUEEZE" else (80,), inner)
        if code == "SQUEEZE":
            inner = cnn.reshape(inner, (1, 80))
            result = cnn._same((80,), inner)
        options = _options(code)
        options.newShape = options.squeezeDims = [1, 80] if code == "RESHAPE" else [1]
        last = cnn._op(code, [inner], result, options)
    else:
        x = cnn.dense(0, 4)
        two = [x, x] if code in ("MUL", "SUB") else [x]
        if code == "SUB":
            two = [x, cnn._constant(np.int8([3]))]
            cnn.tensors[two[1]].scale, cnn.tensors[two[1]].zero_point = np.float32(0.1), 0
        scale = float(cnn.tensors[x].scale)
        result = cnn._result((4,), scale * scale * 64 if code == "MUL" else scale)
        if code == "SOFTMAX":
            cnn.tensors[result].scale, cnn.tensors[result].zero_point = np.float32(1 / 256), -128
        options = _options(code)
        options.beta = 1.0
        last = cnn._op(code, two, result, options)
    return cnn.build(last)


def _float(code: str) -> bytes:
    made = Writer((4, 4, 2))
    rng = np.random.default_rng(32)
    weights = rng.normal(0, 0.5, (3, 2, 2, 2)).astype(np.float32)
    conv = dict(weights=weights, bias=None, stride=1, dilation=1, padding=0, groups=1)
    bias = np.zeros(4, np.float32)
    x = made.conv(0, conv)
    if code == "CONV_2D":
        y = x
    elif code == "DEPTHWISE_CONV_2D":
        y = made.conv(0, conv | dict(weights=weights[:2, :1], groups=2))
    elif code.endswith("POOL_2D"):
        kind = "max" if code.startswith("MAX") else "average"
        y = made.pool(x, kind, dict(kernel=2, stride=1))
    elif code == "CONCATENATION":
        y = made.concat(x, made.add("RELU", [x], made.shape(x)))
    elif code in ("MEAN", "SUM", "REDUCE_MAX"):
        axes = made.constant(np.int32([1, 2]))
        y = made.add(code, [x, axes], (1, 3), _options(code))
    else:
        w = rng.normal(0, 0.5, (4, 27)).astype(np.float32)
        x = made.dense(made.flatten(x), dict(weights=w, bias=bias))
        y = _after_dense(made, code, x)
    return made.build(y)


def _after_dense(made: Writer, code: str, x: int) -> int:
    if code == "FULLY_CONNECTED":
        return x
    inputs, shape, integer = [x], (1, 4), made.constant(np.int32([1]))
    if code in ("ADD", "SUB", "MUL", "DIV"):
        inputs = [x, made.constant(np.float32([0.5, 1, 2, 3]))]
    elif code == "BATCH_MATMUL":
        inputs = [x, made.constant(np.eye(4, dtype=np.float32) * 2)]
    elif code == "SQUEEZE":
        inputs = [made.add("EXPAND_DIMS", [x, integer], (1, 1, 4))]
    elif code == "GATHER":
        inputs, shape = [x, made.constant(np.int32([0]))], (1, 4)
    elif code == "PACK":
        inputs, shape = [x, x], (2, 1, 4)
    elif code == "SPLIT":
        inputs = [integer, x]
    elif code == "SPLIT_V":
        inputs = [x, made.constant(np.int32([4])), made.constant(np.int32(1))]
    elif code == "STRIDED_SLICE":
        inputs = [x, *(made.constant(np.int32(each)) for each in ([0, 0], [1, 4], [1, 1]))]
    elif code == "UNPACK":
        inputs = [made.add("EXPAND_DIMS", [x, integer], (1, 1, 4))]
    elif code == "MIRROR_PAD":
        inputs, shape = [x, made.constant(np.int32([[0, 0], [1, 1]]))], (1, 6)
    elif code == "SHAPE":
        kinds = _options(code)
        kinds.outType = tfl.TensorType.INT32
        sizes = made.add(code, [x], (2,), kinds)
        made.tensors[sizes].dtype = "int32"
        return made.add("RESHAPE", [x, sizes], (1, 4))
    options = _options(code)
    if code in ("RESHAPE", "SQUEEZE"):
        setattr(options, *{"RESHAPE": ("newShape", [1, 4]), "SQUEEZE": ("squeezeDims", [1])}[code])
    for name, value in {"axis": 1, "num": 1, "numSplits": 1, "valuesCount": 2}.items():
        if hasattr(options, name):
            setattr(options, name, value)
    if code == "PACK":
        options.axis = 0
    if hasattr(options, "beta"):
        options.beta = 1.0
    return made.add(code, inputs, shape, options)


def snake(name: str) -> str:
    return re.sub("(?<!^)(?=[A-Z])", "_", name).lower()


def _packed(model) -> bytes:
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def judged(data: bytes, x: np.ndarray) -> tuple[np.ndarray, tuple[int, ...]] | None:
    """LiteRT's result and its shape; None when LiteRT refuses the file."""
    try:
        judge = Interpreter(
            model_content=data,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            num_threads=1,
        )
        judge.allocate_tensors()
        rows = []
        for each in x:
            judge.set_tensor(judge.get_input_details()[0]["index"], each[None])
            judge.invoke()
            rows.append(judge.get_tensor(judge.get_output_details()[0]["index"]).copy())
    except (RuntimeError, ValueError):
        return None
    return np.stack(rows).reshape(len(x), -1), rows[0].shape


def outcome(data: bytes, name: str, x: np.ndarray) -> str:
    """What becomes of a file whose option ``name`` was changed."""
    model = tfl.ModelT.InitFromPackedBuf(data, 0)
    judge = judged(data, x)
    if judge is not None:
        graph = model.subgraphs[0]
        # LiteRT computes shapes, the file's are those of the option's old value.
        graph.tensors[graph.outputs[0]].shape = list(judge[1])
        data = _packed(model)
    try:
        network = model_from_bytes(data, "m")
    except CelosiaError as error:
        if judge is None:  # the file contradicts itself
            return "refused by both"
        words, first = str(error), snake(name).split("_")[0]
        named = snake(name) in words or first.replace("filter", "kernel") in words
        if named or any(reason in words for reason in _REASONS):
            return "named"
        return f"other reason: {error}"
    if judge is None:
        return "LiteRT refuses it"
    if isinstance(network, FloatNetwork):
        y = network.forward(x).reshape(len(x), -1)
        same = y.shape == judge[0].shape and np.allclose(y, judge[0], 1e-4, 1e-5)
    else:
        y = network.finish(network.graph.evaluate(network.prepare(x))[-1]).reshape(len(x), -1)
        same = np.array_equal(y, judge[0])
    return "equal" if same else "different"


def changed(data: bytes, code: str):
    """(option, value, file) for all other values of all options of the last ``code``."""
    names = vars(_options(code))
    for name in names:
        for value in _VALUES:
            model = tfl.ModelT.InitFromPackedBuf(data, 0)
            codes = [each.builtinCode for each in model.operatorCodes]
            op = [each for each in model.subgraphs[0].operators
                  if codes[each.opcodeIndex] == getattr(tfl.BuiltinOperator, code)][-1]  # fmt: skip
            options, old = op.builtinOptions, getattr(op.builtinOptions, name)
            if isinstance(old, bool):
                if value not in (0, 1):
                    continue
                new = bool(value)
            elif name in ("newShape", "squeezeDims"):
                new = [value]
            elif name == "quantSpec":
                new = [value % 128]
            else:
                new = value
            if np.array_equal(new, old):
                continue
            setattr(options, name, new)
            yield name, new, _packed(model)


#: Refusals of a file that contradicts itself name what does not fit.
_CASES = [("int8", code) for code in OPTIONS if code in HANDLERS]
_CASES += [("float", code) for code in OPTIONS if code in OPERATORS and code != "CAST"]


@pytest.mark.parametrize(("kind", "code"), _CASES)
def test_other_values(kind, code):
    data = _int8(code) if kind == "int8" else _float(code)
    model = tfl.ModelT.InitFromPackedBuf(data, 0)
    shape = tuple(model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].shape[1:])
    rng = np.random.default_rng(33)
    x = random_inputs(rng, shape, 4) if kind == "int8" else rng.normal(0, 1, (4, *shape))
    x = x if kind == "int8" else x.astype(np.float32)
    if code not in ("PACK", "MIRROR_PAD", "SPLIT", "UNPACK"):
        assert outcome(data, "none", x) == "equal"
    bad = []
    for name, value, other in changed(data, code):
        found = outcome(other, name, x)
        if found not in ("equal", "named", "refused by both"):
            bad.append(f"{name} = {value}: {found}")
    assert not bad, "\n".join(bad)


@pytest.mark.parametrize(
    ("kind", "code"), [("int8", "CONV_2D"), ("float", "TANH"), ("int8", "PAD")]
)
def test_fields_of_later_schemas(kind, code):
    """A field appended to an operator's options, whose meaning is not known, is refused."""
    if kind == "float":
        made = Writer((8,))
        w = np.eye(4, 8, dtype=np.float32)
        x = made.dense(0, dict(weights=w, bias=np.zeros(4, np.float32)))
        data = made.build(made.add(code, [x], (1, 4)))
    else:
        cnn = Cnn(np.random.default_rng(34), (5, 4, 3), tame=True)
        last = cnn.convolution(0, 4) if code == "CONV_2D" else cnn.pad(0, ((1, 0), (0, 1)))
        data = cnn.build(cnn.convolution(last, 2))
    model_from_bytes(data, "m")
    appended = with_field(data, code, 9)
    with pytest.raises(Unsupported, match=f"{code}.: option number 9 is not known"):
        model_from_bytes(appended, "m")


def with_field(data: bytes, code: str, number: int) -> bytes:
    """``data`` with field ``number`` in the options of operator ``code``."""
    pack = tfl.OperatorT.Pack

    def packed(self, builder):
        codes = [each.builtinCode for each in model.operatorCodes]
        if codes[self.opcodeIndex] != getattr(tfl.BuiltinOperator, code):
            return pack(self, builder)
        self.builtinOptions = Longer(number)
        self.builtinOptionsType = self.builtinOptionsType or tfl.BuiltinOptions.AbsOptions
        return pack(self, builder)

    model = tfl.ModelT.InitFromPackedBuf(data, 0)
    tfl.OperatorT.Pack = packed
    try:
        return _packed(model)
    finally:
        tfl.OperatorT.Pack = pack


class Longer:
    """Options of no field but one that the schema has not."""

    def __init__(self, number: int):
        self.number = number

    def Pack(self, builder):  # noqa: N802
        builder.StartObject(self.number + 1)
        builder.PrependInt32Slot(self.number, 7, 0)
        return builder.EndObject()
