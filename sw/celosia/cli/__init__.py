"""The command line: one file a command, `console`, `options` and `files` for what they share."""

import contextlib
import io
import os
import signal
import sys
import warnings

from celosia.support.errors import CelosiaError

__all__ = ["main"]

#: What shells show for a program ended by the signal.
_INTERRUPTED = 128 + signal.SIGINT
_BROKEN_PIPE = 128 + signal.SIGPIPE


def main(argv: list[str] | None = None) -> int:
    """Run one command; ``argv`` is `sys.argv` without the program when None.

    Returns
    -------
    The exit status: 0; 1 when results differ from the golden model; 2 for a problem with input or
    machine, said in one line on stderr; 130 after Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        # A file name that the terminal cannot show must not end the program.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        status = _command(argv)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt as error:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # impatience must not bring a traceback
        return _say(str(error) or "interrupted", _INTERRUPTED)
    except CelosiaError as error:
        return _say(str(error), error.exit_code)
    except BrokenPipeError:
        _abandon_stdout()
        return _BROKEN_PIPE
    except OSError as error:
        _abandon_stdout()
        where = error.filename or "standard output"
        return _say(f"{where}: {error.strerror or error}", CelosiaError.exit_code)
    except MemoryError:
        return _say("not enough memory; try a smaller engine or fewer images", 2)


def _command(argv: list[str] | None) -> int:
    # Imports take a moment in which Ctrl-C may come, so that they belong inside of `main`.
    from .parser import parse

    try:
        args = parse(argv)
    except SystemExit:  # --help and --version, which end well
        return 0
    with warnings.catch_warnings():
        # Numbers beyond all bounds are refused where they matter, in one line.
        warnings.simplefilter("ignore", RuntimeWarning)
        return args.run(args)


def _say(text: str, status: int) -> int:
    with contextlib.suppress(OSError):
        print("celosia:", " ".join(text.split()), file=sys.stderr, flush=True)
    return status


def _abandon_stdout() -> None:
    """Let what is still buffered go nowhere: Python would complain about it when it exits."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
