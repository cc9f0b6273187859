"""Field numbers and enumerations of the TFLite schema (``schema.fbs``) that Celosia reads.

Fields are numbered from 0 in the order of the schema; a union has two, its type and its value.
"""

from enum import IntEnum

__all__ = [
    "FILE_IDENTIFIER",
    "OPTIONS_TYPES",
    "Activation",
    "Buffer",
    "Code",
    "Model",
    "Operator",
    "Padding",
    "Quantization",
    "Subgraph",
    "Tensor",
    "Type",
]

FILE_IDENTIFIER = b"TFL3"


class Model(IntEnum):
    VERSION = 0
    OPERATOR_CODES = 1
    SUBGRAPHS = 2
    BUFFERS = 4


class Subgraph(IntEnum):
    TENSORS = 0
    INPUTS = 1
    OUTPUTS = 2
    OPERATORS = 3


class Tensor(IntEnum):
    SHAPE = 0
    TYPE = 1
    BUFFER = 2
    NAME = 3
    QUANTIZATION = 4
    IS_VARIABLE = 5
    SPARSITY = 6
    EXTERNAL_BUFFER = 10


class Quantization(IntEnum):
    SCALE = 2
    ZERO_POINT = 3
    DETAILS_TYPE = 4
    DIMENSION = 6


class Operator(IntEnum):
    OPCODE_INDEX = 0
    INPUTS = 1
    OUTPUTS = 2
    OPTIONS_TYPE = 3
    OPTIONS = 4
    MUTATING = 7
    INTERMEDIATES = 8
    OPTIONS_2_TYPE = 11
    #: The last one that is known.
    DEBUG_METADATA = 13


class Code(IntEnum):
    #: int8. Codes above 127 are only in `BUILTIN`; the larger of the two is valid.
    DEPRECATED_BUILTIN = 0
    CUSTOM = 1
    BUILTIN = 3


class Buffer(IntEnum):
    DATA = 0
    #: In files above 2 GiB: the data are outside of the flatbuffer.
    OFFSET = 1


#: BuiltinOptions: the type of the options of operators that have any (`options.OPTIONS`).
OPTIONS_TYPES = {
    "CONV_2D": 1,
    "DEPTHWISE_CONV_2D": 2,
    "AVERAGE_POOL_2D": 5,
    "MAX_POOL_2D": 5,
    "FULLY_CONNECTED": 8,
    "SOFTMAX": 9,
    "CONCATENATION": 10,
    "ADD": 11,
    "RESHAPE": 17,
    "MUL": 21,
    "GATHER": 23,
    "MEAN": 27,
    "REDUCE_MAX": 27,
    "SUM": 27,
    "SUB": 28,
    "DIV": 29,
    "SQUEEZE": 30,
    "STRIDED_SLICE": 32,
    "SPLIT": 35,
    "CAST": 37,
    "SHAPE": 55,
    "PACK": 59,
    "UNPACK": 64,
    "LEAKY_RELU": 75,
    "MIRROR_PAD": 77,
    "SPLIT_V": 79,
    "BATCH_MATMUL": 101,
    "GELU": 116,
}


#: Types of constants that are read.
_READ = ("float32", "float16", "int32", "uint8", "int64", "int8", "int16", "bool")


class Padding(IntEnum):
    SAME = 0
    VALID = 1


class Type(IntEnum):
    """TensorType."""

    FLOAT32 = 0
    FLOAT16 = 1
    INT32 = 2
    UINT8 = 3
    INT64 = 4
    STRING = 5
    BOOL = 6
    INT16 = 7
    COMPLEX64 = 8
    INT8 = 9
    FLOAT64 = 10
    COMPLEX128 = 11
    UINT64 = 12
    RESOURCE = 13
    VARIANT = 14
    UINT32 = 15
    UINT16 = 16
    INT4 = 17
    BFLOAT16 = 18
    INT2 = 19
    UINT4 = 20

    @property
    def dtype(self) -> str | None:
        """NumPy's name of the type; None when constants of this type are not read."""
        name = self.name.lower()
        return name if name in _READ else None


class Activation(IntEnum):
    """ActivationFunctionType: an activation fused into an operator."""

    NONE = 0
    RELU = 1
    RELU_N1_TO_1 = 2
    RELU6 = 3
    TANH = 4
    SIGN_BIT = 5
