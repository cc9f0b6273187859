"""TensorProto.DataType: what numbers there are, by their names in ONNX's own words."""

__all__ = ["FLOATS", "INTEGERS", "NUMPY", "STRING", "name_of"]

_NAMES = (
    "undefined float32 uint8 int8 uint16 int16 int32 int64 string bool float16 float64 uint32 "
    "uint64 complex64 complex128 bfloat16 float8e4m3fn float8e4m3fnuz float8e5m2 float8e5m2fnuz "
    "uint4 int4 float4e2m1 float8e8m0 uint2 int2"
).split()

STRING = 8
#: Number -> NumPy's type, and the field with values that are not in raw_data.
NUMPY = {
    1: ("<f4", "float_data"),
    2: ("u1", "int32_data"),
    3: ("i1", "int32_data"),
    4: ("<u2", "int32_data"),
    5: ("<i2", "int32_data"),
    6: ("<i4", "int32_data"),
    7: ("<i8", "int64_data"),
    9: ("?", "int32_data"),
    10: ("<f2", "int32_data"),
    11: ("<f8", "double_data"),
    12: ("<u4", "uint64_data"),
    13: ("<u8", "uint64_data"),
}
#: Types whose values a model may compute in: all are computed in float32 here.
FLOATS = {1: "float32", 10: "float16", 11: "float64", 16: "bfloat16"}
#: Types of integer inputs.
INTEGERS = {2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 9: "bool"}


def name_of(number: object) -> str:
    """The name of a data type, or its number where it is unknown."""
    if isinstance(number, int) and 0 <= number < len(_NAMES):
        return _NAMES[number]
    return f"data type {number}"
