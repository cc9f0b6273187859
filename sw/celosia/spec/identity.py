"""Who an engine is: its configuration as the bytes of `IDENTITY`."""

from dataclasses import fields

from .config import Config
from .link import IDENTITY, MAGIC, VERSION
from .ops import Op

__all__ = ["config_of", "identity"]

#: Parameters of `Config` that ``ops`` tells.
_OF_OPS = {"convolution": Op.CONVOLUTION, "depthwise": Op.DEPTHWISE}


def identity(config: Config) -> bytes:
    """The `IDENTITY` of an engine of shape ``config``."""
    ops = sum(1 << op for op in config.ops)
    values = {name: value for name, value in config.to_dict().items() if name not in _OF_OPS}
    return IDENTITY.pack(magic=MAGIC, version=VERSION, ops=ops, **values)


def config_of(values: dict[str, int]) -> Config:
    """The configuration in the unpacked fields of an `IDENTITY`.

    Raises
    ------
    ValueError : no configuration has these values; quotes the first that is wrong.
    """
    ops = {name: values["ops"] >> op & 1 for name, op in _OF_OPS.items()}
    config = Config(**{field.name: (values | ops)[field.name] for field in fields(Config)})
    if values["ops"] != sum(1 << op for op in config.ops):
        raise ValueError(f"ops = {values['ops']:#x} is no engine's set of operations")
    return config
