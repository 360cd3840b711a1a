"""``golive evaluate``: numbers about a bundle, against a dummy and against what is live."""

from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from golive.control.judging.announced import Progress, quiet
from golive.control.judging.judged import Judged, file_rows, project_judged
from golive.control.judging.measure import measure_bundle
from golive.control.judging.tensorial.evaluate import evaluate_arrays_file
from golive.control.judging.tensorial.words import Words, refuse_training, refuse_words
from golive.control.project.file import Project
from golive.control.refs import serving_release
from golive.control.rooms import Rooms
from golive.control.stages import Say, Stage, kept, key_of, source_digest
from golive.control.train import Trained
from golive.domain.bundle import Bundle
from golive.domain.digest import digest_of, short
from golive.domain.evidence import Evidence
from golive.domain.judging import Declared
from golive.domain.policy import Policy
from golive.errors import NotFoundError, UsageError
from golive.evaluation.groups.reweighting import reweighted_by
from golive.evaluation.numbers import number
from golive.evaluation.subject import Part, Rows, Section
from golive.ports import Int64
from golive.training.curve import learning_curve
from golive.training.fitted import Fitted
from golive.training.recipe import Cleaning
from golive.training.reweigh import refitted

_CODE = (
    "evaluation",
    "statistics",
    "inference",
    "domain",
    "training",
    "control/judging/measure.py",
    "control/judging/judged.py",
    "control/judging/readable.py",
    "control/judging/refused.py",
)
"""What decides an evaluation, beside the bundle and the rows."""


def evaluate(
    project: Project,
    trained: Trained,
    bundle: Bundle,
    rooms: Rooms,
    *,
    say: Say,
    positions: Int64 | None = None,
    against: Bundle | None = None,
    on_progress: Progress = quiet,
) -> Evidence:
    """Measure a project's bundle on its test rows, or give the evidence that an earlier run attached.

    ``positions`` are those of the test rows that nothing was chosen by; without them it is measured on all. It is
    compared with what is live, or with ``against``.

    Of a bundle that serves under its name, the value that is given (not the one attached) names it as its own champion.
    """
    champion = champion_of(bundle, rooms) if against is None else comparable(bundle, against)
    key = key_of(
        bundle=bundle.digest,
        champion=champion.digest if champion else "",
        rows=trained.key,
        positions=None if positions is None else digest_of(positions.tobytes()),
        declared=project.declared,
        policy=project.gate,
        code=source_digest(*_CODE),
    )

    def make(folder: Path) -> None:
        fitted = trained.fitted()
        chosen = np.arange(len(fitted.test_raw)) if positions is None else positions
        evidence = measure_bundle(
            bundle,
            rooms,
            judged=project_judged(project, trained, fitted, bundle, chosen),
            champion=champion,
            data=trained.data,
            rows_from="test",
            more=_refits(project, fitted),
            on_progress=on_progress,
        )
        rooms.bundles.attach_evidence(evidence)
        (folder / "evidence.json").write_bytes(msgspec.json.encode(evidence))

    folder, reused, seconds = kept(rooms.home.cache, "evaluate", key, make)
    evidence = msgspec.json.decode((folder / "evidence.json").read_bytes(), type=Evidence)
    if against is None and champion is None and is_champion(bundle, rooms):
        evidence = msgspec.structs.replace(evidence, champion=bundle.digest)
    say(Stage(name="evaluate", text=headline(evidence, trained.metric), seconds=seconds, reused=reused))
    return evidence


def _refits(project: Project, fitted: Fitted) -> dict[str, Part]:
    """Give the parts for which the winner is fitted again."""
    parts: dict[str, Part] = {"reweighting": reweighted_by(partial(refitted, fitted))}
    if project.evaluation.learning_curve:
        parts["learning_curve"] = lambda _: Section(details=learning_curve(fitted))
    return parts


