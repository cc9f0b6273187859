"""What a model needs of engines, found once for each of them."""

from celosia.compiler import lacking, needs
from celosia.network.outline import Outline
from celosia.spec import Config

__all__ = ["Needs"]


class Needs:
    """Memories and operations that a model needs.

    Parameters
    ----------
    outline : of the model.

    Attributes
    ----------
    operations : parameters of `Config` of an engine that has all operations of the model; {} if
        one with dense layers only has.
    """

    def __init__(self, outline: Outline):
        self.outline = outline
        self.operations = lacking(outline.graph, Config.default(convolution=0))
        self._found: dict[Config, dict[str, int]] = {}

    def lacks(self, config: Config) -> dict[str, int]:
        """Those of `operations` that ``config`` does not have."""
        return {name: n for name, n in self.operations.items() if getattr(config, name) < n}

    def depths(self, config: Config) -> dict[str, int]:
        """`celosia.compiler.needs` of an engine that has all operations."""
        if config not in self._found:
            self._found[config] = needs(self.outline, config)
        return self._found[config]
