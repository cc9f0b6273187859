"""The quick proofs, and that a proof finds a planted mistake; `make prove` runs all of them."""

import json
import subprocess
import sys

import pytest
from formal import PROOFS, bitwuzla_commands
from formal.__main__ import main
from formal.solve import solve

pytestmark = pytest.mark.simulator

QUICK = [proof for proof in PROOFS if proof.quick]
#: With a mistake that it must find; `python -m formal --mistakes` plants all of them.
MISTAKES = [("skid-buffer", "buffer_valid"), ("queue-of-ice40", "bypass")]


@pytest.mark.parametrize("proof", QUICK, ids=lambda proof: proof.name)
def test_quick(proof, tmp_path):
    result = solve(proof, tmp_path)
    assert result.good, f"{result.outcome}: {result.file}"


@pytest.mark.parametrize("name, mistake", MISTAKES)
def test_mistake_is_found(name, mistake, tmp_path):
    (proof,) = (proof for proof in PROOFS if proof.name == name)
    result = solve(proof, tmp_path, mistake)
    assert result.outcome == "fail" and result.file.suffix == ".vcd" and result.file.exists()


def test_every_proof_can_fail():
    assert not [proof.name for proof in PROOFS if not proof.mistakes]
    every = [proof.name for proof in PROOFS]
    assert len(set(every)) == len(every)


def test_table(tmp_path, capsys):
    """What fails is named with the file of its counterexample."""
    arguments = ["skid-buffer", "--mistakes", "--folder", str(tmp_path)]
    file = tmp_path / "results.json"
    assert main([*arguments, "--json", str(file)]) == 0
    records = json.loads(file.read_text())
    assert [record["name"] for record in records] == [
        "skid-buffer~buffer_valid",
        "skid-buffer~i__ready",
    ]
    assert all(record["file"].endswith("trace.vcd") for record in records)


def test_bitwuzla_answers_commands_one_by_one():
    """SymbiYosys sends the next one when it has the answer; some are longer than a line."""
    asked = (
        "(set-logic QF_BV)\n(declare-fun x () (_ BitVec 8))\n"
        "(assert\n  (= (bvmul x #x03) #x09))\n(check-sat)\n(get-value (x))\n"
        "(assert (not (= x #x03)))\n(check-sat)\n(exit)\n(check-sat)\n"
    )
    command = [sys.executable, "-P", bitwuzla_commands.__file__, "--lang", "smt2"]
    done = subprocess.run(command, input=asked, stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.split("\n") == ["sat", "((x #b00000011))", "unsat", ""]


def test_unknown_proof(capsys):
    assert main(["nothing"]) == 2
    assert "unknown proof 'nothing'; known: skid-buffer" in capsys.readouterr().err
