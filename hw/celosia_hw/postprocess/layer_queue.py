"""The layers that a drain knows: the open one and the one after it."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from celosia.spec import DESCRIPTOR, Config
from celosia_hw.layouts import active_layer, settings, struct

__all__ = ["LayerQueue", "drained_layer"]


def drained_layer(config: Config) -> data.StructLayout:
    """What a drain needs of a layer."""
    return data.StructLayout(
        {
            "settings": settings(),
            "tiles": struct(DESCRIPTOR)["tiles"].shape,
            "dst": range(config.act_depth),
            "params": range(config.param_depth),
            "images": range(config.rows),
        }
    )


class LayerQueue(wiring.Component):
    """Holds the open layer until it has arrived at the memories, and one that waits.

    A layer opens when the one before it is `done` or there is none: `layer` is the new one from the
    next cycle on, in which ``opened`` is 1. The first can be taken in cycle t, waits in t + 1 and
    is open in t + 2.

    Parameters
    ----------
    config : the engine's configuration.

    Members
    -------
    i : In(stream of `active_layer`).
    done : In(1), the open layer has arrived at the memories.
    layer : Out(`drained_layer`), held from ``opened`` until the next one opens.
    opened : Out(1).
    """

    def __init__(self, config: Config):
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(active_layer(config))),
                "done": In(1),
                "layer": Out(drained_layer(config)),
                "opened": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        taken = Signal(drained_layer(self.config))
        descriptor = self.i.payload.descriptor
        m.d.comb += [
            *(taken.settings[name].eq(descriptor[name]) for name, _ in settings()),
            *(taken[name].eq(descriptor[name]) for name in ("tiles", "dst", "params")),
            taken.images.eq(self.i.payload.images),
        ]
        waiting = Signal(taken.shape())
        waiting_valid = Signal()
        open_valid = Signal()
        opens = waiting_valid & ~open_valid
        m.d.comb += self.i.ready.eq(~waiting_valid | ~open_valid)
        m.d.sync += self.opened.eq(opens)
        with m.If(self.done):
            m.d.sync += open_valid.eq(0)
        with m.If(opens):
            m.d.sync += [open_valid.eq(1), self.layer.eq(waiting), waiting_valid.eq(0)]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [waiting.eq(taken), waiting_valid.eq(1)]
        return m
