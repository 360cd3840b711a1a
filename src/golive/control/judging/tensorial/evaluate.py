"""Evaluation of bundles of tensors: arrays with known answers in, Evidence out, as for rows of fields."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from golive.control.judging.measure import BATCHES, LATENCY_RUNS, timed_batches
from golive.control.judging.tensorial.answered import Answered, asked, beside
from golive.control.judging.tensorial.case import Case, case_of, parts_of, subject_of
from golive.control.judging.tensorial.known import Known, known_given, known_in
from golive.control.judging.tensorial.words import Words, output_of
from golive.control.rooms import Rooms, code_version
from golive.domain.bundle import Bundle
from golive.domain.evidence import Evidence, Measure
from golive.domain.judging import Declared
from golive.domain.policy import Policy
from golive.evaluation.roles import BASELINE, CHAMPION, MODEL, Note, note
from golive.evaluation.run import evaluate, measure_latency
from golive.evaluation.sections import with_found, with_sections
from golive.evaluation.subject import Section
from golive.evaluation.tensorial.outputs import output_measures
from golive.evaluation.tensorial.reading import Reading, outputs_of

_VALUES_TIMED, _FEWEST_TIMED = 5_000_000, 50


class _Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says of an evaluation."""

    words: Words
    declared: Declared
    policy: Policy
    against: Bundle | None


def evaluate_arrays_file(
    bundle: Bundle,
    path: Path,
    rooms: Rooms,
    *,
    words: Words | None = None,
    declared: Declared | None = None,
    policy: Policy | None = None,
    against: Bundle | None = None,
) -> Evidence:
    """Measure a bundle of tensors on the arrays of a ``.npz`` file, and attach the evidence.

    Raises:
        DataError: the file cannot be read, or its arrays do not fit the model or one another.
        UsageError: an output is not the model's, or classes do not fit.
    """
    words = words or Words()
    known = known_in(path, bundle.signature, words.truth)
    wish = _Wish(words=words, declared=declared or Declared(), policy=policy or Policy(), against=against)
    return _evaluated(bundle, known, rooms, wish)


def evaluate_arrays(
    bundle: Bundle,
    arrays: Any,
    truth: Any,
    rooms: Rooms,
    *,
    words: Words | None = None,
    declared: Declared | None = None,
    against: Bundle | None = None,
) -> Evidence:
    """Measure a bundle of tensors on arrays by name, or on the only input, and attach the evidence.

    Raises:
        DataError: the arrays do not fit the model or one another.
        UsageError: an output is not the model's, or classes do not fit.
    """
    known = known_given(arrays, truth, bundle.signature)
    wish = _Wish(words=words or Words(), declared=declared or Declared(), policy=Policy(), against=against)
    return _evaluated(bundle, known, rooms, wish)


def _evaluated(bundle: Bundle, known: Known, rooms: Rooms, wish: _Wish) -> Evidence:
    output, chosen = output_of(bundle.signature, wish.words)
    model = asked(bundle, known, rooms, output=output, classes=wish.words.classes)
    champion = beside(bundle, known, rooms, model, wish.against)
    case = case_of(bundle, known, model, champion, declared=wish.declared, policy=wish.policy)
    evidence = _judged(case, rooms, (*chosen, *_absent(case), *model.reading.notes, *champion.notes))
    rooms.bundles.attach_evidence(evidence)
    return evidence


def _judged(case: Case, rooms: Rooms, notes: tuple[Note, ...]) -> Evidence:
    champion = case.champion.bundle
    measured = evaluate(
        bundle=case.bundle.digest,
        task=case.signature.task,
        classes=case.signature.classes,
        truth=case.truth,
        predicted=case.answers[MODEL],
        baseline=case.answers[BASELINE],
        champion=case.answers.get(CHAMPION),
        champion_digest=None if champion is None else champion.digest,
        data_digest=case.known.digest,
        measured_at=rooms.now(),
        code=code_version(),
        size_bytes=case.bundle.size_bytes,
        threshold=case.bundle.manifest.decision.threshold,
        extra_measures=_latencies(case.model),
        declared=case.declared,
        groups=case.independent(),
        each=case.model.predicted.shape[1] if case.several else 1,
    )
    subject = subject_of(case)
    if subject is not None:
        measured = with_sections(measured, subject, parts_of(case.model, subject))
    found = {"tensors": _about(case, notes), "latency": Section(details=_batches(case.model))}
    evidence = msgspec.structs.replace(with_found(measured, found), rows_from="given")
    return msgspec.structs.replace(evidence, rows=_known_rows(case.model.reading)) if case.several else evidence


def _about(case: Case, notes: tuple[Note, ...]) -> Section:
    """Tell what was measured, and of several numbers a row each of them."""
    text = "the baseline is the best constant answer on these rows, as the rows of training are not at hand"
    told = (*notes, note("tensors_baseline", text))
    model = case.model
    details = {"output": model.output, "form": model.reading.form}
    places = outputs_of(case.known.truth) if case.several else None
    if places is None:
        return Section(details=details, notes=told)
    text = "{count} numbers a row are measured together: counts are of numbers, intervals of rows"
    return Section(
        measures=tuple(output_measures(model.reading.truth.astype(np.float64), model.predicted, places)),
        details={**details, "outputs": len(places)},
        notes=(*told, note("tensors_outputs", text, count=len(places))),
    )


def _absent(case: Case) -> list[Note]:
    absent = [name for name in case.declared.columns if name not in case.extra]
    text = "beside the inputs no array of one value a row has the name {columns}, so nothing is measured by it"
    return [note("tensors_absent", text, columns=", ".join(map(repr, absent)))] if absent else []


def _known_rows(reading: Reading) -> int:
    return int(np.isfinite(reading.truth).reshape(len(reading.truth), -1).any(axis=1).sum())


def _latencies(model: Answered) -> list[Measure]:
    one = model.rows.feeds(model.rows.first(1))
    values = sum(array.size for array in one.values())
    runs = int(np.clip(_VALUES_TIMED // max(values, 1), _FEWEST_TIMED, LATENCY_RUNS))
    return measure_latency(lambda: model.opened.run(one), runs)


def _batches(model: Answered) -> dict[str, Any]:
    """Time rows as they come together, at most as many as are asked about at once, in this process."""
    sizes = (model.rows.batch,) if model.rows.filled else [size for size in BATCHES if size <= model.rows.batch]
    feeds = {size: model.rows.feeds(model.rows.first(size)) for size in sizes}
    return timed_batches({size: lambda given=given: model.opened.run(given) for size, given in feeds.items()})  # type: ignore[misc]
