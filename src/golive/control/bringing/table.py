"""Tables: a model of rows from elsewhere, converted, and proved on the rows of its sample."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from golive.control.bringing.origin import lineage_of
from golive.control.bringing.sample import Sample, sample_columns
from golive.control.bringing.trusted import Trusted
from golive.control.packing.frameworks import framework_for
from golive.control.packing.opened import table_columns
from golive.control.packing.proof import RUNTIME, Shown, prove_and_write
from golive.control.packing.truth import baseline_file, check_answers
from golive.control.rooms import Rooms
from golive.domain.bundle import Bundle, Manifest
from golive.errors import DataError, NotConvertibleError
from golive.packaging.build import assemble
from golive.packaging.finish import Finish, finished, finished_original
from golive.packaging.onnx_file import OnnxFile
from golive.packaging.parity import Original
from golive.ports import CodeFile, Column, Converted, Float64

TOLERANCE = 1e-9
MOST_PROVED = 20_000
"""Rows of the sample that the proof asks both models for, spread evenly; the profile counts all of them."""


class Made(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A converted model, and how the one that it was made from is asked."""

    converted: Converted
    predict: Callable[[Any], Float64]
    kind: str
    environment: dict[str, str] = {}
    notes: tuple[str, ...] = ()


def made_here(path: Path, model: Any, rows: Sample) -> Made:
    """Convert a model that could be read without running code.

    Raises:
        DataError: the sample does not fit it.
        NotConvertibleError: a part of it has no exact form.
    """
    if isinstance(model, OnnxFile):
        model = msgspec.structs.replace(model, answers=rows.classes, answers_dtype=rows.answers_dtype)
    framework = framework_for(model)
    made_by = model.producer if isinstance(model, OnnxFile) else type(model).__name__
    try:
        converted = framework.convert(model, rows.frame, target=rows.target)
    except (DataError, NotConvertibleError) as error:
        if str(path) in error.message:
            raise
        message = f"{path}: {error.message}"
        raise type(error)(message, field=error.field) from error
    return Made(
        converted=converted,
        predict=lambda frame: framework.predict(model, frame),
        kind=": ".join(filter(None, (framework.name, made_by))),
        notes=getattr(model, "notes", ()),
    )


def made_there(trusted: Trusted, file: CodeFile, rows: Sample) -> Made:
    """Convert a loaded file in its sandbox, which is asked there.

    Raises:
        DataError: the sample lacks a column, or the sandbox ended.
        NotConvertibleError: a part of it has no exact form.
    """
    kind = trusted.loaded.kind
    frame = sample_columns(rows.frame, trusted.loaded.columns, f"the {kind.rpartition('.')[2]}")
    return Made(
        converted=_or_isolated(lambda: trusted.convert(frame, rows.target)),
        predict=lambda other: trusted.predict(other[list(frame.columns)]),
        kind=kind,
        environment={f"{library} of the file": version for library, version in file.saved_by.items()},
        notes=trusted.notes,
    )


def finished_as(made: Made, finish: Finish) -> Made:
    """Say of a converted model and of its original what becomes of their numbers."""
    return msgspec.structs.replace(
        made, converted=finished(made.converted, finish), predict=finished_original(made.predict, finish)
    )


def write_table(
    path: Path, made: Made, sample: Sample, rooms: Rooms, *, name: str, background: int
) -> tuple[Bundle, tuple[str, ...]]:
    """Prove a converted model on the rows of its sample, and write the bundle; with what a person should know.

    Raises:
        DataError: no row of the sample is whole, or the true answers are not of the kind that the model gives.
        ParityError: the converted model answers differently.
    """
    converted = made.converted
    manifest = assemble(
        name,
        converted,
        runtime=RUNTIME,
        lineage=lineage_of(path, made.kind, {sample.source: sample.digest}, made.environment),
    )
    complete, answers, left_out = _complete(manifest, sample)
    check_answers(manifest.signature, answers)
    columns = table_columns(manifest.signature, complete)
    count = len(answers)
    chosen = np.unique(np.linspace(0, count - 1, min(MOST_PROVED, count)).astype(np.int64))
    bundle = prove_and_write(
        manifest,
        converted,
        _asked(made, sample.frame),
        rooms,
        Shown(
            reference=columns,
            proved_on={field: column[chosen] for field, column in columns.items()},
            baseline=baseline_file(manifest.signature, answers),
            data=sample.digest,
            background=background,
        ),
        tolerance=TOLERANCE,
        seed=0,
    )
    return bundle, (*made.notes, *converted.notes, *sample.notes, *left_out)


def _or_isolated(convert: Callable[[], Converted]) -> Converted:
    """Convert, and where that is not possible name the way that always is."""
    try:
        return convert()
    except NotConvertibleError as error:
        reason = error.message.partition("; or serve it as it is")[0].partition(", or serve it in the isolated")[0]
        message = f"{reason}; or serve it as it is, in a process of its own: --isolated"
        raise NotConvertibleError(message, field=error.field) from error


def _complete(manifest: Manifest, sample: Sample) -> tuple[Any, Any, tuple[str, ...]]:
    """Give the rows of the sample that the signature takes, and their answers."""
    whole = np.ones(len(sample.frame), dtype=np.bool_)
    for field in manifest.signature.inputs:
        if not field.nullable and field.name in sample.frame.columns:
            whole &= sample.frame[field.name].notna().to_numpy()
    if not whole.any():
        message = "every row of the sample misses a value that the model cannot do without; give complete rows"
        raise DataError(message)
    lost = int((~whole).sum())
    notes = (f"{lost} rows of the sample miss a value that the model cannot do without, and were left out",)
    return sample.frame.loc[whole], sample.answers[whole], notes if lost else ()


def _asked(made: Made, frame: Any) -> Original:
    """Ask the original with a frame like the sample; a column that is not read stays as in its first row."""

    def ask(rows: dict[str, Column]) -> Float64:
        count = len(next(iter(rows.values())))
        columns: Mapping[str, Any] = {
            name: rows[name] if name in rows else np.repeat(frame[name].to_numpy()[:1], count) for name in frame.columns
        }
        return made.predict(type(frame)(columns))

    return ask
