"""Names of code and paths in docs and docstrings exist, as far as source text can tell.

Nothing is imported. A reference is text in single backticks, in Markdown, in a docstring or in a
`#:` comment. What code *says* is its names and those of its strings that are one identifier: keys
of a signature, fields of a layout, names of lazy imports. These references must resolve:

- `package.module.name` and `package.module.Class.member`, from the top of a package of `ROOTS`;
- `Name.member` and a bare name of a docstring, in its module, what that imports, the modules beside
  it, or what all share (`SHARED`);
- a CamelCase or UPPER_CASE name of Markdown, with or without members, anywhere in the project;
- a path, `{a,b}` and globs allowed, in the checkout; a bare file name, anywhere in it.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[1]
#: The folder in which each top-level package is.
ROOTS = {"celosia": "sw", "celosia_hw": "hw", "tb": "", "bench": "", "scripts": "", "tests": ""}
#: Not pages of this code: the changelog has former names, the page made of the importers'
#: registries those of other projects.
_NOT = {_ROOT / "CHANGELOG.md", _ROOT / "docs/supported.md"}
PAGES = sorted({*_ROOT.glob("*.md"), *_ROOT.glob("docs/**/*.md")} - _NOT)
SOURCES = sorted(p for top in ("hw", "sw", "tb", "bench") for p in (_ROOT / top).rglob("*.py"))
#: What docstrings may name without an import.
SHARED = ("celosia.spec", "celosia_hw.layouts")
#: References to the code of others, by the first name.
OTHERS = {
    "functools", "struct", "sys", "zlib",  # Python
    "amaranth", "rtlil",  # Amaranth
    "nn", "torch",  # PyTorch
}  # fmt: skip
#: Names that this project's Python does not have, by where they are.
EXEMPT = {
    "LiteRT": {"LUTPopulate", "OpResolverType.BUILTIN_REF"},
    "TFLite Micro's macros": {"TFLITE_SINGLE_ROUNDING", "TFLITE_EMULATE_FLOAT"},
    "pins and registers of Xilinx's AXI DMA and of its connections": {
        "M_AXIS_MM2S", "S_AXIS_S2MM", "S_AXI_LITE", "M_AXI_MM2S", "M_AXI_S2MM", "S2MM_LENGTH",
    },
    "structures in harness.cpp": {"Outcome", "Report"},
}  # fmt: skip

#: Folders of pages that `make docs` makes, and checks the links to.
_MADE = ("api/", "blocks/")

_REFERENCE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_FENCE = re.compile(r"^ *```.*?^ *```", re.M | re.S)
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
_PATH = re.compile(
    r"(?:sw|hw|tests|tb|docs|bench|scripts|fusesoc)/[^ ]*|[\w*{},-]+\.(?:py|md|sh|cpp|h)"
)
#: Of two characters or more; one letter is a variable of a formula.
_NAME = re.compile(r"[A-Za-z_]\w+(?:\.[A-Za-z_]\w*)*(?:\(\))?")
#: CamelCase or UPPER_CASE, of two characters or more.
_CODE_CASE = re.compile(r"_?[A-Z][A-Z0-9_]+|_?[A-Z][a-z0-9]+[A-Z]\w*")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def documentation(path: Path) -> Iterator[str]:
    """Docstrings and `#:` comments of a module."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""
    yield "\n".join(re.findall(r"^\s*#:(.*)$", path.read_text(), re.M))


def said(node: ast.AST) -> set[str]:
    """Names of a piece of code, and its strings of one identifier."""
    words = set()
    for each in ast.walk(node):
        for field in ("id", "attr", "name", "arg", "asname"):
            word = getattr(each, field, None)
            words.update(word.split(".") if isinstance(word, str) else ())
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            words.update({each.value} if each.value.isidentifier() else ())
    return words


def called(path: Path) -> str:
    """The last part of a module's name."""
    return path.parent.name if path.stem == "__init__" else path.stem


@cache
def says(path: Path) -> frozenset[str]:
    return frozenset(
        said(tree(path)) | {path.parent.name if path.stem == "__init__" else path.stem}
    )


