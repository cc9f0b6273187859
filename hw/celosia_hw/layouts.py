"""Payload layouts shared between components, derived from `celosia.spec`."""

from amaranth import *
from amaranth.lib import data

from celosia.spec import ACTIVATION, DESCRIPTOR, PARAMETER, Config, Layout

__all__ = ["active_layer", "element", "link_word", "parameter_word", "segment", "struct", "word"]


def struct(layout: Layout) -> data.StructLayout:
    """The Amaranth layout of a `celosia.spec` table, without its padding."""
    return data.StructLayout(
        {
            field.name: signed(field.width) if field.signed else unsigned(field.width)
            for field in layout.fields
        }
    )


def link_word(config: Config) -> data.StructLayout:
    """One word of the host link: ``data`` and ``last``, 1 on the final word of a frame."""
    return data.StructLayout({"data": 8 * config.link_bytes, "last": 1})


def word(config: Config) -> data.ArrayLayout:
    """One activation word: ``lanes`` offset-binary bytes of neighbouring channels."""
    return data.ArrayLayout(ACTIVATION.width, config.lanes)


def parameter_word(config: Config) -> data.ArrayLayout:
    """Requantization parameters of ``lanes`` neighbouring channels."""
    return data.ArrayLayout(struct(PARAMETER), config.lanes)


def active_layer(config: Config) -> data.StructLayout:
    """A layer about to run: its descriptor, and what the run adds to it.

    ``entry`` is the descriptor's address, ``base`` the first word of the run's input bank,
    ``images`` the number of images less one, ``skip`` 1 when zero bytes are skipped.
    """
    return data.StructLayout(
        {
            "descriptor": struct(DESCRIPTOR),
            "base": range(config.act_depth),
            "images": range(config.rows),
            "skip": 1,
        }
    )


def segment(config: Config) -> data.StructLayout:
    """An activation word in which some bytes are to be multiplied.

    ``mask`` has a bit for each of them; 0 only closes the tile. ``last``: the tile ends here.
    ``src`` is the word's address, ``weights`` the weight word of its byte 0.
    """
    return data.StructLayout(
        {
            "mask": config.lanes,
            "last": 1,
            "src": range(config.act_depth),
            "weights": range(config.weight_depth),
        }
    )


def element(config: Config) -> data.StructLayout:
    """Where ``lanes`` results of one row belong; travels with them through the requantizer.

    ``row`` and ``active`` (0 for a row without an image), ``dst`` the word they make. ``word_end``
    on the last row of a word, ``frame_end`` on the last element the host gets of a run,
    ``layer_end`` on the last of a layer.
    """
    return data.StructLayout(
        {
            "row": range(config.rows),
            "active": 1,
            "dst": range(config.act_depth),
            "word_end": 1,
            "frame_end": 1,
            "layer_end": 1,
        }
    )
