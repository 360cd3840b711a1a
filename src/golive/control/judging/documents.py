"""``golive report``: what is on record about a bundle, written as a page, a card or a draft for an office.

Nothing is measured here, and no model is opened.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

import msgspec

from golive.control.here import here_policy, project_folder
from golive.control.judging.gate import deciding_evaluation
from golive.control.judging.report import stored_data_report
from golive.control.packing.proof import newest_parity
from golive.control.project.read import base_of, read_project
from golive.control.project.schema import schema as project_schema
from golive.control.project.schema import schema_of
from golive.control.refs import find_bundle, find_release, serving_release
from golive.control.rooms import Rooms, open_rooms
from golive.control.stored import names_release
from golive.domain.bundle import Bundle
from golive.domain.digest import Digest, digest_of, short
from golive.domain.evidence import Evidence
from golive.domain.naming import split_reference
from golive.domain.policy import Policy
from golive.domain.release import Release
from golive.errors import NotFoundError, UsageError
from golive.evaluation.documents.annex import annex
from golive.evaluation.documents.assessment import assessment
from golive.evaluation.documents.card import card
from golive.evaluation.documents.known import Known
from golive.evaluation.documents.schema import EvidenceDocument, document_json
from golive.evaluation.documents.summary import summary
from golive.evaluation.pages.phrases import Language
from golive.evaluation.pages.report import render
from golive.judge import judge
from golive.store.files import refused, write_whole

Form = Literal["html", "json", "card", "annex-iv", "self-assessment", "markdown"]


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A document."""

    text: str
    path: Path | None
    """Where it is; None where it was not written to a file."""
    forced: bool
    """Whether it is about a bundle that was released against the gate."""


def report(
    reference: str, rooms: Rooms | None = None, *, form: str = "html", output: Path | None = None, lang: Language = "en"
) -> Written:
    """Write a document about a project's newest bundle, or any bundle.

    Args:
        reference: A project folder, or a bundle.
        rooms: Where bundles and releases are; without any, those of the project.
        form: One of :data:`Form`.
        output: Where it is written to; without any, a page of HTML is written into the working folder, and the others
            are given as text only.
        lang: Of the texts; the self-assessment is in Chinese always.

    Raises:
        UsageError: there is no such form, or no text in that language.
        NotFoundError: there is no such bundle, or it was never evaluated.
        UnavailableError: the file cannot be written.
    """
    if form not in get_args(Form):
        message = f"there is no document {form!r}; choose one of {', '.join(get_args(Form))}"
        raise UsageError(message)
    folder = project_folder(reference)
    rooms = rooms or open_rooms(base_of(folder) if folder else None)
    name, policy = (reference, here_policy()) if folder is None else _named(folder)
    known = known_of(name, policy, rooms)
    text = _writers()[form](known, lang)
    if output is None and form == "html":
        output = Path(f"{known.bundle.name}-{short(known.bundle.digest)}.html")
    if output is not None:
        _write(output.absolute(), text)
    return Written(text=text, path=output, forced=bool(known.verdict.forced or known.forced))


def known_of(reference: str, policy: Policy, rooms: Rooms) -> Known:
    """Gather what is on record about a bundle; ``policy`` judges one that was never released.

    Raises:
        NotFoundError: there is no such bundle, or it was never evaluated.
    """
    bundle = find_bundle(reference, rooms)
    evidence = deciding_evaluation(bundle, rooms)
    if evidence is None:
        raise NotFoundError(_unevaluated(bundle))
    releases = tuple(release for release in rooms.ledger.releases(bundle.name) if release.bundle == bundle.digest)
    release = _meant(reference, releases, rooms)
    stored = rooms.bundles.attached(bundle.digest, "evidence")
    parity, data_report = newest_parity(bundle, rooms), stored_data_report(bundle, rooms)
    return Known(
        bundle=bundle,
        evidence=evidence,
        evidence_digest=_digest(evidence, stored),
        parity=parity,
        parity_digest=_digest(parity, stored) if parity else None,
        data_report=data_report,
        data_report_digest=digest_of(rooms.bundles.attached(bundle.digest, "data-report")[-1]) if data_report else None,
        verdict=release.verdict if release else judge(evidence, policy),
        release=release,
        releases=releases,
        at=rooms.now(),
    )


def schema(of: str) -> bytes:
    """Give the JSON Schema of golive.yaml (``project``) or of what ``golive report --to json`` writes (``evidence``).

    Raises:
        UsageError: there is none of that name.
    """
    if of == "project":
        return project_schema()
    if of == "evidence":
        return schema_of(EvidenceDocument, "golive.evidence/1")
    message = f"there is no schema of {of!r}; choose project or evidence"
    raise UsageError(message)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refused(path.parent, error) from error
    write_whole(path, text.encode())


def _writers() -> Mapping[str, Callable[[Known, Language], str]]:
    return {
        "html": _page,
        "json": lambda known, _: document_json(known),
        "card": card,
        "annex-iv": annex,
        "self-assessment": assessment,
        "markdown": summary,
    }


def _page(known: Known, lang: Language) -> str:
    return render(
        manifest=known.bundle.manifest,
        digest=known.bundle.digest,
        evidence=known.evidence,
        verdict=known.verdict,
        data_report=known.data_report,
        parity=known.parity,
        lang=lang,
    )


def _named(folder: Path) -> tuple[str, Policy]:
    project = read_project(folder)
    return project.name, project.gate


def _meant(reference: str, releases: tuple[Release, ...], rooms: Rooms) -> Release | None:
    """Give the release that a reference names, else the newest of the bundle."""
    if names_release(reference):
        name, rest = split_reference(reference)
        return serving_release(name, rooms) if rest == ":serving" else find_release(name, rest[1:], rooms)
    return releases[-1] if releases else None


def _digest(evidence: Evidence, stored: Sequence[bytes]) -> Digest:
    """Name evidence by the bytes that it is stored as: those of an older golive may be written otherwise."""
    return next(digest_of(content) for content in stored if msgspec.json.decode(content, type=Evidence) == evidence)


def _unevaluated(bundle: Bundle) -> str:
    if bundle.signature.task == "tensors":
        return (
            f"{bundle.name} {short(bundle.digest)} was never evaluated, so there is nothing to report; run "
            f"`golive evaluate {bundle.name} --data FILE.npz --truth ARRAY` first"
        )
    return (
        f"{bundle.name} {short(bundle.digest)} was never evaluated, so there is nothing to report; run "
        "`golive evaluate` in its project, or `golive evaluate REF --data FILE`, first"
    )
