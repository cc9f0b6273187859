"""A page is followed to the letter, and what goes wrong is noticed."""

import os

import pytest
from scripts.first_hour import ROOT, environment, follow, steps
from scripts.transcript import Command

PAGE = (
    '```python title="a.py"\nprint(1)\n```\n\n```console\n$ python3 a.py | grep 1\n'
    "$ export WORD=heard\n$ false   # exit status 1\n$ sleep 1   # takes a second\n```\n"
    "\n```python\nimport os\n\nassert os.environ['WORD'] == 'heard'\n```\n"
)
SERVER = "trap 'exit 0' TERM; echo --port auto; while :; do sleep 0.1; done"


@pytest.fixture
def hour(tmp_path, capfd):
    """Follow a page: (its result, what was printed)."""
    home, folder = tmp_path / "home", tmp_path / "folder"
    home.mkdir()
    folder.mkdir()

    def run(page, *without):
        bad = follow(page, folder, environment(home, os.environ), list(without))
        return bad, capfd.readouterr().out

    return run


def test_all_is_run_in_one_shell(hour):
    bad, said = hour(PAGE)
    assert bad == 0, said
    assert said.count("\n    exit status ") == 5 and "$ python page1.py" in said


def test_it_stops_at_a_wrong_status(hour):
    bad, said = hour(PAGE.replace("# exit status 1", "# takes a second"))
    assert bad == 1 and said.count("$ ") == 3 and "FAILED" in said


def test_a_command_left_out_is_named(hour):
    bad, said = hour("```console\n$ true\n$ false\n```\n", "false")
    assert bad == 0 and "left out: false" in said


def test_another_terminal(hour):
    page = f'```console\n$ bash -c "{SERVER}"   # needs another terminal\n$ true\n```\n'
    bad, said = hour(page)
    assert bad == 0 and "ended: bash" in said
    bad, said = hour(page.replace("echo", "exit 3; echo"))
    assert bad == 1 and "exit status 3" in said


def test_a_command_in_no_console_block_is_noticed():
    with pytest.raises(ValueError, match="no console block"):
        steps("```bash\n$ true\n```\n")


@pytest.mark.parametrize("name", ["README.md", "docs/index.md"])
def test_pages_that_are_followed(name):
    typed = [each.text for each in steps((ROOT / name).read_text()) if isinstance(each, Command)]
    assert any("pip install -e '.[" in text for text in typed)
    assert any("board --simulate icebreaker" in text for text in typed)


def test_the_environment_is_bare(tmp_path):
    own = {
        "PATH": f"{ROOT}/.venv/bin:/v/bin:/usr/bin", "VIRTUAL_ENV": "/v", "XDG_CACHE_HOME": "/c",
        "PYTHONPATH": "x", "MAKEFLAGS": "-j", "CELOSIA_DATA": "data", "PIP_CERT": "c",
    }  # fmt: skip
    env = environment(tmp_path, own)
    assert env["PATH"] == "/usr/bin" and env["HOME"] == str(tmp_path) and env["PIP_CERT"] == "c"
    assert set(env) == {"PATH", "HOME", "COLUMNS", "CELOSIA_DATA", "PIP_CERT"}
    assert env["CELOSIA_DATA"].startswith("/")
