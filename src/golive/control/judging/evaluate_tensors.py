"""Evaluation of bundles of tensors: arrays with known answers in, Evidence out, as for rows of fields."""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from golive.control.bringing.bring_tensors import read_arrays
from golive.control.judging.measure import BATCHES, LATENCY_RUNS, timed_batches
from golive.control.judging.tensor_rows import Keep, TensorRows, answers_of, tensor_rows
from golive.control.packing.tensors import OpenTensors, open_tensors
from golive.control.refs import serving_release
from golive.control.rooms import Rooms, code_version
from golive.domain.bundle import Bundle
from golive.domain.digest import Digest, digest_of, digest_of_value, short
from golive.domain.evidence import Evidence, Measure
from golive.domain.judging import Declared
from golive.domain.policy import Policy
from golive.domain.signature import Field, Signature
from golive.errors import DataError, InvalidRowError, NotFoundError, RequestError, UsageError
from golive.evaluation.groups.section import fairness
from golive.evaluation.measured.anomaly import anomaly
from golive.evaluation.measured.calibration import calibration
from golive.evaluation.measured.ranking import ranking
from golive.evaluation.measured.thresholds import thresholds
from golive.evaluation.roles import BASELINE, CHAMPION, MODEL, Note, note
from golive.evaluation.run import baseline_predictions, evaluate, measure_latency
from golive.evaluation.sections import with_found, with_sections
from golive.evaluation.slices.label_noise import label_noise
from golive.evaluation.slices.part import slices
from golive.evaluation.subject import Part, Rows, Section, Subject, Table
from golive.evaluation.tensorial.outputs import output_measures
from golive.evaluation.tensorial.pictures import layouts_of, pooled
from golive.evaluation.tensorial.reading import Reading, brought, finite_rows, form_of, outputs_of, read
from golive.evaluation.tensorial.robustness import tensor_robustness
from golive.ports import Arrays, Column, Float64, Int64

_MOST_BYTES = 2**31
_VALUES_TIMED, _FEWEST_TIMED = 5_000_000, 50
_TRUTHS = ("target", "y", "label", "labels", "truth")


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says of arrays."""

    truth: str = ""
    """The array with the known answers; empty: one called target, y, label, labels or truth."""
    answer: str = ""
    """The output that is measured; empty: the only one, else the one that the bundle predicts."""
    classes: tuple[str, ...] = ()
    """Labels in the order of the answers; empty: 0, 1, 2, and so on."""


class _Known(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Arrays with known answers."""

    arrays: Arrays
    truth: Column
    name: str
    digest: Digest


