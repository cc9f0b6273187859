"""Formal proofs of the hardware: ``python -m formal``, or ``make prove``.

A `celosia_hw` block is put into a harness, an Amaranth module with assumptions about its inputs and
assertions about its outputs, and SymbiYosys proves the assertions with Z3. `docs/trust.md` has the
list.
"""

from . import queues, results
from .proof import Proof

__all__ = ["PROOFS"]

#: All proofs, the quick ones of each subject first.
PROOFS: list[Proof] = [*queues.PROOFS, *results.PROOFS]
