"""Emitted Verilog for people and for other tools: names, a header, waivers of lint."""

import re

__all__ = ["WAIVED", "header", "readable"]

#: Warnings of ``verilator --lint-only -Wall`` about what Yosys writes, and why each is no fault.
WAIVED = {
    "CASEOVERLAP": "patterns with ? overlap; the first one counts, as Amaranth means it",
    "DECLFILENAME": "one file has all modules",
    "PROCASSINIT": "registers have initial values, which FPGAs load, and a reset",
    "UNUSEDSIGNAL": "parts of words that a module does not need",
    "VARHIDDEN": "a module's wires are its own, whatever others are called",
    "WIDTHEXPAND": "operands of Amaranth's operators are extended as Verilog extends them",
    "WIDTHTRUNC": "results of Amaranth's operators are cut as Verilog cuts them",
}
#: What Yosys calls what has no name of its own -> plain names, with the same number.
_NAMES = (
    (r"\\\$procmux\$(\d+)_Y ", "next_{} "),
    (r"\\\$procmux\$(\d+)_CMP ", "case_{} "),
    (r"\\\$procmux\$(\d+)_CTRL ", "cases_{} "),
    (r"\\\$auto\$opt_dff\.cc:\d+:make_patterns_logic\$(\d+) ", "enable_{} "),
    (r"\\\$auto\$opt_dff\.cc:\d+:combine_resets\$(\d+) ", "clear_{} "),
    (r"\\\$auto\$ff\.cc:\d+:slice\$(\d+) ", "slice_{} "),
    (r"\\\$auto\$rtlil\.cc:\d+:Not\$(\d+) ", "not_{} "),
    (r"\\\$signal\$(\d+) ", "signal_{} "),
    (r"\\\$(\d+) ", "expr_{} "),
    (r"\bprocmux_(\d+) ", "choose_{} "),
)


def readable(text: str, top: str, name: str) -> str:
    """``text`` of `celosia_hw.emit` with the modules of ``top`` called ``name`` and plain names.

    The next value of a register becomes ``next_N``, the enable that gates it ``enable_N``, its
    reset ``clear_N``, the match of a case ``case_N``, its choice ``choose_N``, and an expression
    ``expr_N``; N is the number that Yosys gave it. Ports and registers keep their names. When one
    of these names is in use already, all of its kind stay as they are.
    """
    words = set(re.findall(r"[A-Za-z_]\w*", text))
    for pattern, plain in _NAMES:
        numbers = set(re.findall(pattern, text))
        if any(plain.format(n).strip() in words for n in numbers):
            continue
        text = re.sub(pattern, lambda found, plain=plain: plain.format(found[1]), text)
    if name != top:
        text = re.sub(rf"(?<=\\){top}(?=\.)", name, text)
        text = re.sub(rf"(?m)^module {top}(?=\()", f"module {name}", text)
    return text


def header(name: str, version: str, config: dict[str, int], axi: bool) -> str:
    """Comment at the top of a file: what it is, its configuration, licence, ports; and the waivers.

    Parameters
    ----------
    name : of the top module.
    version : of Celosia.
    config : `Config.to_dict` of the engine.
    axi : whether its ports are those of AXI.
    """
    width = max(map(len, config))
    bits = 8 * config["link_bytes"]
    lines = [
        f"{name}: int8 neural-network engine, written by Celosia {version}.",
        "SPDX-License-Identifier: Apache-2.0",
        "",
        "Configuration:",
        *(f"  {key:{width}}  {value}" for key, value in config.items()),
        "",
        "Ports:",
        *(f"  {line}" for line in (_axi_ports(bits) if axi else _ports(bits))),
        "",
        "Frames on the link: docs/interfaces.md of Celosia; Python's celosia.driver makes them.",
    ]
    waivers = [f"/* verilator lint_off {rule} */  // {why}" for rule, why in WAIVED.items()]
    return "\n".join([*(f"// {line}".rstrip() for line in lines), "", *waivers, "", ""])


def _ports(bits: int) -> list[str]:
    return [
        "clk                 clock of everything; rising edge",
        "rst                 reset, synchronous, active high, one cycle or more",
        f"i__payload[{bits}:0]    request word; bit {bits} marks the last word of a frame",
        "i__valid, i__ready  a word is taken in a cycle in which both are 1",
        f"o__payload[{bits}:0]    response word; bit {bits} marks the last word of a frame",
        "o__valid, o__ready  a word is given in a cycle in which both are 1",
    ]


def _axi_ports(bits: int) -> list[str]:
    return [
        "aclk, aresetn  clock of everything; reset, synchronous, active low, two cycles or more",
        f"s_axis_t*      AXI4-Stream of requests, {bits} bits",
        f"m_axis_t*      AXI4-Stream of responses, {bits} bits",
        "s_axil_*       AXI4-Lite registers, 32 bits of data, 12 of address",
        "irq            high while an enabled interrupt is pending",
    ]