class _Answered(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A model's answers, and the way to ask for others."""

    opened: OpenTensors
    rows: TensorRows
    output: str
    keep: Keep
    reading: Reading
    predicted: Float64

    def predict(self, table: Table) -> Float64:
        """Ask about other rows; raises InvalidRowError for what the graph cannot take."""
        try:
            given = answers_of(self.opened, self.rows, self.output, keep=self.keep, table=table)
        except RequestError as error:
            raise InvalidRowError(str(error)) from error
        return self.reading.answers(given)


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
    arrays = _read_bounded(path)
    name = _truth_name(arrays, words.truth, bundle.signature, path)
    with path.open("rb") as opened:
        digest = digest_of(opened.read())
    given = {key: array for key, array in arrays.items() if key != name or key in _input_names(bundle.signature)}
    known = _Known(arrays=given, truth=arrays[name], name=name, digest=digest)
    return _measured(bundle, known, rooms, words, declared or Declared(), policy or Policy(), against)


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
    named = arrays if isinstance(arrays, Mapping) else {bundle.signature.tensors[0].name: arrays}
    types = {tensor.name: tensor.dtype for tensor in bundle.signature.tensors if tensor.dtype != "string"}
    held = {str(name): _array(str(name), array, types.get(str(name))) for name, array in named.items()}
    answers = _array("truth", truth, None)
    known = _Known(
        arrays=held, truth=answers, name=str(getattr(truth, "name", None) or "truth"), digest=_digest(held, answers)
    )
    return _measured(bundle, known, rooms, words or Words(), declared or Declared(), Policy(), against)


def refuse_words(bundle: Bundle, words: Words | None) -> None:
    """Refuse words about arrays where a bundle reads rows of fields.

    Raises:
        UsageError: there are any.
    """
    if words is not None and words != Words():
        message = (
            f"{bundle.name} reads rows of fields, whose truth is the column {bundle.signature.target!r}; leave out "
            "truth, answer and classes"
        )
        raise UsageError(message)


def refuse_training(bundle: Bundle, training: object) -> None:
    """Refuse training rows where a bundle reads tensors.

    Raises:
        UsageError: there are any.
    """
    if training is not None:
        message = f"{bundle.name} reads tensors, which are not compared with those of training; leave the latter out"
        raise UsageError(message)


def _measured(
    bundle: Bundle,
    known: _Known,
    rooms: Rooms,
    words: Words,
    declared: Declared,
    policy: Policy,
    against: Bundle | None,
) -> Evidence:
    output = _output_name(bundle.signature, words.answer)
    if known.truth.ndim == 0:
        message = f"the truth {known.name!r} is a single value; give one known answer for each row"
        raise DataError(message)
    rows = tensor_rows(bundle.signature, known.arrays, len(known.truth))
    model = _asked(bundle, rows, rooms, known, output, words.classes)
    champion, beside = _champion(bundle, rooms, against), None
    notes = [
        *_chosen(bundle.signature, output, words.answer),
        *_absent(known, declared, len(known.truth)),
        *model.reading.notes,
    ]
    if champion is not None:
        beside, told = _beside(champion, known, rooms, output, model)
        notes += told
    evidence = _judged(bundle, known, rooms, model, champion, beside, declared=declared, policy=policy, notes=notes)
    rooms.bundles.attach_evidence(evidence)
    return evidence


def _judged(
    bundle: Bundle,
    known: _Known,
    rooms: Rooms,
    model: _Answered,
    champion: Bundle | None,
    beside: Float64 | None,
    *,
    declared: Declared,
    policy: Policy,
    notes: Sequence[Note],
) -> Evidence:
    reading = model.reading
    several = reading.task == "regression" and model.predicted.shape[1] > 1
    answers = {MODEL: model.predicted, BASELINE: _constant(reading)}
    answers |= {} if beside is None else {CHAMPION: beside}
    signature = _as_rows(bundle.signature, reading)
    extra = _extra(known, declared, len(reading.truth))
    truth = reading.truth if reading.task == "classification" else reading.truth.reshape(-1)
    width = model.predicted.shape[1] if reading.task == "classification" else 1
    flat = {role: given.reshape(-1, width) for role, given in answers.items()}
    evidence = evaluate(
        bundle=bundle.digest,
        task=signature.task,
        classes=signature.classes,
        truth=truth,
        predicted=flat[MODEL],
        baseline=flat[BASELINE],
        champion=flat.get(CHAMPION),
        champion_digest=None if champion is None else champion.digest,
        data_digest=known.digest,
        measured_at=rooms.now(),
        code=code_version(),
        size_bytes=bundle.size_bytes,
        threshold=bundle.manifest.decision.threshold,
        extra_measures=_latencies(model),
        declared=declared,
        groups=_groups(extra.get(declared.group), reading, several=several),
    )
    found = {
        "tensors": _about(model, notes, outputs_of(known.truth) if several else None),
        "latency": Section(details=_batches(model)),
    }
    if several:
        return msgspec.structs.replace(with_found(evidence, found), rows=_known_rows(reading), rows_from="given")
    subject = _subject(bundle, signature, model, flat, extra, declared=declared, policy=policy)
    if subject is not None:
        evidence = with_sections(evidence, subject, _parts(model, subject))
    return msgspec.structs.replace(with_found(evidence, found), rows_from="given")


def _asked(
    bundle: Bundle, rows: TensorRows, rooms: Rooms, known: _Known, output: str, classes: tuple[str, ...]
) -> _Answered:
    opened = open_tensors(bundle, rooms.bundles.files(bundle))
    keep = _keeping(known, output)
    given = answers_of(opened, rows, output, keep=keep)
    reading = read(known.truth, given, names=(known.name, output), classes=classes)
    if not finite_rows(reading.truth).any():
        message = f"no value of the truth {known.name!r} is known, so nothing can be measured; give known answers"
        raise DataError(message)
    return _Answered(
        opened=opened, rows=rows, output=output, keep=keep, reading=reading, predicted=reading.answers(given)
    )


def _keeping(known: _Known, output: str) -> Keep:
    """Give what of each answer is kept: of several numbers a row only those that are measured."""
    places = outputs_of(known.truth)
    if places is None:
        return np.asarray
    each = known.truth[0].size

    def keep(given: Column) -> Column:
        flat = given.reshape(len(given), -1)
        if flat.shape[1] != each:
            message = (
                f"the truth {known.name!r} holds {each} numbers a row {list(known.truth.shape)}, and the answer "
                f"{output!r} {flat.shape[1]}; choose the output that it is the truth of"
            )
            raise DataError(message)
        return flat[:, places]

    return keep


def _champion(bundle: Bundle, rooms: Rooms, against: Bundle | None) -> Bundle | None:
    """Give what to compare with: another bundle of tensors, or what serves under the name.

    Raises:
        UsageError: the other bundle reads rows of fields.
    """
    if against is not None:
        if against.signature.task != "tensors":
            message = (
                f"{against.name} {short(against.digest)} reads rows of fields and {bundle.name} tensors; compare "
                "bundles that answer the same question"
            )
            raise UsageError(message)
        return against
    try:
        live = rooms.bundles.open(serving_release(bundle.name, rooms).bundle)
    except NotFoundError:
        return None
    return live if live.digest != bundle.digest and live.signature.task == "tensors" else None


def _beside(
    champion: Bundle, known: _Known, rooms: Rooms, output: str, model: _Answered
) -> tuple[Float64 | None, list[Note]]:
    """Ask the champion about the same rows, where it takes them and gives the same output."""
    reading, names = model.reading, [tensor.name for tensor in champion.signature.outputs]
    text = "the model to compare with does not take these arrays or gives no such {output!r}, and is not measured"
    unmeasured = [note("tensors_champion", text, output=output)]
    if output not in names:
        return None, unmeasured
    try:
        rows = tensor_rows(champion.signature, known.arrays, len(known.truth))
        opened = open_tensors(champion, rooms.bundles.files(champion))
        given = answers_of(opened, rows, output, keep=model.keep)
    except (DataError, RequestError):
        return None, unmeasured
    form = "values" if reading.task == "regression" else form_of(given, len(reading.classes))
    answers = brought(form, reading.classes, given)
    return (answers, []) if answers.shape == model.predicted.shape else (None, unmeasured)


def _constant(reading: Reading) -> Float64:
    """Give the best answer that reads no input, on these very rows: what the model was trained on is not known."""
    if reading.task == "classification":
        return baseline_predictions("classification", reading.truth, reading.classes, len(reading.truth))
    values = reading.truth.astype(np.float64)
    columns = [baseline_predictions("regression", column, (), len(values)) for column in values.T if _any(column)]
    empty = np.full((len(values), 1), np.nan)
    given = iter(columns)
    return np.concatenate([next(given) if _any(column) else empty for column in values.T], axis=1)


def _any(column: Float64) -> bool:
    return bool(np.isfinite(column).any())


def _about(model: _Answered, notes: Sequence[Note], places: Int64 | None) -> Section:
    text = "the baseline is the best constant answer on these rows, as the rows of training are not at hand"
    told = [*notes, note("tensors_baseline", text)]
    if places is None:
        return Section(details={"output": model.output, "form": model.reading.form}, notes=tuple(told))
    text = "{count} numbers a row are measured together: counts are of numbers, intervals of rows"
    return Section(
        measures=tuple(output_measures(model.reading.truth.astype(np.float64), model.predicted, places)),
        details={"output": model.output, "form": model.reading.form, "outputs": len(places)},
        notes=(*told, note("tensors_outputs", text, count=len(places))),
    )


def _subject(
    bundle: Bundle,
    signature: Signature,
    model: _Answered,
    answers: Mapping[str, Float64],
    extra: Table,
    *,
    declared: Declared,
    policy: Policy,
) -> Subject | None:
    """Make the subject of the parts that need no columns; None where an answer is no number."""
    usable = np.flatnonzero(finite_rows(model.reading.truth)).astype(np.int64)
    sound = {role: given[usable] for role, given in answers.items() if np.isfinite(given[usable]).all()}
    if MODEL not in sound:
        return None
    truth = model.reading.truth if signature.task == "classification" else model.reading.truth.reshape(-1)
    return Subject(
        signature=signature,
        decision=bundle.manifest.decision,
        test=Rows(columns={}, extra={name: column[usable] for name, column in extra.items()}, truth=truth[usable]),
        kept=usable,
        answers=sound,
        predict=model.predict,
        declared=declared,
        policy=policy,
    )


def _parts(model: _Answered, subject: Subject) -> dict[str, Part]:
    """Give the parts of an evaluation that make sense of tensors."""
    every = len(subject.kept) == len(model.reading.truth)
    table = {name: array if every else array[subject.kept] for name, array in model.rows.table.items()}
    layouts = layouts_of(table, subject.declared.picture)
    fields = tuple(Field(name=name, dtype="float64") for name in table)

    def seen(columns: Table) -> Subject:
        rows = msgspec.structs.replace(subject.test, columns=columns)
        return msgspec.structs.replace(subject, test=rows)

    stressed = msgspec.structs.replace(seen(table), signature=msgspec.structs.replace(subject.signature, inputs=fields))
    parts: dict[str, Part] = {
        "recalibration": calibration,
        "thresholds": thresholds,
        "anomaly": anomaly,
        "ranking": ranking,
        "fairness": fairness,
        # Labels are doubted where neither the model nor the inputs support them; of images means of fields speak.
        "label_noise": lambda _: label_noise(seen(pooled(table, layouts))),
        "robustness": lambda _: tensor_robustness(stressed, layouts),
    }
    return {**parts, "slices": slices} if subject.test.extra else parts


def _as_rows(signature: Signature, reading: Reading) -> Signature:
    """Say of a bundle of tensors what the parts of an evaluation read of a bundle of rows."""
    return Signature(inputs=(), task=reading.task, target=signature.target, classes=reading.classes)


def _latencies(model: _Answered) -> list[Measure]:
    one = model.rows.feeds(model.rows.first(1))
    values = sum(array.size for array in one.values())
    runs = int(np.clip(_VALUES_TIMED // max(values, 1), _FEWEST_TIMED, LATENCY_RUNS))
    return measure_latency(lambda: model.opened.run(one), runs)


def _batches(model: _Answered) -> dict[str, Any]:
    """Time rows as they come together, at most as many as are asked about at once, in this process."""
    sizes = (model.rows.batch,) if model.rows.filled else [size for size in BATCHES if size <= model.rows.batch]
    feeds = {size: model.rows.feeds(model.rows.first(size)) for size in sizes}
    return timed_batches({size: lambda given=given: model.opened.run(given) for size, given in feeds.items()})  # type: ignore[misc]


def _extra(known: _Known, declared: Declared, rows: int) -> dict[str, Column]:
    """Give the declared columns that stand beside the inputs, in the canonical form."""
    found = {}
    for name in declared.columns:
        array = known.arrays.get(name)
        if array is not None and array.shape == (rows,):
            numbers = array.dtype.kind in "fiub"
            found[name] = array.astype(np.float64) if numbers else np.array([*map(str, array), None], object)[:-1]
    return found


def _groups(declared: Column | None, reading: Reading, *, several: bool) -> Column | None:
    """Say which answers are not independent: of several numbers a row those of the row, or of its group."""
    if not several:
        return declared
    of_rows = np.arange(len(reading.truth), dtype=np.float64) if declared is None else declared
    return np.repeat(of_rows, reading.truth.shape[1])


def _known_rows(reading: Reading) -> int:
    return int(np.isfinite(reading.truth).reshape(len(reading.truth), -1).any(axis=1).sum())


def _output_name(signature: Signature, asked: str) -> str:
    names = [tensor.name for tensor in signature.outputs]
    if asked in names:
        return asked
    if asked:
        message = f"there is no output {asked!r}; the model gives {', '.join(names)}"
        raise UsageError(message)
    if len(names) == 1 or signature.target in names:
        return names[0] if len(names) == 1 else signature.target
    message = f"the model gives {', '.join(names)}; say which is measured: --answer OUTPUT (in Python answer=...)"
    raise UsageError(message)


def _chosen(signature: Signature, output: str, asked: str) -> list[Note]:
    others = ", ".join(tensor.name for tensor in signature.outputs if tensor.name != output)
    if asked or not others:
        return []
    text = "the output {output!r} is measured; the model also gives {others}"
    return [note("tensors_answer", text, output=output, others=others)]


def _absent(known: _Known, declared: Declared, rows: int) -> list[Note]:
    found = _extra(known, declared, rows)
    text = "there is no array {column!r} of one value a row beside the inputs, so nothing is measured by it"
    return [note("tensors_absent", text, column=name) for name in declared.columns if name not in found]


def _input_names(signature: Signature) -> set[str]:
    return {tensor.name for tensor in signature.tensors}


def _truth_name(arrays: Arrays, asked: str, signature: Signature, path: Path) -> str:
    held = ", ".join(f"{name} {array.dtype} {list(array.shape)}" for name, array in arrays.items()) or "nothing"
    if asked:
        if asked in arrays:
            return asked
        message = f"{path} has no array {asked!r}; it holds {held}"
        raise DataError(message)
    usual: tuple[str, ...] = (signature.target, *_TRUTHS)
    found = [name for name in usual if name in arrays and name not in _input_names(signature)]
    if found:
        return found[0]
    message = f"{path} holds {held}; say which is the truth: --truth NAME"
    raise DataError(message)


def _read_bounded(path: Path) -> dict[str, Column]:
    try:
        with zipfile.ZipFile(path) as opened:
            size = sum(member.file_size for member in opened.infolist())
    except (OSError, zipfile.BadZipFile) as error:
        message = (
            f"{path} cannot be read as arrays by name ({error}); a model of tensors is evaluated on what "
            "numpy.savez(path, first_input=array, truth=array) writes"
        )
        raise DataError(message) from error
    if size > _MOST_BYTES:
        message = f"{path} holds {size / 2**30:.1f} GiB of arrays, and at most 2 are read; give fewer rows"
        raise DataError(message)
    try:
        return read_arrays(path)
    except MemoryError as error:
        message = f"{path} says that it holds more than memory does; give fewer rows"
        raise DataError(message) from error


def _array(name: str, values: Any, dtype: str | None) -> Column:
    """Give an array; a list has no type of its own and takes that of the tensor."""
    try:
        return np.asarray(values, dtype=None if hasattr(values, "__array__") else dtype)
    except (TypeError, ValueError, OverflowError) as error:
        message = f"the values of {name!r} are no array ({error}); give rows of one length"
        raise DataError(message) from error


def _digest(arrays: Arrays, truth: Column) -> Digest:
    return digest_of_value([[name, *_named(array)] for name, array in {**arrays, "": truth}.items()])


def _named(array: Column) -> list[Any]:
    if array.dtype.kind == "O":
        return ["text", list(array.shape), [str(value) for value in array.flat]]
    return [str(array.dtype), list(array.shape), digest_of(np.ascontiguousarray(array).tobytes())]
