"""Float .tflite files: in float equal to LiteRT, then calibrated like those of any other format."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as tfl
from ai_edge_litert.interpreter import OpResolverType
from tests.helpers.float_cnns import random_cnn
from tests.helpers.float_tflite import Writer, tflite_bytes
from tests.helpers.litert import run
from tests.sw.importer.test_random_cnns import evaluated, ratio

from celosia.cli import main
from celosia.importer import load_model, model_from_bytes
from celosia.network.float_network import FloatNetwork
from celosia.support.errors import Unsupported

_LEAST = 110
_SEEDS = 8
_X = np.random.default_rng(3).normal(0, 1, (6, 8)).astype(np.float32)


def litert(data: bytes, x: np.ndarray) -> dict:
    """Every tensor by its index. The reference kernels lack ELU in float."""
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    return run(data, x, resize=False, resolver=plain, key="index")


def case(seed: int, weights: str) -> tuple[bytes, np.ndarray]:
    rng = np.random.default_rng([seed, 5])
    cnn = random_cnn(rng, common=True)
    x = rng.normal(0, 1, (4, *cnn.shape[1:], cnn.shape[0])).astype(np.float32)
    return tflite_bytes(cnn, weights), x


def agreement(data: bytes, x: np.ndarray, real: np.ndarray) -> float:
    network = model_from_bytes(data, "m")
    assert isinstance(network, FloatNetwork)
    y = evaluated(network, x)
    return ratio(y, real.astype(np.float64).reshape(y.shape))


@pytest.mark.parametrize("weights", ["float32", "float16", "int8"])
def test_random_cnns(weights):
    """int8 weights of float operators (dynamic range) are the reals that they stand for."""
    for seed in range(_SEEDS):
        data, x = case(seed, weights)
        judged, _ = case(seed, "rounded" if weights == "int8" else weights)
        end = model_output(judged)
        found = agreement(data, x, litert(judged, x)[end])
        assert found >= _LEAST, f"seed {seed}: {found:.1f} dB"


def model_output(data: bytes) -> int:
    return int(tfl.ModelT.InitFromPackedBuf(data, 0).subgraphs[0].outputs[0])


def test_dynamic_range_is_said():
    data, x = case(1, "int8")
    network = model_from_bytes(data, "m")
    assert "dynamic range" in network.notes[0]
    # LiteRT quantizes every input as it comes: near, but not the same.
    y = network.forward(x)
    found = ratio(y, litert(data, x)[model_output(data)].reshape(y.shape))
    assert 15 < found < _LEAST


def test_every_tensor():
    """Each operator's result as that of a model that ends there."""
    count = 0
    for seed in range(6):
        data, x = case(seed, "float32")
        every = litert(data, x)
        model = tfl.ModelT.InitFromPackedBuf(data, 0)
        for op in model.subgraphs[0].operators:
            end = op.outputs[0]
            try:
                found = agreement(ending_at(data, end), x, every[end])
            except Unsupported as error:
                assert "the model has no layer" in str(error)
                continue
            assert found >= _LEAST, f"seed {seed}, tensor {end}: {found:.1f} dB"
            count += 1
    assert count > 40


def ending_at(data: bytes, end: int) -> bytes:
    import flatbuffers

    model = tfl.ModelT.InitFromPackedBuf(data, 0)
    model.subgraphs[0].outputs = [end]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def dense(made: Writer, x: int, n: int, seed: int = 0) -> int:
    """A dense layer, so that there is one."""
    rng, k = np.random.default_rng(seed), made.shape(x)[-1]
    return made.dense(
        x,
        dict(
            weights=rng.normal(0, 0.5, (n, k)).astype(np.float32),
            bias=rng.normal(0, 0.3, n).astype(np.float32),
        ),
    )


_FUNCTIONS = ("ABS CEIL COS ELU EXP FLOOR HARD_SWISH LOGISTIC NEG RELU RELU6 RELU_0_TO_1 "
              "RELU_N1_TO_1 ROUND SIGN SIN SQUARE TANH").split()  # fmt: skip


