"""Completion in bash, by bash itself."""

import subprocess

import pytest

from celosia.boards import BOARDS


@pytest.fixture
def complete(celosia, tmp_path):
    """What bash offers behind ``words``, the last of which is begun."""
    script = celosia("completion", "bash").out
    (tmp_path / "script").write_text(script)

    def offered(*words: str) -> list[str]:
        line = " ".join(f"'{word}'" for word in words)
        code = (
            f"source ./script; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; "
            "compopt() { :; }; _shtab_celosia; printf '%s\\n' \"${COMPREPLY[@]}\""
        )
        ran = subprocess.run(["bash", "-c", code], cwd=tmp_path, capture_output=True, text=True)
        return ran.stdout.split()

    return offered


def test_commands_options_boards_and_files(complete, tmp_path):
    (tmp_path / "model.npz").write_text("")
    assert complete("celosia", "ex") == ["example", "explore"]
    assert "--calibrate" in complete("celosia", "quantize", "--cal")
    assert complete("celosia", "build", "ice") == ["icebreaker"]
    assert set(complete("celosia", "build", "")) >= set(BOARDS)
    assert complete("celosia", "check", "mod") == ["model.npz"]


def test_without_shtab(celosia, monkeypatch):
    monkeypatch.setattr("celosia.cli.completion.find_spec", lambda name: None)
    ran = celosia("completion", "bash")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == "celosia: completion: this needs shtab; install it with: pip install shtab\n"
