"""The one exception family a user ever sees: what is wrong, where, and what to do."""

__all__ = ["CelosiaError", "DoesNotFit", "Unsupported"]


class CelosiaError(Exception):
    """A problem with the user's input or machine, said in one line.

    The command line prints ``str(error)`` without a traceback and exits with ``exit_code``.

    Parameters
    ----------
    what : what is wrong, quoting the offending value.
    where : file, layer, channel or option concerned; ``""`` when there is none.
    todo : what the user can do about it; ``""`` when nothing sensible can be said.
    """

    exit_code = 2

    def __init__(self, what: str, *, where: str = "", todo: str = ""):
        self.what, self.where, self.todo = what, where, todo
        text = f"{where}: {what}" if where else what
        super().__init__(f"{text}; {todo}" if todo else text)


class DoesNotFit(CelosiaError):
    """A model needs more of some memory than the configuration has (`celosia check`: exit 3)."""


class Unsupported(CelosiaError):
    """An operation or a form of it that neither engine nor host runs (`celosia check`: exit 4)."""
