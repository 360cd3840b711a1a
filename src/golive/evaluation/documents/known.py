"""Known: all that is on record about a bundle when a document about it is written."""

from typing import Any, Literal

import msgspec

from golive.domain.bundle import Bundle
from golive.domain.data_report import DataReport
from golive.domain.digest import Digest, digest_of_value
from golive.domain.evidence import Evidence
from golive.domain.policy import Verdict
from golive.domain.release import Release

Kind = Literal["evaluation", "parity", "data-report", "bundle", "verdict"]


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A record that figures are taken from."""

    label: str
    """What a figure names it by: ``E1`` the evaluation, ``E2`` the proof that the bundle answers like its original,
    ``D1`` the data report, ``B1`` the bundle, ``V1`` the verdict."""
    kind: Kind
    digest: Digest
    """Of the record's bytes, as they are stored; of a verdict, of its canonical JSON."""
    data: Digest | None = None
    rows: int = 0
    code: str = ""
    at: str = ""
    policy: Digest | None = None


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is on record."""

    bundle: Bundle
    evidence: Evidence
    evidence_digest: Digest
    parity: Evidence | None = None
    parity_digest: Digest | None = None
    data_report: DataReport | None = None
    data_report_digest: Digest | None = None
    verdict: Verdict
    """That of the release, else one by the rules that hold now."""
    release: Release | None = None
    """The one that the verdict is of."""
    releases: tuple[Release, ...] = ()
    """Every release of this bundle, oldest first."""
    at: str
    """When the document is written."""

    @property
    def forced(self) -> tuple[Release, ...]:
        """Those releases that a person forced."""
        return tuple(release for release in self.releases if release.verdict.forced)

    @property
    def other_rows(self) -> bool:
        """Whether the verdict was given on other rows than the evidence is of."""
        return self.verdict.data != self.evidence.data

    def sources(self) -> tuple[Source, ...]:
        """Name the records that there are."""
        lineage, verdict = self.bundle.manifest.lineage, self.verdict
        found = [
            _measured("E1", "evaluation", self.evidence, self.evidence_digest),
            Source(
                label="B1",
                kind="bundle",
                digest=self.bundle.digest,
                rows=lineage.rows,
                code=lineage.code,
                at=self.bundle.created_at,
            ),
            Source(
                label="V1",
                kind="verdict",
                digest=digest_of_value(verdict),
                data=verdict.data,
                rows=verdict.rows,
                at=self.release.created_at if self.release else self.at,
                policy=verdict.policy,
            ),
        ]
        if self.parity is not None and self.parity_digest is not None:
            found.insert(1, _measured("E2", "parity", self.parity, self.parity_digest))
        if self.data_report is not None and self.data_report_digest is not None:
            rows = self.data_report.rows_in
            found.append(Source(label="D1", kind="data-report", digest=self.data_report_digest, rows=rows))
        return tuple(found)

    def record(self, label: str) -> Any:
        """Give a source's record as JSON values; None where there is none."""
        records = {
            "E1": self.evidence,
            "E2": self.parity,
            "B1": self.bundle.manifest,
            "V1": self.verdict,
            "D1": self.data_report,
        }
        return msgspec.to_builtins(records.get(label))


def _measured(label: str, kind: Kind, evidence: Evidence, digest: Digest) -> Source:
    return Source(
        label=label,
        kind=kind,
        digest=digest,
        data=evidence.data,
        rows=evidence.rows,
        code=evidence.code,
        at=evidence.measured_at,
    )
