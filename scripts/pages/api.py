"""Pages of the Python API: each package's public names, with signatures and docstrings."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import celosia

from .docstring import markdown

__all__ = ["PACKAGES", "api_page", "top_page"]

#: In the order of their use; each is a page.
PACKAGES = (
    *("importer", "network", "quant", "compiler", "driver", "model", "predict", "compare"),
    *("report", "explore", "boards", "flow", "simulated", "testbench", "examples"),
    *("spec", "numerics", "ops", "demo", "support"),
)


def top_page() -> str:
    """What ``import celosia`` gives, whose names are those that users need most."""
    parts = ["# celosia", markdown(celosia.__doc__)]
    for name in celosia.__all__:
        parts += _entry(getattr(celosia, name), name, level=2)
    return "\n\n".join(parts) + "\n"


def api_page(package: str) -> str:
    """The page of ``celosia.<package>``."""
    parts = []
    for module in _modules(f"celosia.{package}"):
        entries = []
        for name in getattr(module, "__all__", ()):
            thing = getattr(module, name, None)
            if getattr(thing, "__module__", None) == module.__name__:
                entries += _entry(thing, name, level=3)
        first = module.__name__ == f"celosia.{package}"
        if entries or first:
            parts += [f"{'#' if first else '##'} {module.__name__}", markdown(module.__doc__)]
            parts += entries
    return "\n\n".join(filter(None, parts)) + "\n"


def _modules(name: str) -> Iterator[ModuleType]:
    """The package and its modules; one whose extra is not installed is left out."""
    package = importlib.import_module(name)
    yield package
    for found in sorted(pkgutil.iter_modules(package.__path__), key=lambda each: each.name):
        path = f"{name}.{found.name}"
        try:
            module = importlib.import_module(path)
        except ImportError:
            continue
        yield from _modules(path) if found.ispkg else [module]


def _entry(thing: object, name: str, level: int) -> list[str]:
    parts = [f"{'#' * level} {name}"]
    if callable(thing):
        parts.append(f"```python\n{_signature(thing, name)}\n```")
    parts.append(markdown(_own_doc(thing)))
    if inspect.isclass(thing):
        for member, value in vars(thing).items():
            function = getattr(value, "__func__", value)
            if member.startswith("_") or not inspect.getdoc(value):
                continue
            if isinstance(value, property) or hasattr(value, "func"):
                parts.append(f"**`{member}`**: {markdown(value.__doc__)}")
            elif inspect.isfunction(function):
                parts.append(f"```python\n{_signature(function, member)}\n```")
                parts.append(markdown(function.__doc__))
    return parts


def _own_doc(thing: object) -> str:
    """The docstring of ``thing`` itself: of a value none, not that of its type."""
    doc = getattr(thing, "__doc__", "") or ""
    of_type = "" if inspect.isclass(thing) else type(thing).__doc__
    # What dataclasses and enumerations write when there is none says nothing.
    made = inspect.isclass(thing) and doc.startswith(f"{thing.__name__}(")
    return "" if doc == of_type or made else doc


def _signature(thing: object, name: str) -> str:
    """As one writes it, a parameter a line when it is long."""
    kind = "class " if inspect.isclass(thing) else "def "
    try:
        found = inspect.signature(thing)
    except (TypeError, ValueError):
        return f"{kind}{name}(...)"
    text = inspect.formatannotation
    parameters = []
    for each in found.parameters.values():
        default = each.default
        # A value whose text has an address in memory would differ from run to run.
        if default is not each.empty and " at 0x" in repr(default):
            each = each.replace(default=getattr(default, "__name__", "..."))
        parameters.append(str(each))
    returns = found.return_annotation
    arrow = "" if returns is found.empty else f" -> {text(returns)}"
    line = f"{kind}{name}({', '.join(parameters)}){arrow}"
    if len(line) <= 88:
        return line
    return f"{kind}{name}(\n    " + ",\n    ".join(parameters) + f",\n){arrow}"
