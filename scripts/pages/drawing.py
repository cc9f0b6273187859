"""Pictures of blocks as SVG: the pins outside, and the data path inside."""

from html import escape

from amaranth.hdl import Shape
from amaranth.lib import wiring

from .datapath import Graph

__all__ = ["inside", "outside", "ports"]

_FONT = "font-family='ui-monospace, monospace' font-size='13'"
_COLOURS = {
    "block": ("#ede7f6", "#5e35b1"),
    "register": ("#e3f2fd", "#1e88e5"),
    "in": ("#ffffff", "#9e9e9e"),
    "out": ("#ffffff", "#9e9e9e"),
}
_LINE, _ROW, _GAP = 8, 34, 74


def ports(block: wiring.Component) -> list[tuple[str, bool, str, bool]]:
    """(name, whether it is an input, what it carries, whether it is a stream) of each port."""
    found = []
    for name, member in block.signature.members.items():
        times = "".join(f"{count} x " for count in member.dimensions)
        if member.is_port:
            width, stream = Shape.cast(member.shape).width, False
        else:
            signature, stream = member.signature, hasattr(member.signature, "payload_shape")
            width = sum(
                Shape.cast(each.shape).width
                for path, each, _ in signature.flatten(signature.create())
                if path[-1] not in ("valid", "ready")
            )
        what = f"{times}{width} bit{'s' * (width != 1)}"
        found.append((name, member.flow is wiring.In, what, stream))
    return found


