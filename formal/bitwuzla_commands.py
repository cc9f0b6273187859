"""Bitwuzla as a command, which SymbiYosys starts; its Python package has only a library.

    python -P bitwuzla_commands.py < commands.smt2

Reads SMT-LIB commands and answers each as soon as it is complete.
"""

import sys

import bitwuzla


def main() -> None:
    if "--help" in sys.argv:
        print("--lang")  # the option by which SymbiYosys knows Bitwuzla's second major version
        return
    options = bitwuzla.Options()
    options.set(bitwuzla.Option.PRODUCE_MODELS, True)
    parser = bitwuzla.Parser(bitwuzla.TermManager(), options)
    command, depth = "", 0
    for line in sys.stdin:
        command += line
        depth += line.count("(") - line.count(")")
        if depth or not command.strip():
            continue
        if command.strip() == "(exit)":
            return
        parser.parse(command, parse_file=False)
        sys.stdout.flush()
        command = ""


if __name__ == "__main__":
    main()
