"""Bit layouts as data: the same table packs bytes for the driver and shapes signals in hardware."""

from dataclasses import dataclass

__all__ = ["Field", "Layout"]


@dataclass(frozen=True)
class Field:
    """``width`` bits called ``name``; ``doc`` says meaning, unit and range."""

    name: str
    width: int
    doc: str
    signed: bool = False

    @property
    def min(self) -> int:
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def max(self) -> int:
        return (1 << (self.width - self.signed)) - 1


@dataclass(frozen=True)
class Layout:
    """Fields packed from bit 0 upwards, zero-padded to ``size`` bytes, little endian.

    Raises
    ------
    ValueError
        from the constructor when the fields need more than ``size`` bytes or share a name; from
        `pack` when a value is outside its field, naming field and value.
    """

    name: str
    size: int
    fields: tuple[Field, ...]

    def __post_init__(self) -> None:
        if self.width > 8 * self.size:
            raise ValueError(f"{self.name}: {self.width} bits do not fit {self.size} bytes")
        if len({field.name for field in self.fields}) != len(self.fields):
            raise ValueError(f"{self.name}: two fields share a name")

    @property
    def width(self) -> int:
        """Sum of the field widths in bits, without the padding."""
        return sum(field.width for field in self.fields)

    def offset(self, name: str) -> int:
        """Bit position of field ``name``."""
        position = 0
        for field in self.fields:
            if field.name == name:
                return position
            position += field.width
        raise KeyError(f"{self.name} has no field {name!r}")

    def width_of(self, name: str) -> int:
        """Bits of field ``name``."""
        for field in self.fields:
            if field.name == name:
                return field.width
        raise KeyError(f"{self.name} has no field {name!r}")

    def pack(self, **values: int) -> bytes:
        """``size`` bytes holding ``values``; fields not named are 0."""
        word, position = 0, 0
        for field in self.fields:
            value = int(values.pop(field.name, 0))
            if not field.min <= value <= field.max:
                raise ValueError(
                    f"{self.name}.{field.name} = {value} is outside {field.min}..{field.max}"
                )
            word |= (value & ((1 << field.width) - 1)) << position
            position += field.width
        if values:
            raise ValueError(f"{self.name} has no field {next(iter(values))!r}")
        return word.to_bytes(self.size, "little")

    def unpack(self, data: bytes) -> dict[str, int]:
        """The fields of the first ``size`` bytes of ``data``."""
        if len(data) < self.size:
            raise ValueError(f"{self.name} needs {self.size} bytes, got {len(data)}")
        word = int.from_bytes(data[: self.size], "little")
        values = {}
        for field in self.fields:
            value = word & ((1 << field.width) - 1)
            if field.signed and value > field.max:
                value -= 1 << field.width
            values[field.name] = value
            word >>= field.width
        return values
