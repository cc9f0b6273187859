"""Small ONNX models from text."""

from pathlib import Path

import numpy as np

__all__ = ["onnx_file", "onnx_model"]


def onnx_model(graph: str, constants: dict[str, np.ndarray], opset: int = 18, ir: int = 9):
    """The model of a graph in ONNX's own textual form, with ``constants`` as initializers."""
    import onnx

    model = onnx.parser.parse_model(f'<ir_version: {ir}, opset_import: ["" : {opset}]> {graph}')
    model.graph.initializer.extend(
        onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()
    )
    return model


def onnx_file(folder: Path, *arguments, **more) -> Path:
    """The path of `onnx_model` in a file."""
    path = folder / "model.onnx"
    path.write_bytes(onnx_model(*arguments, **more).SerializeToString())
    return path
