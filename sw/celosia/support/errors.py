"""The exceptions that users see: what is wrong, where, and what to do."""

import contextlib
from collections.abc import Iterator

__all__ = ["CelosiaError", "DoesNotFit", "Unsupported", "located"]


class CelosiaError(Exception):
    """A problem with the user's input or machine, described in one line.

    The command line prints ``str(error)`` without a traceback and exits with ``exit_code``.

    Parameters
    ----------
    what : what is wrong, quoting the offending value.
    where : file, layer, channel or option concerned; ``""`` when there is none.
    todo : what the user can do about it; ``""`` when there is no useful advice.
    """

    exit_code = 2

    def __init__(self, what: str, *, where: str = "", todo: str = ""):
        self.what, self.where, self.todo = what, where, todo
        text = f"{where}: {what}" if where else what
        super().__init__(f"{text}; {todo}" if todo else text)


class DoesNotFit(CelosiaError):
    """A model needs more of some memory than the configuration has (`celosia check`: exit 3)."""


class Unsupported(CelosiaError):
    """An operation or form of it that neither engine nor host runs (`celosia check`: exit 4)."""


@contextlib.contextmanager
def located(where: str) -> Iterator[None]:
    """Prefix the ``where`` of a CelosiaError raised inside with this ``where``."""
    try:
        yield
    except CelosiaError as error:
        inner = f"{where}, {error.where}" if error.where else where
        raise type(error)(error.what, where=inner, todo=error.todo) from error
