"""What the site of the documentation is made of; `make docs` builds all of it."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from scripts.pages.api import PACKAGES, api_page, top_page
from scripts.pages.blocks import block_page, blocks
from scripts.pages.datapath import datapath
from scripts.pages.docstring import markdown

_ROOT = Path(__file__).resolve().parents[2]


def navigation(entry: object) -> set[str]:
    if isinstance(entry, str):
        return {entry}
    return set().union(*map(navigation, entry.values() if isinstance(entry, dict) else entry))


def test_every_page_is_in_the_navigation():
    text = re.sub(r"!!python/name:\S+", "x", (_ROOT / "mkdocs.yml").read_text())
    pages = {path.relative_to(_ROOT / "docs").as_posix() for path in _ROOT.glob("docs/**/*.md")}
    assert navigation(yaml.safe_load(text)["nav"]) == pages


def test_pictures_show_what_the_rtl_has():
    array = next(block for block in blocks() if block.name == "MacArray")
    page = block_page(array)
    outside, inside = re.findall(r'<div class="picture">(.*?)</div>', page)
    for svg, words in (
        (outside, {"MacArray", "i", "capturing", "shift", "head", "1 bit"}),
        (inside, {"products", "acc", "chain"}),
    ):
        texts = {each.text for each in ElementTree.fromstring(svg).iter() if each.text}
        assert words <= texts
    edges = datapath(array.make())[1]
    path = ["port i", "products", "acc", "chain", "port head"]
    assert set(zip(path, path[1:], strict=False)) <= edges


@pytest.mark.parametrize("name", ["Core", "Drain", "Operands", "SkidBuffer", "UartReceiver"])
def test_blocks_of_every_kind_have_a_page(name):
    (block,) = (each for each in blocks() if each.name == name)
    page = block_page(block)
    assert "## Outside" in page and "| port | direction |" in page


def test_api_pages_have_the_public_names():
    assert all(f"## {name}\n" in top_page() for name in ("compile", "open", "Config", "Image"))
    assert {"### Device", "### open"} <= set(api_page("driver").splitlines())
    assert len(PACKAGES) == len(set(PACKAGES))


def test_every_package_has_a_page():
    found = {path.parent.name for path in _ROOT.glob("sw/celosia/*/__init__.py")}
    assert found - {"cli"} == set(PACKAGES)


def test_docstrings_become_markdown():
    text = markdown("What.\n\nParameters\n----------\na : one,\n    or two.\nb, c : three.\n")
    assert text == "What.\n\n**Parameters**\n\n- `a`: one,\n    or two.\n- `b, c`: three."
    assert markdown(">>> 1 + 1\n2") == "```python\n>>> 1 + 1\n2\n```"


def test_messages_of_troubleshooting_are_those_of_the_program():
    """A symptom in backticks is found in the sources, up to its dots."""
    said = "".join(
        path.read_text() for top in ("sw", "scripts") for path in (_ROOT / top).rglob("*")
        if path.suffix in (".py", ".sh")
    )  # fmt: skip
    said = re.sub(r'"\s*\n\s*f?"', "", said)
    page = (_ROOT / "docs/troubleshooting.md").read_text()
    symptoms = re.findall(r"^\| `([^`]+)` \|", page, re.M)
    assert len(symptoms) >= 8
    missing = []
    for symptom in symptoms:
        parts = re.split(r"[:;] ", symptom.removesuffix(" ..."))
        missing += [part for part in parts[-2:] if part not in said and part != "setup"]
    assert missing == []
