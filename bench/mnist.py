"""Cycles and accuracy on MNIST, one method a figure."""

from functools import cache

from bench.limits import cycles_per_image
from bench.models import Digits
from bench.row import Row
from bench.simulate import Measured, simulate
from celosia.spec import Config
from celosia.support.progress import Progress

__all__ = ["Mnist"]

#: Images of the runs that multiply zeros too: their cycles do not depend on the images.
_DENSE_IMAGES = 1024


class Mnist:
    """Figures of the demo's network. Every run is made once, when it is first needed."""

    def __init__(self, digits: Digits, progress: Progress):
        self.digits, self.progress = digits, progress
        self.measured = cache(self.run)

    def run(self, rows: int, cols: int, skip: bool) -> Measured:
        """A new run; `measured` gives the first one of the same arguments again."""
        x = self.digits.x if skip else self.digits.x[:_DENSE_IMAGES]
        return simulate(self.digits.graph, Config.default(rows, cols), x, skip, self.progress)

    def cycles(self, rows: int, cols: int, skip: bool, goal: float, peers: str = "") -> Row:
        """Cycles per image, from the first input word to the last output word of one run."""
        measured = self.measured(rows, cols, skip)
        metrics = measured.metrics
        if not skip:
            limit = cycles_per_image(self.digits.graph, metrics.config)
            peers = f"limit {limit:,.0f}" + (f"; {peers}" if peers else "")
        how = "zeros skipped" if skip else "no skipping"
        return Row(
            name=f"{rows}x{cols}, batches of {measured.batch}, {how}, {metrics.images:,} images",
            value=metrics.cycles_per_image,
            unit="cycles/image",
            goal=goal,
            peers=peers,
        )

    def utilization(self, rows: int, cols: int) -> Row:
        """Mean share of the multipliers that are busy, without skipping."""
        metrics = self.measured(rows, cols, False).metrics
        return Row(
            name=f"{rows}x{cols}, multipliers at work", value=100 * metrics.utilization, unit="%"
        )

    def accuracy_lost(self) -> Row:
        """Percentage points of accuracy that int8 loses; negative when it gains."""
        labels, y = self.digits.labels, self.measured(16, 16, True).outputs
        before = (self.digits.float_classes == labels).mean()
        after = (y.argmax(axis=1) == labels).mean()
        return Row(
            name=f"accuracy lost: float {before:.2%}, int8 {after:.2%}",
            value=float(100 * (before - after)),
            unit="points",
            goal=0.10,
        )

    def agreement(self) -> Row:
        """Share of the images for which float and int8 predict the same class."""
        classes = self.measured(16, 16, True).outputs.argmax(axis=1)
        same = 100 * float((classes == self.digits.float_classes).mean())
        return Row(name="same prediction as float", value=same, unit="%", goal=99.8, at_most=False)

    def seconds(self) -> Row:
        """Time to simulate the whole test set."""
        metrics = self.measured(16, 16, True).metrics
        return Row(
            name=f"16x16, {metrics.images:,} images simulated",
            value=metrics.seconds,
            unit="s",
            goal=30,
        )
