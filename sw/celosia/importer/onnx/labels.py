"""Results of classifiers of scikit-learn: its labels beside the probabilities.

skl2onnx writes a second output, the name or number of the most probable class. It is the argmax of
the probabilities in a list of classes, which the host can tell from the first: a note says so.
"""

import numpy as np

from celosia.importer.guard import text
from celosia.support.errors import Unsupported

from .proto import Node, OnnxGraph

__all__ = ["labels"]

_PICKS = ("ai.onnx.ml.ArrayFeatureExtractor", "ai.onnx.ml.ZipMap", "ai.onnx.ml.LabelEncoder")
#: What may be on the way from the probabilities to a label or a dictionary of them.
_WAY = (*_PICKS, "ArgMax", "Cast", "Reshape", "Identity", "Greater", "Flatten")


def labels(graph: OnnxGraph) -> tuple[str, set[Node], str]:
    """The output to compute, the nodes of labels alone, and a note about them.

    Raises
    ------
    Unsupported : there are several outputs, and all but one are no labels.
    """
    makers = {name: node for node in graph.nodes for name in node.outputs}
    chains = {name: _chain(name, makers) for name in graph.outputs}
    label = [name for name, nodes in chains.items() if nodes]
    others = [name for name in graph.outputs if name not in label]
    maps = [name for name in label if any(each.op == "ai.onnx.ml.ZipMap" for each in chains[name])]
    if not others and maps:  # probabilities as a dictionary: what it is made of
        others = [chains[maps[0]][-1].inputs[0]]
    if len(others) != 1:
        names = ", ".join(text(each) for each in graph.outputs[:8])
        count = len(graph.outputs)
        raise Unsupported(
            f"the model has {count} outputs{f' ({names})' if names else ''}, not 1",
            todo="remove all but one from the model",
        )
    if not label:
        return others[0], set(), ""
    nodes = {node for name in label for node in chains[name]}
    classes = _classes(graph, nodes)
    shown = f" in {classes}" if classes else ""
    names = ", ".join(text(name) for name in label)
    return others[0], nodes, f"{names}: the place of the largest result{shown}"


def _chain(name: str, makers: dict[str, Node]) -> list[Node]:
    """The nodes from a label back to the probabilities; empty when ``name`` is no label."""
    nodes: list[Node] = []
    while (node := makers.get(name)) is not None and node.op in _WAY and len(nodes) < 16:
        nodes.append(node)
        # Of the classes and the place of one of them, the place is computed.
        inputs = [each for each in node.inputs if each in makers]
        if not inputs:
            break
        name = inputs[-1]
    found = [index for index, node in enumerate(nodes) if node.op in (*_PICKS, "ArgMax")]
    if not any(node.op in _PICKS for node in nodes):
        return []
    return nodes[: found[-1] + 1]


def _classes(graph: OnnxGraph, nodes: set[Node]) -> str:
    for node in nodes:
        for name in node.inputs:
            if node.op == _PICKS[0] and name in graph.constants:
                values = np.ravel(graph.constants[name])[:16].tolist()
                return text([str(each) for each in values] if values else "", 200)
        for key in ("classlabels_strings", "classlabels_int64s"):
            if node.op == _PICKS[1] and node.attributes.get(key):
                values = node.attributes[key][:16]
                return text([v.decode("utf-8", "replace") if isinstance(v, bytes) else v
                             for v in values], 200)  # fmt: skip
    return ""
