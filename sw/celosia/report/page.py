"""The page about a run: its sections in order."""

from . import sections
from .classes import classes
from .document import document
from .facts import Facts
from .html import cards

__all__ = ["render"]


def render(facts: Facts) -> str:
    """HTML of ``facts``, self-contained."""
    model, config = facts.image.model, facts.image.config
    parts = [
        ("network", "Network", sections.network(facts)),
        ("cycles", "Where the cycles go", sections.cycles(facts)),
        ("memory", "Memory", sections.memory(facts)),
        ("precision", "Precision", sections.precision(facts)),
    ]
    if facts.labels is not None:
        parts.append(("classes", "Classes", classes(facts)))
    lead = (
        f"{facts.metrics.images:,} inputs through the {config} engine "
        f"({config.multipliers:,} multipliers), batches of {facts.batch}, "
    ) + ("zeros skipped." if facts.skip else "no zeros skipped.")
    about = f"{model.name} on {config}"
    return document("run report", model.name, about, lead, cards(sections.metrics(facts)), parts)
