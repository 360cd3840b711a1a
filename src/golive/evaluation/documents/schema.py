"""Schema: the shape of the one JSON document that holds all that is on record about a bundle."""

from typing import Literal

import msgspec

from golive.domain.bundle import Manifest
from golive.domain.data_report import DataReport
from golive.domain.digest import Digest
from golive.domain.evidence import Evidence
from golive.domain.policy import Verdict
from golive.domain.release import Release
from golive.evaluation.documents.known import Known, Source


class EvidenceDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything on record about one bundle."""

    schema: Literal["golive.evidence/1"] = "golive.evidence/1"
    """Grows by fields; another number means that one has changed its meaning."""
    written_at: str
    """ISO 8601, UTC."""
    name: str
    bundle: Digest
    size_bytes: int
    created_at: str
    manifest: Manifest
    """Signature, lineage, decision and preparation."""
    evidence: Evidence
    """The evaluation that a gate goes by."""
    verdict: Verdict
    """That of the release, else one by the rules that hold now."""
    forced: bool
    """Whether a person overruled the gate, now or in any release of this bundle."""
    releases: tuple[Release, ...] = ()
    """Every release of this bundle, oldest first."""
    parity: Evidence | None = None
    """The proof that the bundle answers like what it was made of."""
    data_report: DataReport | None = None
    """What cleaning did to the rows, where golive trained the model."""
    sources: tuple[Source, ...] = ()
    """The records that this was taken from, with the digests that they are stored under."""


def document(known: Known) -> EvidenceDocument:
    """Put what is on record into one value."""
    bundle = known.bundle
    return EvidenceDocument(
        written_at=known.at,
        name=bundle.name,
        bundle=bundle.digest,
        size_bytes=bundle.size_bytes,
        created_at=bundle.created_at,
        manifest=bundle.manifest,
        evidence=known.evidence,
        verdict=known.verdict,
        forced=bool(known.verdict.forced or known.forced),
        releases=known.releases,
        parity=known.parity,
        data_report=known.data_report,
        sources=known.sources(),
    )


def document_json(known: Known) -> str:
    """Write it as JSON with sorted keys."""
    written = msgspec.json.encode(document(known), order="sorted")
    return msgspec.json.format(written, indent=2).decode() + "\n"
