"""Payload layouts shared between components, derived from `celosia.spec`."""

from amaranth import *
from amaranth.lib import data

from celosia.spec import ACC, ACTIVATION, DESCRIPTOR, PARAMETER, Config, Layout

__all__ = [
    "active_layer",
    "beat",
    "element",
    "link_word",
    "parameter_word",
    "segment",
    "struct",
    "sums",
    "word",
]


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
    """Requantization parameters of ``requantizers`` neighbouring channels."""
    return data.ArrayLayout(struct(PARAMETER), config.requantizers)


def beat(config: Config) -> data.ArrayLayout:
    """What one beat makes of an activation word: ``requantizers`` bytes of it, lowest first."""
    return data.ArrayLayout(ACTIVATION.width, config.requantizers)


def sums(config: Config) -> data.ArrayLayout:
    """The sums of one beat."""
    return data.ArrayLayout(signed(ACC.width), config.requantizers)


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

    ``mask`` has a bit for each of them; 0, when ``empty``, only closes the tile. ``last``: the tile
    ends here.
    ``src`` is the word's address, ``weights`` the weight word of its byte 0.
    """
    return data.StructLayout(
        {
            "mask": config.lanes,
            "empty": 1,
            "last": 1,
            "src": range(config.act_depth),
            "weights": range(config.weight_depth),
        }
    )


def element(config: Config) -> data.StructLayout:
    """Where the results of one beat belong; travels with them through the requantizer.

    ``row`` and ``active`` (0 for a row without an image), ``dst`` the word they are part of, which
    is whole with ``whole``, its last beat. The rest is 1 only there: ``word_end`` in the last row,
    ``frame_end`` on the last word the host gets of a run, ``layer_end`` on the last of a layer.
    """
    return data.StructLayout(
        {
            "whole": 1,
            "row": range(config.rows),
            "active": 1,
            "dst": range(config.act_depth),
            "word_end": 1,
            "frame_end": 1,
            "layer_end": 1,
        }
    )
