"""Formal proofs of the hardware: ``python -m formal``, or ``make prove``.

A `celosia_hw` block is put into a harness, an Amaranth module with assumptions about its inputs and
assertions about its outputs, and SymbiYosys proves the assertions with Z3 or Bitwuzla.
`docs/trust.md` has the list.
"""

from . import (
    addresses,
    controls,
    link,
    multicycle,
    products,
    queues,
    requantizers,
    results,
    streams,
)
from .proof import Proof

__all__ = ["PROOFS"]

#: What is proven.
PROOFS: list[Proof] = [
    *queues.PROOFS,
    *streams.PROOFS,
    *controls.PROOFS,
    *results.PROOFS,
    *link.PROOFS,
    *requantizers.PROOFS,
    *multicycle.PROOFS,
    *products.PROOFS,
    *addresses.PROOFS,
]
