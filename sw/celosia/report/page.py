"""The page about a run: its sections in order."""

from collections.abc import Sequence
from html import escape

from . import map_sections, sections
from .classes import classes
from .document import document
from .facts import Facts
from .folding import folding
from .html import Raw, cards, section
from .roofline import over_time, roofline

__all__ = ["render"]


def render(facts: Facts, made: Sequence[tuple[str, str]] = (), mhz: float | None = None) -> str:
    """HTML of ``facts``, self-contained.

    Parameters
    ----------
    made : name and text of what the run was made with: the command, hashes of its files.
    mhz : clock for microseconds, MHz; None leaves them out.
    """
    model, config = facts.image.model, facts.image.config
    memory = map_sections.memory if config.convolution else sections.memory
    parts = [
        ("network", "Network", sections.network(facts)),
        ("cycles", "Where the cycles go", sections.cycles(facts)),
        ("time", "Layers over time", over_time(facts)),
        ("roofline", "Roofline", roofline(facts)),
        ("memory", "Memory", memory(facts)),
        ("precision", "Precision", _precision(facts)),
    ]
    if facts.folded:
        drawn = map_sections.maps(facts)
        parts += [] if drawn is None else [("maps", "Maps", drawn)]
        parts.append(("folding", "Folded channels", folding(facts.folded)))
    if facts.labels is not None:
        parts.append(("classes", "Classes", classes(facts)))
    lead = (
        f"{facts.metrics.images:,} inputs through the {config} engine "
        f"({config.multipliers:,} multipliers), batches of {facts.batch}, "
    ) + ("zeros skipped." if facts.skip else "no zeros skipped.")
    if mhz is not None:
        time = facts.prediction.cycles / facts.predicted / mhz
        lead += f" At {mhz:g} MHz an input takes {time:,.2f} us."
    if made:
        parts.append(("made", "How it was made", section("made", "How it was made", _made(made))))
    about = f"{model.name} on {config}"
    return document("run report", model.name, about, lead, cards(sections.metrics(facts)), parts)


def _made(made: Sequence[tuple[str, str]]) -> Raw:
    """Lines that wrap: a command may be long."""
    return Raw(
        "".join(f"<p>{escape(name)}: <code>{escape(what)}</code></p>" for name, what in made)
    )


def _precision(facts: Facts) -> Raw:
    if facts.precision is not None:
        return sections.precision(facts)
    return section(
        "precision",
        "Precision",
        "Not known: a program image does not hold its layers as they were. A report of a run of "
        "the model itself has precision, maps and folded channels.",
    )
