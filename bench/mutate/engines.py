"""The engines that are mutated: all operations, and every width differs.

Memories are small, so that addresses reach their ends, and counters narrow, so that they wrap.
"""

from celosia.spec import Config

__all__ = ["ENGINES"]

ENGINES = {
    "2x4": Config(
        rows=2,
        cols=4,
        lanes=4,
        requantizers=2,
        link_bytes=4,
        weight_depth=256,
        param_depth=32,
        program_depth=8,
        act_depth=128,
        tables=1,
        counter_bits=10,
        convolution=1,
        depthwise=1,
        checksum=1,
    ),
    "3x8": Config(
        rows=3,
        cols=8,
        lanes=2,
        requantizers=1,
        link_bytes=2,
        weight_depth=128,
        param_depth=64,
        program_depth=6,
        act_depth=256,
        tables=2,
        counter_bits=12,
        convolution=1,
        depthwise=1,
    ),
}
