"""The origins of the rows' windows: when those of a pixel are there."""

from .load import ActiveLayer

__all__ = ["Origins"]


class Origins:
    """Prepares the origins of each pixel, a row a cycle, while the pixel before is ``current``.

    Those of ``pixels_left`` more have to be ``prepared`` of the layer; ``row`` is the one that is,
    while ``preparing``.
    """

    def __init__(self) -> None:
        self.current = self.prepared = self.preparing = False
        self.rows = self.row = self.pixels_left = 0

    @property
    def idle(self) -> bool:
        """Whether a layer may be started in this cycle."""
        return not self.preparing and not self.prepared

    def ready(self, ends: bool) -> bool:
        """Whether a pixel is current in the next cycle; ``ends`` : the current one does in this."""
        return self.prepared or (self.current and not ends)

    def edge(self, ends: bool, started: ActiveLayer | None) -> None:
        """What the clock edge makes visible. ``started`` : a layer."""
        move = self.prepared and (not self.current or ends)
        work = self.preparing
        if ends or move:
            self.current = move
        if move:
            self.prepared = False
            if self.pixels_left:
                self.pixels_left, work = self.pixels_left - 1, True
        if work:
            self.row += 1
            self.prepared = self.row == self.rows
            self.preparing = not self.prepared
            self.row %= self.rows
        if started:
            load = started.load
            self.rows, self.pixels_left = load.most_rows(started.images), load.pixels - 1
            self.preparing, self.row = True, 0

    def moves(self, ends: bool) -> bool:
        """Whether it does more than wait in the next cycle."""
        return ends or self.preparing or (self.prepared and not self.current)
