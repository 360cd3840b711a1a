"""``golive evaluate``: numbers about a bundle, against a dummy and against what is live."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from golive.control.judged import Judged, extra_columns, source_columns, subject_of
from golive.control.package import BASELINE, open_bundle, table_columns, truth_of
from golive.control.project.file import Project
from golive.control.refs import serving_release
from golive.control.rooms import Rooms, code_version
from golive.control.rows_only import refuse_tensors
from golive.control.stages import Say, Stage, kept, key_of, source_digest
from golive.control.train import Trained
from golive.domain.bundle import Bundle
from golive.domain.digest import Digest, digest_of, short
from golive.domain.evidence import Evidence, RowsFrom
from golive.domain.judging import Declared
from golive.errors import DataError, NotFoundError
from golive.evaluation.pages.numbers import number
from golive.evaluation.run import evaluate as measure
from golive.evaluation.run import measure_latency
from golive.evaluation.sections import SECTIONS, with_sections
from golive.evaluation.subject import Rows
from golive.inference.road import Road
from golive.ports import Column, Float64, Int64
from golive.training.fitted import Fitted
from golive.training.recipe import Source
from golive.training.source import read_source

_LATENCY_RUNS = 300


def evaluate(
    project: Project, trained: Trained, bundle: Bundle, rooms: Rooms, *, say: Say, positions: Int64 | None = None
) -> Evidence:
    """Measure a project's bundle on its test rows, or give the evidence that an earlier run attached.

    ``positions`` are those of the test rows that nothing was chosen by; without them it is measured on all.

    Of a bundle that serves under its name, the value that is given (not the one attached) names it as its own champion.
    """
    champion = champion_of(bundle, rooms)
    key = key_of(
        bundle=bundle.digest,
        champion=champion.digest if champion else "",
        rows=trained.key,
        positions=None if positions is None else digest_of(positions.tobytes()),
        declared=project.evaluation,
        policy=project.gate,
        code=source_digest("evaluation", "statistics"),
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
        )
        rooms.bundles.attach_evidence(evidence)
        (folder / "evidence.json").write_bytes(msgspec.json.encode(evidence))

    folder, reused, seconds = kept(rooms.home.cache, "evaluate", key, make)
    evidence = msgspec.json.decode((folder / "evidence.json").read_bytes(), type=Evidence)
    if champion is None and is_champion(bundle, rooms):
        evidence = msgspec.structs.replace(evidence, champion=bundle.digest)
    say(Stage(name="evaluate", text=headline(evidence, trained.metric), seconds=seconds, reused=reused))
    return evidence


def project_judged(project: Project, trained: Trained, fitted: Fitted, bundle: Bundle, chosen: Int64) -> Judged:
    """Give a project's chosen test rows and its training rows, with the declared columns that its model leaves out."""
    frame, signature = source_columns(project, trained), bundle.signature

    def rows(raw: pd.DataFrame, target: Column) -> Rows:
        return Rows(
            columns=table_columns(signature, raw),
            extra={}
            if frame is None
            else extra_columns(frame.loc[raw.index], project.evaluation.columns, signature.names),
            truth=truth_of(signature, np.asarray(target)),
        )

    return Judged(
        rows=rows(fitted.test_raw.iloc[chosen], np.asarray(fitted.test_target)[chosen]),
        training=rows(fitted.train_raw, fitted.train_target),
        declared=project.evaluation,
        policy=project.gate,
    )


def evaluate_table(bundle: Bundle, data: Path, rooms: Rooms, *, declared: Declared | None = None) -> Evidence:
    """Measure any bundle on the rows of a file that holds its target, and attach the evidence.

    Raises:
        UsageError: the bundle reads tensors.
        DataError: the file cannot be read, or lacks the target.
    """
    declared = declared or Declared()
    refuse_tensors(
        bundle,
        f"ask it with golive.load({bundle.name!r}).infer and compare the answers yourself; what you found is the "
        f"reason of `golive deploy {bundle.name} {bundle.name} --force REASON`",
    )
    frame, digest, _ = read_source(Source(file=data.name), data.absolute().parent)
    target = bundle.signature.target
    if target not in frame.columns:
        message = (
            f"{data} has no column {target!r}, which {bundle.name} predicts; its columns are {list(frame.columns)}"
        )
        raise DataError(message)
    evidence = measure_bundle(
        bundle,
        rooms,
        judged=Judged(
            rows=Rows(
                columns=table_columns(bundle.signature, frame),
                extra=extra_columns(frame, declared.columns, bundle.signature.names),
                truth=truth_of(bundle.signature, frame[target].to_numpy()),
            ),
            declared=declared,
        ),
        champion=champion_of(bundle, rooms),
        data=digest,
    )
    rooms.bundles.attach_evidence(evidence)
    return evidence


def champion_of(bundle: Bundle, rooms: Rooms) -> Bundle | None:
    """Give what serves under the bundle's name, unless it is this very bundle or answers another question."""
    try:
        live = rooms.bundles.open(serving_release(bundle.name, rooms).bundle)
    except NotFoundError:
        return None
    asked, now = bundle.signature, live.signature
    same_question = now.task == asked.task and now.data_classes == asked.data_classes
    return live if live.digest != bundle.digest and same_question else None


def is_champion(bundle: Bundle, rooms: Rooms) -> bool:
    """Say whether a bundle is what serves under its name."""
    try:
        return serving_release(bundle.name, rooms).bundle == bundle.digest
    except NotFoundError:
        return False


def measure_bundle(
    bundle: Bundle,
    rooms: Rooms,
    *,
    judged: Judged,
    champion: Bundle | None,
    data: Digest,
    rows_from: RowsFrom = "given",
) -> Evidence:
    """Predict with the bundle, its dummy baseline and the champion on the same rows, compare, and look further."""
    columns, truth = judged.rows.columns, judged.rows.truth
    files = rooms.bundles.files(bundle)
    road = open_bundle(bundle, files)
    predicted = road.columns(columns)
    signature = bundle.signature
    answer = np.array(msgspec.json.decode(files[BASELINE], type=list[float]))
    baseline = np.tile(answer, (len(predicted), 1))
    others = _champion_predictions(champion, rooms, columns)
    evidence = measure(
        bundle=bundle.digest,
        task=signature.task,
        classes=signature.classes,
        truth=truth,
        predicted=predicted,
        baseline=baseline,
        champion=others,
        champion_digest=champion.digest if champion else None,
        champion_threshold=champion.manifest.decision.threshold if champion else None,
        data_digest=data,
        measured_at=rooms.now(),
        code=code_version(),
        size_bytes=bundle.size_bytes,
        threshold=bundle.manifest.decision.threshold,
        extra_measures=measure_latency(_one_row(road, columns), _LATENCY_RUNS),
    )
    subject = subject_of(bundle, files, road, judged, predicted=predicted, baseline=baseline, champion=others)
    whole = evidence if subject is None else with_sections(evidence, subject, SECTIONS)
    return msgspec.structs.replace(whole, rows_from=rows_from)


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


def _champion_predictions(champion: Bundle | None, rooms: Rooms, columns: Mapping[str, Any]) -> Float64 | None:
    if champion is None or not set(champion.signature.names) <= set(columns):
        return None
    return open_bundle(champion, rooms.bundles.files(champion)).columns(columns)


def _one_row(road: Road, columns: Mapping[str, Any]) -> Any:
    row = [_plain(columns[name][0]) for name in road.signature.names]
    return lambda: road.labels(road.rows([row]))


def _plain(value: Any) -> Any:
    plain = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(plain, float) and np.isnan(plain) else plain
