"""Benches of the blocks in `celosia_hw.axi`."""
