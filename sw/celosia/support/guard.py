"""Ending tools, and removing their folder, when the process that started them is killed."""

import contextlib
import subprocess

__all__ = ["Guard"]

#: Reads numbers of process groups; an empty line forgets them. It reads "done" when all went well,
#: else its input ends because its parent did.
_SCRIPT = """\
while read -r line; do
  case $line in
    done) exit ;;
    "") groups= ;;
    *) groups="$groups -$line" ;;
  esac
done
[ -z "$groups" ] || kill -9 $groups
rm -rf "$0"
"""


class Guard:
    """A shell that outlives a killed process, ends its tools and removes ``folder``.

    A context manager. When the process leaves it in any other way than by being killed, the guard
    does nothing.
    """

    def __init__(self, folder: str):
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", _SCRIPT, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Ctrl-C in a terminal reaches this process's group, which the guard is not in.
            process_group=0,
        )

    def __enter__(self) -> "Guard":
        return self

    def __exit__(self, *exception: object) -> None:
        self._tell("done")
        assert self._shell.stdin is not None
        with contextlib.suppress(OSError):
            self._shell.stdin.close()
        self._shell.wait()

    def watch(self, group: int) -> None:
        """End the process group ``group`` if this process is killed."""
        self._tell(str(group))

    def forget(self) -> None:
        """All that was watched has ended."""
        self._tell("")

    def _tell(self, line: str) -> None:
        assert self._shell.stdin is not None
        # Without its guard a build works all the same.
        with contextlib.suppress(OSError):
            self._shell.stdin.write(f"{line}\n".encode())
            self._shell.stdin.flush()
