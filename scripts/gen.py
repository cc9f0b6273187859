"""Write the files derived from `celosia.spec`: the interface reference and the C header.

Run as ``python -m scripts.gen``; with ``--check`` nothing is written, and the exit status is 1 when
a file is out of date.
"""

import inspect
import re
import sys
from enum import IntEnum
from pathlib import Path

from celosia.spec import (
    CHECKSUM,
    COUNTERS,
    DESCRIPTOR,
    IDENTITY,
    INPUT_LAYOUT,
    MAP_DESCRIPTOR,
    PARAMETER,
    PARTS,
    REQUEST,
    TRAILER,
    Config,
    InferFlag,
    Layout,
    Memory,
    Op,
    Opcode,
    Rounding,
    Status,
    axi,
    link,
    record,
    serial,
    timing,
)
from celosia.spec.serial import PACKET, WELCOME, Kind
from scripts.supported import supported

__all__ = ["files", "main"]

ROOT = Path(__file__).parent.parent
ENUMS = (Opcode, Status, Memory, InferFlag, Op, Rounding, Kind)
AXI_LAYOUTS = (axi.CONTROL, axi.STATUS, axi.INTERRUPTS, axi.RESPONSES, axi.SCRATCH)
LAYOUTS = (
    REQUEST,
    TRAILER,
    IDENTITY,
    COUNTERS,
    CHECKSUM,
    INPUT_LAYOUT,
    DESCRIPTOR,
    MAP_DESCRIPTOR,
    PARAMETER,
    PACKET,
    WELCOME,
    *AXI_LAYOUTS,
)
#: Bit of a descriptor, of either kind, at which its part begins.
_PART = DESCRIPTOR.offset("part")
EXAMPLE = Config.default(16, 16)

SUPPORTED_NOTICE = "Generated from the importers' registries by `make gen`."
NOTICE = """\
Generated from `celosia.spec` by `make gen`; do not edit. `celosia.h` beside this page has the same
for C."""
PINS = """\
`clk`, `rst` (synchronous, active high), and two streams: `i__payload`, `i__valid`, `i__ready` into
the engine, `o__payload`, `o__valid`, `o__ready` out of it. A word moves in every cycle in which
`valid` and `ready` are both 1; `valid` never waits for `ready`, and a word that was offered stays
until it is taken. A payload is `8 * link_bytes` bits of data with `last` above them. All outputs
are registers."""
AXI_ACCESS = """\
Where 1 is written to clear, a bit that the hardware sets in the same cycle stays set."""
HEADER_NOTICE = """\
/* Celosia's host link and program formats.
 * Generated from celosia.spec by `make gen`; do not edit. docs/interfaces.md explains. */"""


def files() -> dict[Path, str]:
    """The generated files and their text."""
    return {
        ROOT / "docs/interfaces.md": _reference(),
        ROOT / "docs/celosia.h": _header(),
        ROOT / "docs/supported.md": supported(SUPPORTED_NOTICE),
    }


def main(arguments: list[str]) -> int:
    stale = [path for path, text in files().items() if _read(path) != text]
    for path in stale:
        if "--check" in arguments:
            print(f"{path.relative_to(ROOT)} is out of date; run: make gen")
        else:
            path.write_text(files()[path])
            print(f"wrote {path.relative_to(ROOT)}")
    return 1 if stale and "--check" in arguments else 0


