"""The page: its sections in order, in one template."""

from html import escape
from importlib import resources
from string import Template

import celosia
from celosia.report import sections
from celosia.report.facts import Facts
from celosia.report.html import cards

__all__ = ["render"]


def render(facts: Facts) -> str:
    """The HTML of ``facts``; it holds everything that it shows."""
    model, config = facts.image.model, facts.image.config
    parts = [
        ("network", "Network", sections.network(facts)),
        ("cycles", "Where the cycles go", sections.cycles(facts)),
        ("memory", "Memory", sections.memory(facts)),
        ("precision", "Precision", sections.precision(facts)),
    ]
    if facts.labels is not None:
        parts.append(("classes", "Classes", sections.classes(facts)))
    template = resources.files(__package__).joinpath("template.html").read_text("utf-8")
    return Template(template).substitute(
        title=escape(f"{model.name} on {config}: Celosia run report"),
        name=escape(model.name),
        lead=escape(
            f"{facts.figures.images:,} inputs through the {config} engine "
            f"({config.multipliers:,} multipliers), batches of {facts.batch}, "
            + ("zeros skipped." if facts.skip else "nothing skipped.")
        ),
        links=" ".join(f'<a href="#{name}">{escape(title)}</a>' for name, title, _ in parts),
        cards=cards(sections.figures(facts)),
        sections="\n".join(html for _, _, html in parts),
        version=escape(celosia.__version__),
    )