@pytest.mark.parametrize("code", _FUNCTIONS)
def test_functions(code):
    made = Writer((8,))
    x = dense(made, 0, 5)
    data = made.build(made.add(code, [x], made.shape(x)))
    real = litert(data, _X)[len(made.tensors) - 1]
    assert np.allclose(model_from_bytes(data, "m").forward(_X), real, atol=2e-6)


#: Operator, its second operand, options; after a positive tensor, see `test_arithmetic`.
_ARITHMETIC = [
    ("ADD", np.linspace(-1, 1, 5), tfl.AddOptionsT),
    ("SUB", 0.25, tfl.SubOptionsT),
    ("MUL", np.linspace(0.5, 2, 5), tfl.MulOptionsT),
    ("DIV", 3.0, tfl.DivOptionsT),
    ("POW", 3.0, tfl.PowOptionsT),
    ("POW", 0.5, tfl.PowOptionsT),
    ("MAXIMUM", 0.6, tfl.MaximumMinimumOptionsT),
    ("MINIMUM", 0.6, tfl.MaximumMinimumOptionsT),
    ("SQUARED_DIFFERENCE", 0.5, tfl.SquaredDifferenceOptionsT),
    ("PRELU", np.linspace(0.1, 0.5, 5), None),
]


@pytest.mark.parametrize(("code", "value", "options"), _ARITHMETIC)
@pytest.mark.parametrize("swapped", [False, True])
def test_arithmetic(code, value, options, swapped):
    swapped = swapped and code not in ("DIV", "POW", "PRELU")
    made = Writer((8,))
    x = made.add("ABS" if code == "POW" else "TANH", [dense(made, 0, 5)], (1, 5))
    other = made.constant(np.asarray(value, np.float32))
    operands = [other, x] if swapped else [x, other]
    y = made.add(code, operands, (1, 5), options() if options else None)
    data = made.build(dense(made, y, 3, 1))
    real = litert(data, _X)[model_output(data)]
    assert np.allclose(model_from_bytes(data, "m").forward(_X), real, atol=1e-5)


def open_batch(made: Writer, x: int) -> int:
    """A flatten of TensorFlow with an open batch: SHAPE, STRIDED_SLICE, PACK, RESHAPE."""
    width, rank = int(np.prod(made.shape(x))), len(made.shape(x))
    of_int32 = tfl.ShapeOptionsT()
    of_int32.outType = tfl.TensorType.INT32
    sizes = made.add("SHAPE", [x], (rank,), of_int32)
    made.tensors[sizes].dtype = "int32"
    ends = [made.constant(np.int32([each])) for each in (0, 1, 1)]
    options = tfl.StridedSliceOptionsT()
    options.shrinkAxisMask = 1
    batch = made.add("STRIDED_SLICE", [sizes, *ends], (), options)
    made.tensors[batch].dtype = "int32"
    packed = tfl.PackOptionsT()
    packed.valuesCount = 2
    shape = made.add("PACK", [batch, made.constant(np.int32(width))], (2,), packed)
    made.tensors[shape].dtype = "int32"
    return made.add("RESHAPE", [x, shape], (1, width))


def test_flatten_with_an_open_batch():
    made = Writer((2, 4))
    data = made.build(dense(made, open_batch(made, 0), 3))
    x = _X.reshape(6, 2, 4)
    assert agreement(data, x, litert(data, x)[model_output(data)]) > _LEAST


