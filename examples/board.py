"""A board over its serial port: ``python examples/board.py PORT`` (or ``auto``).

The board says which engine it has. The model is compiled for it, loaded, and run.
"""

import sys

import numpy as np

import celosia


def network() -> celosia.Network:
    """A small random one; take your own model here."""
    rng = np.random.default_rng(1)
    weights = [rng.normal(size=(16, 8)), rng.normal(size=(8, 4))]
    biases = [np.zeros(8), np.zeros(4)]
    model = celosia.FloatNetwork.from_arrays(weights, biases, ["relu", "none"])
    return celosia.quantize(model, rng.uniform(0, 1, (256, 16)))


def main() -> None:
    port = sys.argv[1] if len(sys.argv) > 1 else "auto"
    x = np.random.default_rng(2).uniform(0, 1, (6, 16)).astype(np.float32)
    with celosia.open("serial", port=port) as board:
        print(f"engine: {board.config}")
        image = celosia.compile(network(), board.config)
        board.load(image)
        scores = board.run(x)
    with celosia.open("golden", image) as golden:
        different = np.count_nonzero(golden.run(x) != scores)
    print(f"results: {scores.shape}, {different} differ from the golden model")


if __name__ == "__main__":
    main()
