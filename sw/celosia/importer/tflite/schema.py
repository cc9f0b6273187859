"""Field numbers and enumerations of the TFLite schema (``schema.fbs``) that Celosia reads.

Fields are numbered from 0 in the order of the schema; a union has two, its type and its value.
"""

from enum import IntEnum

__all__ = [
    "FILE_IDENTIFIER",
    "OPTIONS_TYPES",
    "Activation",
    "AddOptions",
    "Buffer",
    "Code",
    "ConcatenationOptions",
    "Conv2D",
    "DepthwiseConv2D",
    "FullyConnected",
    "Model",
    "Operator",
    "Padding",
    "Pool2D",
    "Quantization",
    "Reducer",
    "Reshape",
    "Squeeze",
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


class Code(IntEnum):
    #: int8. Codes above 127 are only in `BUILTIN`; the larger of the two is valid.
    DEPRECATED_BUILTIN = 0
    CUSTOM = 1
    BUILTIN = 3


class Buffer(IntEnum):
    DATA = 0
    #: In files above 2 GiB: the data are outside of the flatbuffer.
    OFFSET = 1


class FullyConnected(IntEnum):
    ACTIVATION = 0
    WEIGHTS_FORMAT = 1
    KEEP_NUM_DIMS = 2


class Conv2D(IntEnum):
    PADDING = 0
    STRIDE_W = 1
    STRIDE_H = 2
    ACTIVATION = 3
    DILATION_W = 4
    DILATION_H = 5


class DepthwiseConv2D(IntEnum):
    """Its depth multiplier, field 3, is not read: LiteRT takes it from the shapes."""

    PADDING = 0
    STRIDE_W = 1
    STRIDE_H = 2
    ACTIVATION = 4
    DILATION_W = 5
    DILATION_H = 6


class Pool2D(IntEnum):
    PADDING = 0
    STRIDE_W = 1
    STRIDE_H = 2
    FILTER_W = 3
    FILTER_H = 4
    ACTIVATION = 5


class AddOptions(IntEnum):
    ACTIVATION = 0


class ConcatenationOptions(IntEnum):
    AXIS = 0
    ACTIVATION = 1


class Reducer(IntEnum):
    KEEP_DIMS = 0


class Reshape(IntEnum):
    NEW_SHAPE = 0


class Squeeze(IntEnum):
    DIMS = 0


#: BuiltinOptions: the type of the options of operators whose options are read.
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
    "MEAN": 27,
    "SQUEEZE": 30,
    "LEAKY_RELU": 75,
    "GELU": 116,
}


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
        return name if name in ("float32", "int32", "uint8", "int64", "int8", "int16") else None


class Activation(IntEnum):
    """ActivationFunctionType: an activation fused into an operator."""

    NONE = 0
    RELU = 1
    RELU_N1_TO_1 = 2
    RELU6 = 3
    TANH = 4
    SIGN_BIT = 5
