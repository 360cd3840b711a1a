"""The HTML report of a bundle: written beside the state, by bundle, whole or not at all."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from golive.control.packing.proof import newest_parity
from golive.control.rooms import Rooms
from golive.domain.bundle import Bundle
from golive.domain.data_report import DataReport
from golive.domain.digest import short
from golive.domain.evidence import Evidence
from golive.domain.policy import Verdict
from golive.evaluation.pages.phrases import Language
from golive.evaluation.pages.report import render
from golive.store.files import write_whole


def write_report(
    bundle: Bundle,
    evidence: Evidence,
    verdict: Verdict,
    rooms: Rooms,
    *,
    trials: Sequence[Mapping[str, object]] = (),
    data_report: DataReport | None = None,
    lang: Language = "en",
) -> Path:
    """Render what is known about a bundle into ``.golive/reports/NAME-DIGEST.html`` and give its path.

    The page of rows that a person chose is named after them, too.
    """
    text = render(
        manifest=bundle.manifest,
        digest=bundle.digest,
        evidence=evidence,
        verdict=verdict,
        data_report=data_report if data_report is not None else stored_data_report(bundle, rooms),
        trials=trials,
        parity=newest_parity(bundle, rooms),
        lang=lang,
    )
    suffix = "" if lang == "en" else f".{lang}"
    # Rows that somebody chose have a page of their own, beside that of the test rows.
    rows = f"-on-{short(evidence.data)}" if evidence.rows_from == "given" and evidence.data else ""
    path = rooms.home.reports / f"{bundle.name}-{short(bundle.digest)}{rows}{suffix}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text.encode())
    return path


def write_changes(bundle: Bundle, listed: Path, rooms: Rooms) -> Path:
    """Keep the list of changed rows and cells beside the report, as the cache may be deleted; gives its path."""
    path = rooms.home.reports / f"{bundle.name}-{short(bundle.digest)}.changes.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, listed.read_bytes())
    return path


def stored_data_report(bundle: Bundle, rooms: Rooms) -> DataReport | None:
    """Give what cleaning did to the rows behind a bundle, where golive trained it."""
    reports = rooms.bundles.attached(bundle.digest, "data-report")
    return msgspec.json.decode(reports[-1], type=DataReport) if reports else None
