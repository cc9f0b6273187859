"""Who an engine is: its configuration as the bytes of `IDENTITY`."""

from dataclasses import fields

from .config import Config
from .descriptor import Op
from .link import IDENTITY, MAGIC, VERSION

__all__ = ["config_of", "identity"]


def identity(config: Config) -> bytes:
    """The `IDENTITY` of an engine of shape ``config``, with every operation there is."""
    ops = sum(1 << op for op in Op)
    return IDENTITY.pack(magic=MAGIC, version=VERSION, ops=ops, **config.to_dict())


def config_of(values: dict[str, int]) -> Config:
    """The configuration in the unpacked fields of an `IDENTITY`.

    Raises
    ------
    ValueError : no configuration has these values; quotes the first that is wrong.
    """
    return Config(**{field.name: values[field.name] for field in fields(Config)})
