"""What an example is, and the files that it becomes."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from celosia.network.float_network import FloatNetwork
from celosia.support.files import atomic_write

__all__ = ["FILES", "Example"]

#: Names of the files: the float model, and arrays of `Example`.
FILES = {
    "model": "model.npz",
    "calibration": "calibration.npy",
    "inputs": "inputs.npy",
    "labels": "labels.npy",
}


@dataclass(frozen=True, eq=False)
class Example:
    """A float model, and data for it.

    Parameters
    ----------
    model : of reals, with inputs as ``inputs``.
    calibration : float32 [n, ...], the sample that the quantizer measures.
    inputs : float32 [n, ...] to run.
    labels : int64 [n], the right classes of ``inputs``; None for a model that does not classify.
    about : one line for people: what the data are, and whose the labels.
    """

    model: FloatNetwork
    calibration: np.ndarray
    inputs: np.ndarray
    labels: np.ndarray | None
    about: str

    def save(self, folder: Path) -> list[Path]:
        """Write `FILES` to ``folder``; the paths. Without labels there is no file of them.

        Raises
        ------
        CelosiaError : one cannot be written.
        """
        written = [folder / FILES["model"]]
        self.model.save(written[0])
        for name in ("calibration", "inputs", "labels"):
            if (array := getattr(self, name)) is None:
                continue
            file = io.BytesIO()
            np.save(file, array)
            written.append(folder / FILES[name])
            atomic_write(written[-1], file.getvalue())
        return written
