"""The engine's configuration: the only parameters that exist, validated once."""

from dataclasses import asdict, dataclass, fields
from typing import cast

from .integers import ceil_div
from .maps import ADDRESS_BITS
from .ops import Op
from .timing import MULTICYCLE_CYCLES

__all__ = ["Config"]

_RANGES = {
    "rows": (1, 32),
    "cols": (4, 256),
    "lanes": (1, 256),
    "link_bytes": (1, 32),
    "weight_depth": (1, 1 << 20),
    "param_depth": (1, 1 << 16),
    "program_depth": (1, 1 << 12),
    "act_depth": (2, 1 << 16),
    "tables": (0, 16),
    "requantizers": (1, 256),
    "counter_bits": (0, 48),
    "requantizer_cycles": (1, MULTICYCLE_CYCLES),
    "convolution": (0, 1),
    "depthwise": (0, 1),
    "checksum": (0, 1),
}

#: Addresses in a row's activations, in slots.
_ADDRESSES = 1 << ADDRESS_BITS


@dataclass(frozen=True, kw_only=True)
class Config:
    """Shape and memories of one engine.

    Parameters
    ----------
    rows : images in flight, 1..32.
    cols : output channels computed at once, 4..256. The array has ``rows * cols`` multipliers.
    lanes : width of an activation word, in bytes: neighbouring channels; divides ``cols``.
    link_bytes : width of a link word in bytes, a power of two 1..32.
    weight_depth : weight memory, in words of ``cols`` bytes.
    param_depth : parameter memory, in words of ``requantizers`` channels.
    program_depth : program memory, in descriptors.
    act_depth : activation memory of each row, in words of ``lanes`` bytes.
    tables : 256-entry element tables, 0..16.
    requantizers : channels requantized per cycle; divides ``lanes``. All of them if not given, so
        that the drain writes one activation word per cycle.
    counter_bits : width of the performance counters, 0..48; they wrap. With 0 all read as 0.
    requantizer_cycles : cycles between two beats of the requantizers, 1 or 27. The slow ones are
        a third of the size, for small devices.
    convolution : 1 for layers on maps, each row with addresses of its own; 0 for dense layers only.
    depthwise : 1 for layers whose channels do not mix (depthwise convolution, pooling, addition),
        each column with a byte of its own. Needs ``convolution``.
    checksum : 1 for checksums of the memories (`Opcode.CHECKSUM`), by which a driver notices bits
        that have flipped.

    Raises
    ------
    ValueError
        quoting the parameter, its value and its legal range.
    """

    rows: int
    cols: int
    lanes: int
    link_bytes: int
    weight_depth: int
    param_depth: int
    program_depth: int
    act_depth: int
    tables: int
    requantizers: int = cast(int, None)  # until `__post_init__`, if not given
    counter_bits: int = 48
    requantizer_cycles: int = 1
    convolution: int = 0
    depthwise: int = 0
    checksum: int = 0

    def __post_init__(self) -> None:
        if self.requantizers is None:
            object.__setattr__(self, "requantizers", self.lanes)
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise ValueError(f"{name} = {value!r} is not an integer in {low}..{high}")
        if self.cols % self.lanes:
            raise ValueError(f"lanes = {self.lanes} does not divide cols = {self.cols}")
        if self.lanes % self.requantizers:
            raise ValueError(
                f"requantizers = {self.requantizers} does not divide lanes = {self.lanes}"
            )
        if self.requantizer_cycles not in (1, MULTICYCLE_CYCLES):
            raise ValueError(
                f"requantizer_cycles = {self.requantizer_cycles} is neither 1 nor "
                f"{MULTICYCLE_CYCLES}"
            )
        if self.link_bytes & (self.link_bytes - 1):
            raise ValueError(f"link_bytes = {self.link_bytes} is not a power of two")
        if self.depthwise and not self.convolution:
            raise ValueError("depthwise = 1 needs convolution = 1")
        if self.convolution and self.act_depth * self.slots > _ADDRESSES:
            raise ValueError(
                f"act_depth = {self.act_depth} exceeds {_ADDRESSES // self.slots}, what addresses "
                f"of an engine with convolution reach with lanes = {self.lanes}"
            )

    @classmethod
    def default(cls, rows: int = 16, cols: int = 16, **overrides: int) -> "Config":
        """A configuration with all operations and memories for the models of MLPerf Tiny.

        ``lanes`` is the largest divisor of ``cols`` up to 16; the memories hold about 512 KiB of
        weights, 4,096 channels and as many activations per row as addresses reach, 64 KiB.
        ``overrides`` replace any of it; without convolution there is no depthwise convolution
        either, and there are 4 KiB of activations per row.
        """
        _check("cols", cols)
        lanes = overrides.get("lanes") or max(n for n in range(1, 17) if cols % n == 0)
        convolution = overrides.get("convolution", 1)
        chosen = {
            "rows": rows,
            "cols": cols,
            "lanes": lanes,
            "link_bytes": 8,
            "weight_depth": max(1 << 19, 1) // cols,
            "param_depth": 4096 // (overrides.get("requantizers") or lanes),
            "program_depth": 64,
            "act_depth": 4096 // lanes,
            "tables": 4,
            "convolution": convolution,
            "depthwise": convolution,
            "checksum": 1,
        }
        if convolution:
            chosen["act_depth"] = _ADDRESSES >> (lanes - 1).bit_length()
        return cls(**(chosen | overrides))

    @classmethod
    def from_dict(cls, values: dict) -> "Config":
        """The inverse of `to_dict`; unknown and missing names raise ValueError.

        ``checksum`` may be missing, as it is in files that are older than it: there it is 0.
        """
        names = {field.name for field in fields(cls)}
        if set(values) | {"checksum"} != names:
            raise ValueError(f"configuration names differ: {sorted(set(values) ^ names)}")
        return cls(**({"checksum": 0} | values))

    def to_dict(self) -> dict[str, int]:
        return asdict(self)

    @property
    def multipliers(self) -> int:
        return self.rows * self.cols

    @property
    def words_per_tile(self) -> int:
        """Activation words that one tile of ``cols`` channels fills in each row."""
        return self.cols // self.lanes

    @property
    def params_per_tile(self) -> int:
        """Parameter words for the channels of one tile."""
        return self.cols // self.requantizers

    @property
    def beats(self) -> int:
        """Cycles in which the channels of one activation word are requantized."""
        return self.lanes // self.requantizers

    @property
    def ops(self) -> tuple[Op, ...]:
        """The operations that the engine has."""
        if not self.convolution:
            return (Op.DENSE,)
        return (Op.CONVOLUTION, Op.DEPTHWISE) if self.depthwise else (Op.CONVOLUTION,)

    @property
    def byte_bits(self) -> int:
        """Bits of the number of a byte in its activation word."""
        return (self.lanes - 1).bit_length()

    @property
    def slots(self) -> int:
        """Addresses of an activation word: ``lanes`` if that is a power of two, else the next."""
        return 1 << self.byte_bits

    def tiles(self, channels: int) -> int:
        """Tiles of ``cols`` channels that hold ``channels``."""
        return ceil_div(channels, self.cols)

    def words(self, values: int) -> int:
        """Activation words of ``lanes`` bytes that hold ``values``."""
        return ceil_div(values, self.lanes)

    def __str__(self) -> str:
        return f"{self.rows}x{self.cols}"


def _check(name: str, value: int) -> None:
    low, high = _RANGES[name]
    if not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name} = {value!r} is not an integer in {low}..{high}")
