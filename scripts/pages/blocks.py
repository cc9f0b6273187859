"""A page for each hardware block: its pictures, its ports, and its docstring."""

import importlib
import inspect
import pkgutil
from dataclasses import dataclass

from amaranth.lib import wiring

import celosia_hw
from celosia.spec import Config

from .datapath import datapath
from .docstring import markdown
from .drawing import inside, outside, ports

__all__ = ["CONFIG", "Block", "block_page", "blocks", "list_page"]

#: The engine whose widths the pictures show.
CONFIG = Config.default(8, 8)
#: Of blocks that only engines without convolution have.
_DENSE = Config.default(8, 8, convolution=0)
#: Built with other arguments than a configuration, or no block of an engine of its own.
_ARGUMENTS = {"divisor": 16, "words": 4, "shape": 8}
_TITLES = {
    "": "Around everything",
    "link": "Link: request frames in, response frames out",
    "core": "Core: memories, sequencer, hazards",
    "feeder": "Feeder: layers to operands",
    "array": "Array: operands to sums",
    "postprocess": "Post-processing: sums to bytes and words",
    "serial": "Serial line",
    "axi": "AXI",
    "util": "Small parts",
}


@dataclass(frozen=True)
class Block:
    """A component of ``folder`` in ``celosia_hw``."""

    cls: type[wiring.Component]
    folder: str

    @property
    def name(self) -> str:
        return self.cls.__name__

    @property
    def page(self) -> str:
        return f"blocks/{self.name}.md"

    def make(self) -> wiring.Component:
        """One of the size of `CONFIG`, or if its engines have no convolution, of `_DENSE`."""
        made = self._of(CONFIG)
        try:
            made.elaborate(None)
        except AttributeError:  # fields of a layout that engines with convolution lack
            made = self._of(_DENSE)
        return made

    def _of(self, config: Config) -> wiring.Component:
        arguments = _ARGUMENTS | {"config": config}
        parameters = list(inspect.signature(self.cls.__init__).parameters)[1:]
        return self.cls(**{name: arguments[name] for name in parameters if name in arguments})


def blocks() -> list[Block]:
    """All blocks, folder by folder; cells and whole boards are not among them."""
    found = []
    for module in pkgutil.walk_packages(celosia_hw.__path__, "celosia_hw."):
        folder = module.name.split(".")[1] if module.name.count(".") > 1 else ""
        if folder not in _TITLES or module.ispkg:
            continue
        imported = importlib.import_module(module.name)
        for name in getattr(imported, "__all__", ()):
            thing = getattr(imported, name)
            if inspect.isclass(thing) and issubclass(thing, wiring.Component):
                found.append(Block(thing, folder))
    return sorted(found, key=lambda block: list(_TITLES).index(block.folder))


def list_page() -> str:
    """All blocks, each with the first line of its docstring."""
    parts = [
        "# Hardware blocks",
        f"Made from the RTL as this site is built, of a {CONFIG.rows}x{CONFIG.cols} engine.",
    ]
    for folder, title in _TITLES.items():
        rows = [
            f"| [{block.name}]({block.name}.md) | {_first(block)} |"
            for block in blocks()
            if block.folder == folder
        ]
        parts += [f"## {title}", "\n".join(["| block | what |", "|---|---|", *rows])]
    return "\n\n".join(parts) + "\n"


def block_page(block: Block) -> str:
    """The page of one block; its pictures are part of it."""
    file = inspect.getsourcefile(block.cls)
    path = "hw/" + file[file.index("celosia_hw") :].replace("\\", "/")
    text = [f"# {block.name}", f"`{path}`", markdown(block.cls.__doc__)]
    made = block.make()
    text += ["## Outside", _picture(outside(block.name, made))]
    text.append("Thick arrows are streams: `payload` as wide as shown, `valid` and `ready`.")
    rows = [
        f"| `{name}` | {'in' if incoming else 'out'} | {'stream, ' * stream}{what} |"
        for name, incoming, what, stream in ports(made)
    ]
    text.append("\n".join(["| port | direction | carries |", "|---|---|---|", *rows]))
    graph = datapath(block.make())
    if any(kind in ("block", "register") for kind in graph[0].values()):
        text += ["## Inside", _picture(inside(block.name, graph))]
        text.append(
            "Violet boxes are blocks, blue ones the widest registers. An arrow is data that "
            "reaches a box, through logic that is not drawn; dashed arrows go against the flow. "
            "Conditions and handshakes are left out."
        )
    return "\n\n".join(text) + "\n"


def _first(block: Block) -> str:
    """The first sentence of its docstring, which may be longer than a line."""
    lines = inspect.cleandoc(block.cls.__doc__ or "").split("\n\n")[0].split("\n")
    return " ".join(lines).replace("|", "\\|")


def _picture(svg: str) -> str:
    return f'<div class="picture">{svg.strip()}</div>'
