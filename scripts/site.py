"""Hooks of MkDocs: pages that are made from the code, and links that leave ``docs``.

MkDocs calls the functions below while `make docs` builds the site, see ``mkdocs.yml``.
"""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from scripts.pages.api import PACKAGES, api_page, top_page
from scripts.pages.blocks import block_page, blocks, list_page

__all__ = ["on_config", "on_files", "on_page_markdown"]

ROOT = Path(__file__).parent.parent
#: Pages at the top of the checkout that are pages of the site, too.
ALSO = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
_LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)(#[^)]*)?\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The pages made here are added to the navigation."""
    develop = config.nav[-1]["Develop"]
    develop += [
        {"Contributing": "contributing.md"},
        {"Changelog": "changelog.md"},
        {"Python API": [{"celosia": "api/index.md"}] + [f"api/{name}.md" for name in PACKAGES]},
    ]
    pages: dict[str, list] = {}
    for block in blocks():
        pages.setdefault(block.folder or "engine", []).append({block.name: block.page})
    works = config.nav[-2]["How it works"]
    works.append({"Blocks": ["blocks/index.md", *({key: page} for key, page in pages.items())]})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """The pages of API and blocks, and those of `ALSO`."""
    made = {"api/index.md": top_page(), "blocks/index.md": list_page()}
    made |= {f"api/{name}.md": api_page(name) for name in PACKAGES}
    made |= {block.page: block_page(block) for block in blocks()}
    made |= {page: (ROOT / name).read_text() for name, page in ALSO.items()}
    for path, text in made.items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """A link to a file that is no page of the site becomes the file's name."""
    source = page.file.src_uri
    top = {page: name for name, page in ALSO.items()}
    folder = ROOT if source in top else (ROOT / "docs" / source).parent
    here = Path(source).parent

    def moved(found: re.Match) -> str:
        target, anchor = (folder / found[1]).resolve(), found[2] or ""
        if not target.is_relative_to(ROOT):
            return found[0]
        name = target.relative_to(ROOT).as_posix()
        if name == "README.md":
            name = "docs/index.md"
        inside = ALSO.get(name) or name.removeprefix("docs/")
        if inside != name and files.get_file_from_path(inside):
            return f"]({_relative(inside, here)}{anchor if name != 'docs/index.md' else ''})"
        if source in top or not files.get_file_from_path(found[1]) and target.exists():
            return f"][outside]({name})"
        return found[0]

    text = _LINK.sub(moved, markdown)
    # A link that leads nowhere here is text, with the path that the checkout has it at.
    return re.sub(r"\[([^\]]*)\]\[outside\]\(([^)]*)\)", r"\1 (`\2`)", text)


def _relative(target: str, folder: Path) -> str:
    return "../" * len(folder.parts) + target
