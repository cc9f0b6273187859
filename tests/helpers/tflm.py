"""TFLite Micro as the judge: models on its reference kernels, with every tensor kept."""

import numpy as np
from tests.helpers.judges import needs

__all__ = ["refuses", "run"]


def run(model: bytes, x: np.ndarray, tensors: list[int]) -> list[np.ndarray]:
    """The model's result and then the file's ``tensors``, each [n, values], of ``x`` [n, ...]."""
    interpreter = _interpreter(model)
    shape = interpreter.get_input_details(0)["shape"]
    rows = []
    for image in x:
        interpreter.set_input(image.reshape(shape), 0)
        interpreter.invoke()
        kept = (interpreter.GetTensor(each, 0)["tensor_data"] for each in tensors)
        rows.append([np.array(y).reshape(-1) for y in (interpreter.get_output(0), *kept)])
    return [np.stack(column) for column in zip(*rows, strict=True)]


def refuses(model: bytes) -> bool:
    """Whether it cannot be loaded. It says why on standard error."""
    try:
        _interpreter(model)
    except RuntimeError:
        return True
    return False


def _interpreter(model: bytes):
    needs("tflite_micro")
    from tflite_micro.python.tflite_micro import runtime

    return runtime.Interpreter.from_bytes(
        model,
        arena_size=10 * len(model) + (8 << 20),
        intrepreter_config=runtime.InterpreterConfig.kPreserveAllTensors,
    )