def test_parts():
    """SPLIT, SLICE, STRIDED_SLICE, GATHER, UNPACK and PACK of constants and of tensors."""
    made = Writer((8,))
    x = dense(made, 0, 12)
    split = tfl.SplitOptionsT()
    split.numSplits = 2
    axis = made.constant(np.int32(1))
    first = made.add("SPLIT", [axis, x], (1, 6), split)
    second = made.add("RELU", [first], (1, 6))
    made.ops.pop()
    made.ops[-1].outputs.append(second)
    part = made.add(
        "SLICE",
        [first, made.constant(np.int32([0, 1])), made.constant(np.int32([-1, 4]))],
        (1, 4),
    )
    ends = [made.constant(np.int32(each)) for each in ([0, 4], [1, 0], [1, -1])]
    masked = tfl.StridedSliceOptionsT()
    masked.endMask = 1
    other = made.add("STRIDED_SLICE", [second, *ends], (1, 4), masked)
    gather = tfl.GatherOptionsT()
    gather.axis = 1
    third = made.add("GATHER", [part, made.constant(np.int32([3, 1, 0, 2]))], (1, 4), gather)
    joined = made.concat(third, other)
    data = made.build(dense(made, joined, 3, 1))
    real = litert(data, _X)[model_output(data)]
    assert np.allclose(model_from_bytes(data, "m").forward(_X), real, atol=1e-5)


def refused(make) -> str:
    made = Writer((4, 4, 2))
    with pytest.raises(Unsupported) as caught:
        model_from_bytes(made.build(make(made)), "m")
    return str(caught.value)


def mirror(made: Writer) -> int:
    options = tfl.MirrorPadOptionsT()
    rows = np.int32([[0, 0], [1, 1], [1, 1], [0, 0]])
    return made.add("MIRROR_PAD", [0, made.constant(rows)], (1, 6, 6, 2), options)


def around_channels(made: Writer) -> int:
    rows = np.int32([[0, 0], [0, 0], [0, 0], [1, 0]])
    return made.add("PAD", [0, made.constant(rows)], (1, 4, 4, 3), tfl.PadOptionsT())


def product(made: Writer) -> int:
    conv = dict(
        weights=np.ones((2, 2, 1, 1), np.float32),
        bias=None,
        stride=1,
        dilation=1,
        padding=0,
        groups=1,
    )
    return made.binary("MUL", made.conv(0, conv), made.conv(0, conv))


def over_channels(made: Writer) -> int:
    return made.add("MEAN", [0, made.constant(np.int32([3]))], (1, 4, 4), tfl.ReducerOptionsT())


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (mirror, "operator 0 (MIRROR_PAD): option mode = REFLECT is not supported"),
        (around_channels, "operator 0 (PAD): a border around the channels, axis 3 of 4"),
        (product, "operator 2 (MUL): it multiplies two branches"),
        (over_channels, "operator 0 (MEAN): over axes [3] of 4, not all pixels of a map"),
        (lambda made: made.add("L2_NORMALIZATION", [0], (1, 4, 4, 2)),
         "operator 0 (L2_NORMALIZATION): this operator is not supported"),
    ],
)  # fmt: skip
def test_refused_for_the_true_reason(make, reason):
    assert reason in refused(make)


def test_from_the_command_line(tmp_path, capsys):
    """Quantized, compiled, run and checked as any float model."""
    data, x = case(3, "float16")
    path, sample = tmp_path / "m.tflite", tmp_path / "x.npy"
    path.write_bytes(data)
    np.save(sample, np.concatenate([x] * 8))
    engine = ["--rows", "2", "--cols", "4", "--tables", "8"]
    assert isinstance(load_model(path), FloatNetwork)
    assert main(["check", str(path), *engine]) in (0, 1)
    assert "float tflite model" in capsys.readouterr().out
    assert main(["compile", str(path), *engine, "-o", str(tmp_path / "m.celosia")]) == 2
    assert "is a float model; add --calibrate FILE" in capsys.readouterr().err
    image = ["-o", str(tmp_path / "m.celosia"), "--calibrate", str(sample)]
    assert main(["compile", str(path), *engine, *image]) == 0
    result = ["-o", str(tmp_path / "y.npy"), "--input", str(sample)]
    assert main(["run", str(tmp_path / "m.celosia"), *result]) == 0
    y = np.load(tmp_path / "y.npy")[: len(x)]
    assert ratio(y, litert(data, x)[model_output(data)].reshape(y.shape)) > 20
