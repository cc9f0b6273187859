"""The operations of the engine, one file each.

Compiler, golden model, cycle model, ``celosia check`` and the report know no operation by name:
they take its record from `OPERATIONS`, by the ``op`` of a layer, of its outline or of a descriptor.
"""

from .dense import DENSE
from .operation import Operation, Source

__all__ = ["OPERATIONS", "Operation", "Source"]

OPERATIONS: dict[int, Operation] = {operation.op: operation for operation in (DENSE,)}
