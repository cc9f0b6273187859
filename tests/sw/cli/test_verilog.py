"""`celosia verilog` for other tools: names, header, lint, two engines in one design, testbench."""

import os
import re
import subprocess

import numpy as np
import pytest

from celosia.cli import main
from celosia.driver.rtl.toolchain import find_toolchain

pytestmark = pytest.mark.simulator

_SMALL = "--convolution 0 --weight-depth 1024 --act-depth 64 --param-depth 16 --tables 1".split()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two engines of different shape, ``one`` with a testbench of the example digits."""
    folder = tmp_path_factory.mktemp("verilog")
    digits, image = folder / "digits", folder / "m.celosia"
    steps = [
        ["example", "digits", "-o", digits],
        ["compile", digits / "model.npz", "--calibrate", digits / "calibration.npy", "-o", image]
        + ["--rows", 1, "--cols", 4, *_SMALL],
        ["verilog", "--rows", 1, "--cols", 8, *_SMALL, "--name", "two", "-o", folder],
    ]
    for step in steps:
        assert main(list(map(str, step))) == 0
    np.save(folder / "x.npy", np.load(digits / "inputs.npy")[:3])
    options = ["--testbench", "--input", folder / "x.npy", "--name", "one", "-o", folder]
    assert main(list(map(str, ["verilog", "--model", image, *options]))) == 0
    run = ["run", image, "--input", folder / "x.npy", "-o", folder / "y.npy"]
    assert main(list(map(str, run))) == 0
    return folder


def _run(folder, *command, env=None):
    ran = subprocess.run(
        list(map(str, command)), cwd=folder, capture_output=True, text=True, timeout=300, env=env
    )
    return ran.returncode, ran.stdout + ran.stderr


def _bench(folder, text=None):
    bench = folder / "one_tb.v"
    if text is not None:
        bench = folder / "other_tb.v"
        bench.write_text(text)
    status, said = _run(folder, "iverilog", "-g2005", "-o", "tb", bench, "one.v")
    assert status == 0, said
    return _run(folder, "./tb")[1].splitlines()


def test_the_testbench_prints_classes_and_passes(made):
    said = _bench(made)
    classes = np.load(made / "y.npy").argmax(axis=1)
    assert said[:-1] == [f"input {k}: class {c}" for k, c in enumerate(classes)]
    assert re.fullmatch(r"PASS: all \d+ bytes are equal, \d+ cycles", said[-1])


def test_the_testbench_fails_when_a_byte_differs(made):
    hex_file = (made / "one_tb_out.hex").read_text()
    words = hex_file.split()
    words[-3] = f"{int(words[-3], 16) ^ 1:x}"
    (made / "damaged.hex").write_text("\n".join(words))
    text = (made / "one_tb.v").read_text().replace("one_tb_out.hex", "damaged.hex")
    assert _bench(made, text)[-1].startswith("FAIL: 1 of ")


def test_two_engines_in_one_design(made):
    ports = "input clk, input rst, input [64:0] a, input av, output [1:0] ar, input br"
    parts = "".join(
        f"  {name} {name}_i(.clk(clk), .rst(rst), .i__payload(a), .i__valid(av), "
        f".i__ready(ar[{k}]), .o__payload(b{k}), .o__valid(bv[{k}]), .o__ready(br));\n"
        for k, name in enumerate(("one", "two"))
    )
    (made / "both.v").write_text(
        f"module both({ports}, output [64:0] b0, output [64:0] b1, output [1:0] bv);\n"
        f"{parts}endmodule\n"
    )
    files = ("both.v", "one.v", "two.v")
    status, said = _run(made, "iverilog", "-g2005", "-s", "both", "-o", "both", *files)
    assert status == 0 and not said, said
    tools = find_toolchain()
    lint = [tools.verilator, "--lint-only", "-Wall", "--top-module", "both", *files]
    status, said = _run(made, *lint, env=os.environ | {"VERILATOR_ROOT": str(tools.root)})
    assert status == 0 and "%" not in said.partition("- V e r i l a t i o n")[0], said


def test_names_and_header(made):
    one = (made / "one.v").read_text()
    assert one.startswith("// one: int8 neural-network engine, written by Celosia ")
    assert "//   cols                4" in one and "SPDX-License-Identifier: Apache-2.0" in one
    assert "procmux" not in one and "$auto$" not in one and "\\celosia" not in one
    modules = [
        re.findall(r"(?m)^module (\S+?)\s*\(", (made / f"{n}.v").read_text())
        for n in ("one", "two")
    ]
    assert not set(modules[0]) & set(modules[1]) and len(modules[0]) > 20


@pytest.mark.parametrize(
    "options, text",
    [
        (("--name", "a b"), "--name: 'a b' is not a Verilog name"),
        (("--testbench",), "--testbench: there is no --model"),
        (("--input", "x.npy"), "--input: there is no --model"),
        (("--model", "m.celosia", "--rows", "2"), "has an engine of its own; leave out the shape"),
        (("--model", "m.celosia", "--input", "x.npy"), "--input: there is no --testbench"),
        (("--model", "m.celosia", "--testbench", "--axi"), "there is none for --axi"),
    ],
)
def test_options_that_contradict(celosia, made, tmp_path, options, text):
    options = [made / each if each.endswith((".celosia", ".npy")) else each for each in options]
    ran = celosia("verilog", *options, "-o", tmp_path / "v")
    assert ran.status == 2 and text in ran.err and not (tmp_path / "v").exists()
