"""The suite that the onnx package brings: layers that float models have import and are equal."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from tests.helpers.judges import needs

from celosia.importer import load_model
from celosia.support.errors import Unsupported

#: Folder of the suite -> how many of its models import; all others are refused.
IMPORTED = {"simple": 1, "pytorch-converted": 50, "pytorch-operator": 7}
#: Why models are refused: inputs, shapes and operators that no float model here may have.
REASONS = (
    "inputs (",
    "string is not read",
    "1 axes, not 2 or more",
    "has 4 axes beside the batch",
    "this operator is not supported",
    "the model has no layer",
    "multiplies two branches",
    "its input 1 depends on the model's input",
    "a border of 2, not of zeros",
    "attribute dilations = ",
    "attribute mode = ",
    "not over all outputs",
    "a constant of [2, 2] does not fit [2]",
    "a constant of [10, 10] does not fit [10]",
    "it leaves out images of the batch",
    "not all pixels of a map",
)


def numbers(path: Path) -> np.ndarray:
    import onnx

    return onnx.numpy_helper.to_array(onnx.TensorProto.FromString(path.read_bytes()))


def folders(kind: str) -> list[Path]:
    needs("onnx")
    import onnx.backend.test

    data = Path(onnx.backend.test.__file__).parent / "data" / kind
    return sorted(path.parent for path in data.glob("*/model.onnx"))


@pytest.mark.parametrize("kind", IMPORTED)
def test_suite(kind):
    counts: Counter[str] = Counter()
    for folder in folders(kind):
        try:
            model = load_model(folder / "model.onnx")
        except Unsupported as error:
            assert any(each in str(error) for each in REASONS), error
            counts["refused"] += 1
            continue
        x, y = (numbers(folder / f"test_data_set_0/{name}_0.pb") for name in ("input", "output"))
        with np.errstate(all="ignore"):
            x, y = x.astype(np.float32), y.astype(np.float32)
            result = model.forward(x).reshape(y.shape)
        assert np.allclose(result, y, rtol=1e-5, atol=1e-6, equal_nan=True), folder.name
        counts["equal"] += 1
    print(f"{kind}: {dict(counts)}")
    assert counts["equal"] == IMPORTED[kind]