def outside(title: str, block: wiring.Component) -> str:
    """``block`` as a box with its ports; streams are thick arrows."""
    sides = {True: [], False: []}
    for name, incoming, what, stream in ports(block):
        sides[incoming].append((name, what, stream))
    longest = max([len(name) for side in sides.values() for name, *_ in side] + [0])
    inner = max(16 * len(title) // 2 + 60, 2 * longest * _LINE + 60)
    labels = max([len(what) for side in sides.values() for _, what, _ in side] + [0])
    margin = labels * _LINE + 40
    height = max(map(len, sides.values())) * 26 + 50
    width = inner + 2 * margin
    parts = [_box(margin, 10, inner, height, "block"), _text(width / 2, 30, title, "middle", True)]
    for incoming, side in sides.items():
        x = margin if incoming else margin + inner
        for at, (name, what, stream) in enumerate(side):
            y = 60 + 26 * at
            far = x - 30 if incoming else x + 30
            parts.append(_arrow(far, y, x, y, stream) if incoming else _arrow(x, y, far, y, stream))
            inside_x = x + 8 if incoming else x - 8
            parts.append(_text(inside_x, y + 4, name, "start" if incoming else "end"))
            outside_x = far - 6 if incoming else far + 6
            parts.append(_text(outside_x, y + 4, what, "end" if incoming else "start", grey=True))
    return _svg(width, height + 20, parts, f"{title} from outside")


def inside(title: str, graph: Graph) -> str:
    """The nodes of ``graph`` from left to right in the direction of the data."""
    nodes, edges = graph
    forward = _forward(nodes, edges)
    ranks = _ranks(nodes, forward)
    columns = _columns(ranks, edges)
    label = {node: node.removeprefix("port ") for node in nodes}
    boxes: dict[str, tuple[float, float, float]] = {}
    x = 16.0
    tallest = max(map(len, columns))
    for column in columns:
        wide = max(len(label[node]) for node in column) * _LINE + 24
        top = 20 + (tallest - len(column)) * _ROW / 2
        for at, node in enumerate(column):
            boxes[node] = (x, top + at * _ROW, wide)
        x += wide + _GAP
    bottom = 20 + tallest * _ROW
    parts, back = [], 0
    for source, target in sorted(edges):
        x0, y0, w0 = boxes[source]
        x1, y1, _ = boxes[target]
        if ranks[source] < ranks[target]:
            x0, y0, y1 = x0 + w0, y0 + 12, y1 + 12
            middle = (x0 + x1) / 2
            parts.append(_path(f"M{x0} {y0} C{middle} {y0} {middle} {y1} {x1 - 4} {y1}"))
        else:  # against the direction of the data: below everything
            low = bottom + 6 + 7 * back
            back += 1
            a, b = x0 + w0 / 2, x1 + boxes[target][2] / 2 - 6
            parts.append(
                _path(f"M{a} {y0 + 24} C{a} {low} {a} {low} {(a + b) / 2} {low} "
                      f"S{b} {low} {b} {y1 + 28}", dashed=True)
            )  # fmt: skip
    for node, (left, top, wide) in boxes.items():
        parts.append(_box(left, top, wide, 24, nodes[node]))
        parts.append(_text(left + wide / 2, top + 16, label[node], "middle"))
    return _svg(x - _GAP + 16, bottom + 16 + 7 * back, parts, f"{title} from inside")


def _forward(nodes: dict[str, str], edges: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The edges that follow an order of the nodes against which few edges go."""
    kinds = {"in": 0, "block": 1, "register": 1, "out": 2}
    order = sorted(nodes, key=lambda node: kinds[nodes[node]])

    def against(order: list[str]) -> int:
        place = {node: at for at, node in enumerate(order)}
        return sum(place[a] > place[b] for a, b in edges)

    inner = [node for node in order if kinds[nodes[node]] == 1]
    first, last = order[: order.index(inner[0])], [n for n in order if nodes[n] == "out"]
    for node in inner * 2:
        rest = [each for each in inner if each != node]
        tried = [rest[:at] + [node] + rest[at:] for at in range(len(inner))]
        inner = min([inner, *tried], key=lambda each: against(first + each + last))
    place = {node: at for at, node in enumerate(first + inner + last)}
    return {(a, b) for a, b in edges if place[a] < place[b]}


def _ranks(nodes: dict[str, str], forward: set[tuple[str, str]]) -> dict[str, int]:
    """The longest way to each node; outputs are last."""
    ranks = dict.fromkeys(nodes, 0)
    for _ in nodes:
        for source, target in forward:
            ranks[target] = max(ranks[target], ranks[source] + 1)
    last = max(ranks.values())
    for node, kind in nodes.items():
        if kind == "out":
            ranks[node] = last
        elif kind == "in":
            ranks[node] = 0
    return ranks


def _columns(ranks: dict[str, int], edges: set[tuple[str, str]]) -> list[list[str]]:
    """Nodes by rank, in an order with few crossings: each at the mean of its neighbours."""
    columns = [[n for n in ranks if ranks[n] == rank] for rank in sorted(set(ranks.values()))]
    for _ in range(8):
        place = {n: at - len(c) / 2 for c in columns for at, n in enumerate(c)}

        def mean(node: str, place: dict[str, float] = place) -> float:
            near = [place[a if b == node else b] for a, b in edges if node in (a, b)]
            return sum(near) / len(near) if near else 0.0

        for column in columns:
            column.sort(key=mean)
    return columns


def _box(x: float, y: float, width: float, height: float, kind: str) -> str:
    fill, stroke = _COLOURS[kind]
    return (
        f"<rect x='{x:g}' y='{y:g}' width='{width:g}' height='{height:g}' rx='5' "
        f"fill='{fill}' stroke='{stroke}'/>"
    )


def _text(
    x: float, y: float, text: str, anchor: str, bold: bool = False, grey: bool = False
) -> str:
    style = " font-weight='bold'" * bold + f" fill='{'#757575' if grey else '#212121'}'"
    return f"<text x='{x:g}' y='{y:g}' text-anchor='{anchor}'{style}>{escape(text)}</text>"


def _arrow(x0: float, y0: float, x1: float, y1: float, thick: bool) -> str:
    width = 3 if thick else 1.2
    return (
        f"<path d='M{x0:g} {y0:g} L{x1 - (5 if thick else 3):g} {y1:g}' stroke='#424242' "
        f"stroke-width='{width}' marker-end='url(#{'thick' if thick else 'thin'})'/>"
    )


def _path(d: str, dashed: bool = False) -> str:
    dash = " stroke-dasharray='4 3'" * dashed
    return f"<path d='{d}' fill='none' stroke='#757575'{dash} marker-end='url(#thin)'/>"


def _svg(width: float, height: float, parts: list[str], title: str) -> str:
    marker = "<marker id='{}' markerWidth='{}' markerHeight='{}' refX='4' refY='3' orient='auto'>"
    head = "<path d='M0 0 L6 3 L0 6 z' fill='#424242'/></marker>"
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width:g} {height:g}' "
        f"width='{width:g}' {_FONT} role='img'><title>{escape(title)}</title><defs>"
        + marker.format("thin", 7, 6) + head
        + marker.format("thick", 4, 6).replace("<marker", "<marker viewBox='0 0 6 6'") + head
        + f"</defs><rect width='{width:g}' height='{height:g}' fill='#fafafa' rx='6'/>"
        + "".join(parts) + "</svg>\n"
    )  # fmt: skip
