"""One layer of a Keras file, which remembers what was read of its configuration."""

from collections.abc import Callable
from typing import Any

import numpy as np

from celosia.importer.guard import text
from celosia.support.errors import CelosiaError, Unsupported

__all__ = ["Layer"]

#: What every layer may have, and what matters in training only.
_ALWAYS = frozenset(
    "name trainable dtype batch_input_shape batch_shape sparse ragged seed noise_shape "
    "activity_regularizer autocast input_dtype implementation".split()
)
_TRAINING = ("_initializer", "_regularizer", "_constraint")


class Layer:
    """One layer of the file.

    Whatever is in its configuration and its handler does not read is refused by `finish`: an
    argument that nobody knows may change what the layer computes.

    Parameters
    ----------
    name : as the user named it.
    config : its configuration.
    variables : ``variables(count)`` gives its first ``count`` arrays; CelosiaError when there are
        fewer.
    """

    def __init__(
        self,
        name: str,
        config: dict[str, Any],
        variables: Callable[[int], list[np.ndarray]],
    ):
        self.name, self._config, self.variables = name, config, variables
        self._read: set[str] = set()

    def finish(self) -> None:
        """Check that all of the configuration was read.

        Raises
        ------
        Unsupported : something was not, and is neither null, false nor empty.
        """
        self._check_type()
        for key, value in self._config.items():
            if key in self._read or key in _ALWAYS or key.endswith(_TRAINING):
                continue
            if value not in (None, False, "", [], {}):
                raise Unsupported(f"argument {text(key)} = {text(value)} is not supported")

    def _check_type(self) -> None:
        """A layer may compute in any kind of floats, here it is float32."""
        policy = self._config.get("dtype")
        if isinstance(policy, dict):
            policy = policy.get("config", {}).get("name", policy.get("class_name"))
        plain = str(policy).removeprefix("mixed_")
        if policy is not None and plain not in ("float32", "float16", "bfloat16", "float64"):
            raise Unsupported(f"argument dtype = {text(policy)} is not supported")

    def get(self, key: str, default: Any = None) -> Any:
        self._read.add(key)
        return self._config.get(key, default)

    def ignore(self, *keys: str) -> None:
        """Arguments that do not matter here."""
        self._read.update(keys)

    def number(self, key: str, default: float = 0.0) -> float:
        """The number at ``key``."""
        value = self.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise CelosiaError(f"{key} is {text(value)!r}, not a number")
        return value

    def integers(self, key: str, axes: int, default: int = 1) -> list[int]:
        """The integers at ``key``, one for each axis of a map; a number stands for all."""
        value = self.get(key, default)
        value = value if isinstance(value, list) else [value] * axes
        if len(value) != axes or not all(type(each) is int for each in value):
            raise CelosiaError(f"{key} is {text(value)}, not {axes} integers")
        return value

    def axis(self, default: int = -1) -> int:
        """The one axis at "axis"."""
        value = self.get("axis", default)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if type(value) is not int:
            raise Unsupported(f"argument axis = {text(value)} is not supported")
        return value

    @property
    def channels_first(self) -> bool:
        """Whether its maps have their channels first."""
        form = self.get("data_format") or "channels_last"
        if form not in ("channels_last", "channels_first"):
            raise Unsupported(f"argument data_format = {text(form)} is not supported")
        return form == "channels_first"
