"""Formal proofs of the hardware: ``python -m formal``, or ``make prove``.

A `celosia_hw` block is put into a harness, an Amaranth module with assumptions about its inputs and
assertions about its outputs, and SymbiYosys proves the assertions with Z3. `docs/trust.md` has the
list.
"""

from . import addresses, link, products, queues, requantizers, results, streams
from .proof import Proof

__all__ = ["CANDIDATES", "PROOFS"]

_WRITTEN = [
    *queues.PROOFS,
    *streams.PROOFS,
    *results.PROOFS,
    *link.PROOFS,
    *requantizers.PROOFS,
    *products.PROOFS,
    *addresses.PROOFS,
]
_PROVEN = {
    "skid-buffer",
    "queue-of-segments",
    "queue-of-runs",
    "queue-of-ice40",
    "queue-of-results",
    "credits-of-results",
    "reservations",
    "receiver-answers",
    "receiver-reset",
    "requantizer-products",
}
#: What is proven.
PROOFS: list[Proof] = [proof for proof in _WRITTEN if proof.name in _PROVEN]
#: Harnesses that have not been run to their end; they run when named.
CANDIDATES: list[Proof] = [proof for proof in _WRITTEN if proof.name not in _PROVEN]