def module(name: str) -> Path | None:
    """The file of a dotted module name."""
    top = name.split(".")[0]
    if top not in ROOTS:
        return None
    path = _ROOT / ROOTS[top] / name.replace(".", "/")
    files = (path / "__init__.py", path.with_suffix(".py"))
    return next((file for file in files if file.exists()), None)


def imports(path: Path) -> Iterator[Path]:
    """The project's modules that a module names in its imports."""
    package = list(path.parent.relative_to(_ROOT).parts)
    package = package[1:] if package[0] in ("hw", "sw") else package
    for node in ast.walk(tree(path)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            base = ".".join([*base, *filter(None, [node.module])])
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        yield from filter(None, map(module, names))


@cache
def scope(path: Path) -> frozenset[Path]:
    """The modules in which a docstring's names are looked up."""
    shared = {file for name in SHARED for file in {module(name), *imports(module(name))}}
    return frozenset({path, *path.parent.glob("*.py"), *imports(path), *shared})


@cache
def definitions(name: str) -> tuple[ast.AST, ...]:
    """Classes, functions and values of this name, at the top of any module."""
    found = []
    for path in SOURCES:
        if name == called(path):
            found.append(tree(path))
        for node in tree(path).body:
            targets = getattr(node, "targets", [getattr(node, "target", None)])
            own = {getattr(node, "name", None), *(getattr(each, "id", None) for each in targets)}
            if name in own:
                found.append(node)
    return tuple(found)


def has_member(name: str, member: str, depth: int = 3) -> bool:
    """Whether something defined as ``name``, its bases or what it is made with, says ``member``."""
    for node in definitions(name):
        if member in said(node):
            return True
        made = getattr(node, "bases", None) or [getattr(getattr(node, "value", None), "func", None)]
        bases = [each.id for each in made if isinstance(each, ast.Name)]
        if depth and any(has_member(base, member, depth - 1) for base in bases):
            return True
    return False


def resolves(name: str, where: frozenset[Path]) -> bool:
    """Whether code of ``where`` has the name, dotted or not."""
    parts = name.removesuffix("()").split(".")
    for cut in range(len(parts), 0, -1):
        if parts[0] in ROOTS and (file := module(".".join(parts[:cut]))):
            rest = parts[cut:]
            return not rest or (rest[0] in says(file) and members(rest))
    return any(parts[0] in says(path) for path in where) and members(parts)


def members(parts: list[str]) -> bool:
    return all(has_member(a, b) for a, b in zip(parts, parts[1:], strict=False))


def exists(text: str) -> bool:
    """Whether every path that ``text`` stands for is in the checkout."""
    if braces := re.search(r"\{([^}]*)\}", text):
        before, after = text[: braces.start()], text[braces.end() :]
        return all(exists(before + each + after) for each in braces[1].split(","))
    anywhere = "" if "/" in text else "[!.]*/**/"
    return any(_ROOT.glob(anywhere + text.rstrip("/"))) or (_ROOT / text).exists()


def broken(text: str, where: frozenset[Path], wanted: re.Pattern) -> Iterator[str]:
    """The references of a text that do not resolve."""
    exempt = set().union(*EXEMPT.values())
    for reference in _REFERENCE.findall(text):
        if _PATH.fullmatch(reference):
            if not exists(reference):
                yield reference
        elif _NAME.fullmatch(reference) and reference not in exempt:
            first = reference.split(".")[0]
            if first in OTHERS or not ("." in reference or wanted.fullmatch(reference)):
                continue
            if not resolves(reference, where):
                yield reference


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(_ROOT)))
def test_page(path):
    text = _FENCE.sub("", path.read_text())
    links = [link for link in _LINK.findall(text) if not link.startswith(_MADE)]
    missing = [link for link in links if not (path.parent / link).exists()]
    assert missing + list(broken(text, frozenset(SOURCES), _CODE_CASE)) == []


@pytest.mark.parametrize("top", ["hw", "sw", "tb", "bench"])
def test_docstrings(top):
    wrong = {}
    for path in SOURCES:
        if path.is_relative_to(_ROOT / top):
            names = list(broken("\n".join(documentation(path)), scope(path), _NAME))
            wrong |= {str(path.relative_to(_ROOT)): names} if names else {}
    assert wrong == {}