def _read(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


def _comments(thing: type | object) -> dict[str, str]:
    """The ``#:`` comments above the members of an enumeration or the constants of a module."""
    comments: dict[str, str] = {}
    pending: list[str] = []
    for line in inspect.getsource(thing).splitlines():
        if match := re.match(r"\s*#: ?(.*)", line):
            pending.append(match[1])
        elif match := re.match(r"\s*(\w+) = ", line):
            comments[match[1]] = " ".join(pending)
            pending = []
        else:
            pending = []
    return comments


def _table(head: tuple[str, ...], rows: list[tuple]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _enum_section(enum: type[IntEnum]) -> str:
    comments = _comments(enum)
    rows = [(f"`{name}`", int(one), comments[name]) for name, one in enum.__members__.items()]
    return f"### {enum.__name__}\n\n{inspect.getdoc(enum)}\n\n" + _table(
        ("name", "value", "meaning"), rows
    )


def _layout_section(layout: Layout) -> str:
    return f"### {layout.name}\n\n{layout.size} bytes, little endian.\n\n" + _fields(layout)


def _part_section(op: Op) -> str:
    """The fields of an operation; their bits count from the descriptor's first."""
    return f"### descriptor part of {op.name}\n\n" + _fields(PARTS[op], _PART)


def _fields(layout: Layout, first: int = 0) -> str:
    """The fields of ``layout``, whose bit 0 is bit ``first`` of its record."""
    rows = []
    for field in layout.fields:
        low = first + layout.offset(field.name)
        bits = f"{low}" if field.width == 1 else f"{low + field.width - 1}:{low}"
        kind = "signed" if field.signed else "unsigned"
        rows.append((bits, f"`{field.name}`", kind, field.doc))
    return _table(("bits", "field", "type", "meaning"), rows)


def _constants(module: object) -> str:
    """The whole numbers that a module exports."""
    comments = _comments(module)
    values = [(name, getattr(module, name)) for name in module.__all__]
    rows = [(f"`{name}`", n, comments[name]) for name, n in values if isinstance(n, int)]
    return _table(("constant", "value", "meaning"), rows)


def _reference() -> str:
    memories = []
    for memory in Memory:
        one = record(EXAMPLE, memory)
        access = "read, write" if one.writable else "read"
        memories.append((f"`{memory.name}`", one.size, one.depth, one.words, access))
    registers = [
        (f"`{one.address:#04x}`", f"`{one.name}`", one.access, f"`{one.layout.name}`")
        for one in axi.REGISTERS
    ]
    parts = [
        "# Interfaces",
        NOTICE,
        "## Pins",
        PINS,
        "## Link",
        inspect.getdoc(link),
        f"Magic `{link.MAGIC:#010x}`, version {link.VERSION}.",
        *(_enum_section(enum) for enum in (Opcode, InferFlag, Memory, Status)),
        *(
            _layout_section(layout)
            for layout in (REQUEST, TRAILER, IDENTITY, COUNTERS, CHECKSUM, INPUT_LAYOUT)
        ),
        "## Program",
        *(_enum_section(enum) for enum in (Op, Rounding)),
        _layout_section(DESCRIPTOR),
        _layout_section(MAP_DESCRIPTOR),
        *map(_part_section, PARTS),
        _layout_section(PARAMETER),
        "## AXI registers",
        inspect.getdoc(axi),
        _table(("address", "register", "access", "layout"), registers),
        AXI_ACCESS,
        *map(_layout_section, AXI_LAYOUTS),
        "## Memories",
        f"Records of a {EXAMPLE} engine with its default memories, and the link words each takes.",
        _table(("memory", "bytes a record", "records", "words a record", "access"), memories),
        "## Configuration",
        inspect.getdoc(Config),
        "## Latencies and depths",
        _constants(timing),
        "## Serial line",
        inspect.getdoc(serial),
        _enum_section(Kind),
        *(_layout_section(layout) for layout in (PACKET, WELCOME)),
        "### Constants",
        _constants(serial),
    ]
    return "\n\n".join(parts) + "\n"


def _header() -> str:
    lines = [
        HEADER_NOTICE,
        "#ifndef CELOSIA_H",
        "#define CELOSIA_H",
        "",
        f"#define CELOSIA_MAGIC {link.MAGIC:#010x}u",
        f"#define CELOSIA_VERSION {link.VERSION}u",
        f"#define CELOSIA_SERIAL_VERSION {serial.SERIAL_VERSION}u",
    ]
    for enum in ENUMS:
        lines += ["", f"/* {inspect.getdoc(enum).splitlines()[0]} */"]
        prefix = f"CELOSIA_{_upper(enum.__name__)}"
        lines += [f"#define {prefix}_{name} {int(one)}u" for name, one in enum.__members__.items()]
    lines += ["", "/* Addresses of the AXI version's registers */"]
    lines += [f"#define CELOSIA_AXI_{one.name} {one.address:#04x}u" for one in axi.REGISTERS]
    for layout in LAYOUTS:
        prefix = f"CELOSIA_{layout.name.upper()}"
        lines += ["", f"/* {layout.name}: bit offsets and widths, little endian */"]
        lines.append(f"#define {prefix}_SIZE {layout.size}u")
        lines += _macros(prefix, layout)
    for op, layout in PARTS.items():
        lines += ["", f"/* descriptor part of {op.name}: bits count from the descriptor's first */"]
        lines += _macros(f"CELOSIA_DESCRIPTOR_{op.name}", layout, _PART)
    return "\n".join([*lines, "", "#endif", ""])


def _macros(prefix: str, layout: Layout, first: int = 0) -> list[str]:
    lines = []
    for field in layout.fields:
        name = f"{prefix}_{field.name.upper()}"
        lines.append(f"#define {name}_OFFSET {first + layout.offset(field.name)}u")
        lines.append(f"#define {name}_WIDTH {field.width}u")
    return lines


def _upper(name: str) -> str:
    """InferFlag -> INFER_FLAG"""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
