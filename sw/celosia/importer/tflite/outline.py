"""The structure of a .tflite file, every operator judged; no weight is looked at."""

from celosia.network.outline import LayerOutline, Operation, Outline, Place
from celosia.numerics.quant import Quant
from celosia.support.errors import CelosiaError, Unsupported

from .dense import outline
from .load import TfliteModel, TfliteOperator, load
from .to_graph import Chain, one_image

__all__ = ["tflite_outline"]


def tflite_outline(data: bytes, name: str = "model") -> Outline:
    """What `tflite_network` would make of the file, or why it would not, operator by operator.

    The importer's own chain judges, so that both always agree about an operator. What only the
    values of weights can show is left to the importer.

    Parameters
    ----------
    data : the file, or a memory map of it.

    Raises
    ------
    CelosiaError : the file is damaged or contradicts itself.
    """
    model = load(data)
    operations = list(_edges(model))
    if not model.inputs or not model.outputs:
        return Outline(name, "TFLite", tuple(operations), ())
    judge = _Judge(model)
    operations += [judge.operation(op) for op in model.operators]
    if not operations:
        raise CelosiaError("the model has no operator")
    floats = any(
        t is not None and t.dtype == "float32" and t.data is not None and len(t.shape) > 1
        for op in model.operators
        for t in op.inputs
    )
    kind = "float TFLite" if floats else "int8 TFLite"
    return Outline(name, kind, tuple(operations), judge.layers())


class _Judge:
    """A chain that goes on after an operator it cannot run."""

    def __init__(self, model: TfliteModel):
        self.chain = Chain(model.inputs[0], make=lambda op, name: (outline(op, name), 0))
        self.unknown: set[int] = set()

    def layers(self) -> tuple[LayerOutline, ...]:
        return tuple(
            layer for index, layer in enumerate(self.chain.layers) if index not in self.unknown
        )

    def operation(self, op: TfliteOperator) -> Operation:
        chain = self.chain
        before = len(chain.layers), chain.layers[-1:], len(chain.pre), len(chain.post)
        try:
            chain.add(op)
        except Unsupported as error:
            self._stand_in(op)
            why = f"{error.what}; {error.todo}" if error.todo else error.what
            return Operation(str(op), op.code, Place.UNSUPPORTED, why)
        layers, last, pre, post = before
        if len(chain.layers) > layers:
            return Operation(str(op), op.code, Place.ENGINE, f"layer {chain.layers[-1].name!r}")
        if chain.layers[-1:] != last:
            clamp_only = chain.layers[-1].table is last[0].table
            how = "within its layer's clamp" if clamp_only else "element table of its layer"
            return Operation(str(op), op.code, Place.ENGINE, how)
        if len(chain.pre) > pre:
            return Operation(str(op), op.code, Place.HOST, "before the first layer")
        if len(chain.post) > post:
            return Operation(str(op), op.code, Place.HOST, "after the last layer")
        return Operation(str(op), op.code, Place.DROPPED, "moves no data")

    def _stand_in(self, op: TfliteOperator) -> None:
        """Let some layer stand for ``op``, so that what follows is judged by itself."""
        chain = self.chain
        self.unknown.add(len(chain.layers))
        chain.layers.append(LayerOutline(str(op), 1, 1, output=Quant(1.0, 0)))
        chain.tensors.append(-1)
        chain.post.clear()
        if op.outputs:
            chain.current = op.outputs[0]


def _edges(model: TfliteModel):
    """What is wrong with inputs and outputs."""
    for what, tensors in (("inputs", model.inputs), ("outputs", model.outputs)):
        if len(tensors) != 1:
            yield Operation(
                f"the model's {what}",
                what.upper(),
                Place.UNSUPPORTED,
                f"the model has {len(tensors)} {what}, not 1",
            )
        else:
            try:
                one_image(tensors[0])
            except Unsupported as error:
                why = f"{error.what}; {error.todo}"
                yield Operation(f"the model's {what}", what.upper(), Place.UNSUPPORTED, why)