class Own(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What a project knows of the rows of its bundle."""

    cleaning: Cleaning | None = None
    """What a wrong value becomes."""
    training: Rows | None = None
    """The rows that the bundle was trained on, where the project trained it."""


def evaluate_table(
    bundle: Bundle,
    data: Path,
    rooms: Rooms,
    *,
    training: Path | None = None,
    own: Own | None = None,
    declared: Declared | None = None,
    policy: Policy | None = None,
    against: Bundle | None = None,
    words: Words | None = None,
    on_progress: Progress = quiet,
) -> Evidence:
    """Measure any bundle on the rows of a file that holds its target, and attach the evidence.

    Args:
        bundle: What is judged.
        data: The rows.
        rooms: Where bundles are, and the evidence goes.
        training: The rows that it was trained on; with them the two can be compared.
        own: What the bundle's project knows of its rows.
        declared: What is known of the rows.
        policy: The gate's rules.
        against: The bundle to compare with; without one, what is live under the name.
        words: Of a bundle of tensors, what the arrays of the file mean.
        on_progress: Of a bundle of rows, is told which part of the evaluation begins.

    Raises:
        UsageError: ``against`` answers another question, or words do not fit the model.
        DataError: the file cannot be read, or lacks the target.
    """
    if bundle.signature.task == "tensors":
        refuse_training(bundle, training)
        return evaluate_arrays_file(bundle, data, rooms, words=words, declared=declared, policy=policy, against=against)
    refuse_words(bundle.name, bundle.signature.target, words)
    declared = declared or Declared()
    own = own or Own()
    read, digest = file_rows(bundle, data, declared, own.cleaning)
    judged = Judged(
        rows=read.rows,
        wrong=read.wrong,
        emptied=read.emptied,
        training=own.training if training is None else file_rows(bundle, training, declared, own.cleaning)[0].sound,
        declared=declared,
        policy=policy or Policy(),
    )
    champion = champion_of(bundle, rooms) if against is None else comparable(bundle, against)
    evidence = measure_bundle(bundle, rooms, judged=judged, champion=champion, data=digest, on_progress=on_progress)
    rooms.bundles.attach_evidence(evidence)
    return evidence


def champion_of(bundle: Bundle, rooms: Rooms) -> Bundle | None:
    """Give what serves under the bundle's name, unless it is this very bundle or answers another question."""
    try:
        live = rooms.bundles.open(serving_release(bundle.name, rooms).bundle)
    except NotFoundError:
        return None
    return live if live.digest != bundle.digest and _same_question(bundle, live) else None


def comparable(bundle: Bundle, other: Bundle) -> Bundle:
    """Give the other bundle where it answers the same question.

    Raises:
        UsageError: it does not.
    """
    if not _same_question(bundle, other):
        message = (
            f"{other.name} {short(other.digest)} predicts {other.signature.target} ({other.signature.task}), and "
            f"{bundle.name} {bundle.signature.target}; compare bundles that answer the same question"
        )
        raise UsageError(message)
    return other


def _same_question(bundle: Bundle, other: Bundle) -> bool:
    asked, now = bundle.signature, other.signature
    return now.task == asked.task and now.data_classes == asked.data_classes


def is_champion(bundle: Bundle, rooms: Rooms) -> bool:
    """Say whether a bundle is what serves under its name."""
    try:
        return serving_release(bundle.name, rooms).bundle == bundle.digest
    except NotFoundError:
        return False


def headline(evidence: Evidence, metric: str) -> str:
    """Say the project's metric (else the first measure) with its interval, and the baseline's."""
    first = evidence.find(metric) or evidence.measures[0]
    base = evidence.find(f"baseline.{first.name}")
    interval = (
        f" [{number(first.lower)} to {number(first.upper)}]"
        if first.lower is not None and first.upper is not None
        else ""
    )
    dummy = f"; dummy baseline {number(base.value)}" if base else ""
    against = f"; champion {short(evidence.champion)}" if evidence.champion else ""
    against = "; the champion itself" if evidence.champion == evidence.bundle else against
    return f"{first.name} {number(first.value)}{interval} on {evidence.rows:,} test rows{dummy}{against}"
