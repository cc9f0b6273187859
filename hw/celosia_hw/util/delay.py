"""Values that wait a fixed number of cycles."""

from amaranth import *

__all__ = ["delay", "delay_valid"]


def delay(m: Module, value, cycles: int, *, name: str, reset: bool = False):
    """``value`` as it was ``cycles`` cycles ago: registers ``name_0``, ``name_1``, ...

    With ``reset`` they are 0 after a reset; else they keep what they have.
    """
    for stage in range(cycles):
        register = Signal(value.shape(), name=f"{name}_{stage}", reset_less=not reset)
        m.d.sync += register.eq(value)
        value = register
    return value


def delay_valid(m: Module, payload, valid: Value, cycles: int, *, name: str, gated: bool = True):
    """``(payload, valid)`` as they were ``cycles`` cycles ago.

    Only ``valid`` is reset. With ``gated`` a payload is registered when it is valid and held
    otherwise; without, in every cycle, which takes less logic where the payload is narrow.
    """
    for stage in range(cycles):
        register = Signal(payload.shape(), name=f"{name}_{stage}", reset_less=True)
        register_valid = Signal(name=f"{name}_valid_{stage}")
        m.d.sync += register_valid.eq(valid)
        if gated:
            with m.If(valid):
                m.d.sync += register.eq(payload)
        else:
            m.d.sync += register.eq(payload)
        payload, valid = register, register_valid
    return payload, valid
