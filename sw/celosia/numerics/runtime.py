"""The two runtimes of .tflite files whose integer arithmetic is known here."""

from enum import StrEnum

__all__ = ["Runtime"]


class Runtime(StrEnum):
    """Whose bytes a model computes; the value is the name on the command line and in files.

    Most operators are the same in both. Those that are not: FULLY_CONNECTED, LOGISTIC, TANH, ELU
    and RELU6 (docs/number_formats.md).
    """

    #: LiteRT with `OpResolverType.BUILTIN_REF`.
    LITERT = "litert"
    #: TFLite Micro with its reference kernels, as microcontrollers and the package tflite-micro
    #: run them.
    TFLM = "tflm"

    @property
    def label(self) -> str:
        """For people."""
        return {"litert": "LiteRT", "tflm": "TFLite Micro"}[self.value]
