"""The structure of a .tflite file, with a verdict on every operator; weights are not read."""

from collections.abc import Iterator

from celosia.network.outline import LayerOutline, Operation, Outline, Place
from celosia.numerics.quant import Quant
from celosia.support.errors import CelosiaError, Unsupported

from .dense import outline
from .flatbuffer import Bytes
from .load import TfliteModel, TfliteOperator, load
from .to_graph import Chain, one_image

__all__ = ["tflite_outline"]


def tflite_outline(data: Bytes, name: str = "model") -> Outline:
    """Where each operator of the file would run, or why `tflite_network` would refuse it.

    The importer's own `Chain` decides, so both always agree about an operator. Refusals that depend
    on the values of weights are left to the importer.

    Parameters
    ----------
    data : the file, or a memory map of it.

    Raises
    ------
    CelosiaError : the file is damaged or contradicts itself.
    """
    model = load(data)
    operations = list(_ends(model))
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
    """A chain that continues after an operator that is not supported.

    Attributes
    ----------
    unknown : positions in `chain` of the layers that replace such operators.
    """

    def __init__(self, model: TfliteModel):
        self.chain: Chain[LayerOutline] = Chain(
            model.inputs[0], lambda op, name: (outline(op, name), 0)
        )
        self.unknown: set[int] = set()

    def layers(self) -> tuple[LayerOutline, ...]:
        """The layers of the supported operators."""
        return tuple(
            layer for index, layer in enumerate(self.chain.layers) if index not in self.unknown
        )

    def operation(self, op: TfliteOperator) -> Operation:
        """Append ``op`` to the chain; where it runs, and how, or why not."""
        chain = self.chain
        before = len(chain.layers), chain.layers[-1:], len(chain.pre), len(chain.post)
        try:
            chain.add(op)
        except Unsupported as error:
            self._replace(op)
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

    def _replace(self, op: TfliteOperator) -> None:
        """Append a placeholder for ``op``, so that the operators after it are judged alone."""
        chain = self.chain
        self.unknown.add(len(chain.layers))
        chain.layers.append(LayerOutline(str(op), 1, 1, output=Quant(1.0, 0)))
        chain.tensors.append(-1)
        chain.post.clear()
        if op.outputs:
            chain.current = op.outputs[0]


def _ends(model: TfliteModel) -> Iterator[Operation]:
    """What is not supported about the model's inputs and outputs."""
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
