"""Proof: what is attached to a bundle about it answering like its original."""

from golive.control.rooms import Rooms
from golive.domain.bundle import Bundle
from golive.domain.evidence import Evidence


def newest_parity(bundle: Bundle, rooms: Rooms) -> Evidence | None:
    """Give the newest proof that a bundle answers like its original, or None."""
    proofs = [evidence for evidence in rooms.bundles.evidence(bundle.digest) if evidence.kind == "parity"]
    return max(proofs, key=lambda evidence: evidence.measured_at, default=None)


def parity_text(bundle: Bundle, rooms: Rooms) -> str:
    """Say how near a bundle is to its original, in a few words."""
    proof = newest_parity(bundle, rooms)
    measure = proof.find("parity.difference") if proof else None
    if measure is None:
        return "no parity proof is attached"
    if not measure.rows:
        # A graph that somebody else wrote: what it was compared with, if with anything.
        return measure.note
    return f"equal to the original on {measure.rows:,} rows (greatest difference {measure.value:.1e})"
