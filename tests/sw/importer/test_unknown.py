"""All operators that are not supported are named at once, not only the first."""

from tests.helpers.judges import needs

from celosia.importer.unknown import unknown_operations
from celosia.network.outline import Place


def kinds(path) -> list[str]:
    found = unknown_operations(path)
    assert all(each.place is Place.UNSUPPORTED for each in found)
    return [each.kind for each in found]


def test_of_onnx(tmp_path):
    needs("onnx")
    import onnx

    model = onnx.parser.parse_model(
        '<ir_version: 9, opset_import: ["" : 18]>'
        "g (float[N, 12] x) => (float[N, 12] y) { a = Det (x) b = Relu (a) y = Tan (b) }"
    )
    onnx.save(model, tmp_path / "model.onnx")
    assert kinds(tmp_path / "model.onnx") == ["Det", "Tan"]


def test_of_keras_in_models_in_models(tmp_path):
    needs("keras")
    import keras

    inner = keras.Sequential([keras.Input((3, 4)), keras.layers.LSTM(5), keras.layers.Dense(2)])
    entry = keras.Input((3, 4))
    y = keras.layers.UnitNormalization()(inner(entry))
    keras.Model(entry, keras.ops.cumsum(y, axis=1)).save(tmp_path / "model.keras")
    assert kinds(tmp_path / "model.keras") == ["LSTM", "UnitNormalization", "Cumsum"]


def test_of_tflite(tmp_path):
    needs("ai_edge_litert")
    from tests.helpers.float_tflite import Writer

    writer = Writer((12,))
    end = writer.add("RELU", [writer.add("CUMSUM", [0], (1, 12))], (1, 12))
    (tmp_path / "model.tflite").write_bytes(writer.build(end))
    assert kinds(tmp_path / "model.tflite") == ["CUMSUM"]
