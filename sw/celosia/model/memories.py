"""The memories of one engine, addressed by records as the link does."""

import numpy as np

from celosia.spec import INPUT_LAYOUT, PARAMETER, Config, Layout, Memory, descriptor, record

__all__ = ["Memories", "stored"]


class Memories:
    """Contents of every memory; all zero at power-up.

    Only the bits of a layout's fields exist: the padding of a parameter or a descriptor is not
    stored and reads as 0.

    Parameters
    ----------
    config : shape of the engine.

    Attributes
    ----------
    weights : int8 [weight_depth, cols].
    params : uint8 [param_depth, requantizers * PARAMETER.size].
    program : uint8 [program_depth, `descriptor` size].
    tables : uint8 [tables, 256].
    activations : uint8 [rows, act_depth * lanes].
    layout : uint8 [1, INPUT_LAYOUT.size] of engines with convolution, else uint8 [0, ...].
    """

    def __init__(self, config: Config):
        self.config = config
        self.weights = np.zeros((config.weight_depth, config.cols), np.int8)
        self.params = np.zeros((config.param_depth, config.requantizers * PARAMETER.size), np.uint8)
        self.program = np.zeros((config.program_depth, descriptor(config).size), np.uint8)
        self.tables = np.zeros((config.tables, 256), np.uint8)
        self.activations = np.zeros((config.rows, config.act_depth * config.lanes), np.uint8)
        self.layout = np.zeros((config.convolution, INPUT_LAYOUT.size), np.uint8)

    def records(self, memory: Memory) -> np.ndarray:
        """uint8 [depth, size]: a view of ``memory`` as the records of `spec.record`."""
        whole = {
            Memory.WEIGHTS: self.weights.view(np.uint8),
            Memory.PARAMS: self.params,
            Memory.PROGRAM: self.program,
            Memory.TABLES: self.tables,
            Memory.ACTIVATIONS: self.activations,
            Memory.LAYOUT: self.layout,
        }[memory]
        shape = record(self.config, memory)
        return whole.reshape(shape.depth, shape.size)

    def write(self, memory: Memory, address: int, data: np.ndarray) -> None:
        """Store uint8 [count, size] ``data`` from record ``address``; the caller checks ranges."""
        self.records(memory)[address : address + len(data)] = stored(self.config, memory, data)


def stored(config: Config, memory: Memory, data: np.ndarray) -> np.ndarray:
    """What ``memory`` keeps of uint8 [count, size] ``data``: all but the bits of padding."""
    if memory == Memory.PARAMS:
        return data & np.tile(_mask(PARAMETER), config.requantizers)
    return data & _mask(descriptor(config)) if memory == Memory.PROGRAM else data


def _mask(layout: Layout) -> np.ndarray:
    ones = ((1 << layout.width) - 1).to_bytes(layout.size, "little")
    return np.frombuffer(ones, np.uint8)
