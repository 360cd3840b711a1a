"""``golive import``: a model that was trained elsewhere becomes a bundle, with the proof that it answers the same."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from golive import plugins
from golive.control.bringing.bring_tensors import bring_tensors, is_of_arrays
from golive.control.bringing.sample import Sample, read_sample
from golive.control.bringing.trusted import Trusted
from golive.control.packing.package import (
    RUNTIME,
    baseline_file,
    check_answers,
    framework_for,
    prove_and_write,
    table_columns,
)
from golive.control.rooms import Rooms, code_version, environment
from golive.domain.bundle import Bundle, Lineage, Manifest
from golive.domain.digest import digest_of
from golive.domain.evidence import Evidence, Measure
from golive.domain.naming import checked_name
from golive.domain.preparation import Preparation
from golive.errors import DataError, MissingExtraError, NotConvertibleError, NotFoundError, UsageError
from golive.packaging.build import assemble
from golive.packaging.finish import UNFINISHED, Finish, finished, finished_original
from golive.packaging.onnx_file import OnnxFile, tensor_signature
from golive.packaging.parity import Original
from golive.ports import CodeFile, Column, Converted, Float64, ModelFormat

TOLERANCE = 1e-9
_MOST_SHOWN, _MOST_STRANGE = 12, 100
_FAMILIAR = {"sklearn", "numpy", "scipy", "joblib", "pandas", "lightgbm", "xgboost", "catboost"}
"""Libraries whose names every file of a model holds; the others are shown first."""
MOST_PROVED = 20_000
"""Rows of the sample that the proof asks both models for, spread evenly; the profile counts all of them."""


class Brought(msgspec.Struct, frozen=True, kw_only=True):
    """A model that came in."""

    bundle: Bundle
    form: str
    """``table``: rows of named fields; ``tensors``: the graph as it is."""
    notes: tuple[str, ...] = ()


class _Original(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A converted model, and how the one that it was made from is asked."""

    converted: Converted
    predict: Callable[[Any], Float64]
    kind: str
    environment: dict[str, str] = {}
    notes: tuple[str, ...] = ()


def bring(
    path: Path,
    rooms: Rooms,
    *,
    name: str,
    sample: Any = None,
    target: str = "",
    trust: bool = False,
    isolated: bool = False,
    requirements: Path | None = None,
    outputs: Sequence[str] = (),
    open_axes: Mapping[str, Sequence[int]] | None = None,
    finish: Finish = UNFINISHED,
) -> Brought:
    """Read a model file, convert it, prove that it answers the same, and write the bundle.

    Args:
        path: a file or folder of a kind that an installed format reads.
        rooms: where the bundle is written.
        name: what the model is called.
        sample: a table file or a data frame: rows as the model saw them, and their true answers. Of a network's file
            also arrays, by name or in a ``.npz`` file: it then becomes a bundle of tensors.
        target: the column of the sample with the true answers.
        trust: load a file that runs code, in a sandbox.
        isolated: convert nothing; serve such a file as it is, with its code, in a process of its own.
        requirements: with ``isolated``, what the file needs, as ``pip freeze`` lists it; else the versions here.
        outputs: of a network with arrays, names for what it gives.
        open_axes: of a network with arrays, input -> axes whose length is only known of a request.
        finish: what becomes of its numbers before they are answers.

    Raises:
        NotFoundError: there is no such file.
        DataError: no format knows the file, or it is damaged or hostile.
        UsageError: a sample is needed, or ``trust``; the message lists what the file would load.
        NotConvertibleError: a part of the model has no exact form.
        ParityError: the converted model answers differently.
    """
    checked_name(name)
    if requirements is not None and not isolated:
        message = f"{requirements} is for a model in a process of its own; say --isolated too"
        raise UsageError(message)
    model_format = format_for(path)
    if is_of_arrays(sample) and not isolated:
        bundle = bring_tensors(
            path,
            model_format,
            sample,
            rooms,
            name=name,
            target=target,
            outputs=outputs,
            open_axes=open_axes,
            finish=finish,
        )
        return Brought(bundle=bundle, form="tensors")
    if outputs or open_axes:
        message = "names of outputs and open axes are for networks that come in with arrays; give --sample FILE.npz"
        raise UsageError(message)
    model = model_format.read(path)
    if isinstance(model, CodeFile) and model.runs_code and not trust:
        raise UsageError(_untrusted(model))
    if isolated and not isinstance(model, CodeFile):
        message = f"{path} runs no code, so it needs no process of its own; import it without --isolated"
        raise UsageError(message)
    if isinstance(model, OnnxFile) and sample is None:
        if finish != UNFINISHED:
            message = f"{path} comes in as tensors, whose answers are left as they are; give --sample DATA --target COL"
            raise UsageError(message)
        return _as_tensors(path, model, rooms, name, target)
    rows = _needed(sample, target, path)
    if isinstance(model, CodeFile) and isolated:
        bundle, notes = plugins.verb("bringing.isolate_file", "bring_isolated")(
            model, rows, rooms, name=name, requirements=requirements, finish=finish
        )
        return Brought(bundle=bundle, form="table", notes=notes)
    if isinstance(model, CodeFile):
        with Trusted(model) as trusted:
            return _as_table(
                path, _finished(_asked_there(trusted, model, rows), finish), rows, rooms, name, finish.background
            )
    return _as_table(path, _finished(_asked_here(path, model, rows), finish), rows, rooms, name, finish.background)


def format_for(path: Path) -> ModelFormat:
    """Find the format plug-in that knows a file or folder.

    Raises:
        NotFoundError: there is no such file.
        DataError: none does; the message lists those that are installed, and what others need.
    """
    if not path.exists():
        message = f"there is no file {str(path)!r}; check the path"
        raise NotFoundError(message)
    installed, lacking = [], []
    for name in plugins.names("formats"):
        try:
            model_format: ModelFormat = plugins.load("formats", name)
        except MissingExtraError as error:
            lacking.append(f"{name} ({error.message})")
            continue
        installed.append(name)
        if model_format.recognizes(path):
            return model_format
    others = f"; not installed: {', '.join(lacking)}" if lacking else ""
    message = f"{str(path)!r} is no model file that golive reads; installed formats: {', '.join(installed)}{others}"
    raise DataError(message)


def _needed(sample: Any, target: str, path: Path) -> Sample:
    if sample is None or not target:
        message = (
            f"{path} needs --sample DATA --target COL: rows as the model saw them in training, with their true "
            "answers, that give the columns their names and types and that the proof is made on"
        )
        raise UsageError(message)
    return read_sample(sample, target)


def _untrusted(file: CodeFile) -> str:
    # The names that a person should look at must not hide behind those that every model has.
    ordered = sorted(file.loads, key=lambda name: name.partition(".")[0] in _FAMILIAR)
    strange = sum(name.partition(".")[0] not in _FAMILIAR for name in ordered)
    count = max(_MOST_SHOWN, min(strange, _MOST_STRANGE))
    more = f" and {len(ordered) - count} more" if len(ordered) > count else ""
    shown = ", ".join(ordered[:count]) + more
    versions = ", ".join(f"{name} {version}" for name, version in file.saved_by.items())
    written = f" (written by {versions})" if versions else ""
    return (
        f"{file.path}{written} runs code when it is loaded: it would call {shown or 'nothing'}; if you "
        "trust who made it, repeat with --trust (it is then loaded in a sandbox), or save the model as ONNX"
    )


def _asked_here(path: Path, model: Any, rows: Sample) -> _Original:
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
    return _Original(
        converted=converted,
        predict=lambda frame: framework.predict(model, frame),
        kind=": ".join(filter(None, (framework.name, made_by))),
        notes=getattr(model, "notes", ()),
    )


def _asked_there(trusted: Trusted, file: CodeFile, rows: Sample) -> _Original:
    kind = trusted.loaded.kind
    names = trusted.loaded.columns
    absent = [name for name in names if name not in rows.frame.columns]
    if absent:
        message = (
            f"the {kind.rpartition('.')[2]} was fitted on columns that the sample lacks: {', '.join(absent[:10])}; the "
            f"sample has {', '.join(rows.frame.columns[:20])}"
        )
        raise DataError(message)
    frame = rows.frame[list(names)] if names else rows.frame
    return _Original(
        converted=_or_isolated(lambda: trusted.convert(frame, rows.target)),
        predict=lambda other: trusted.predict(other[list(frame.columns)]),
        kind=kind,
        environment={f"{library} of the file": version for library, version in file.saved_by.items()},
        notes=trusted.notes,
    )


def _or_isolated(convert: Callable[[], Converted]) -> Converted:
    """Convert, and where that is not possible name the way that always is."""
    try:
        return convert()
    except NotConvertibleError as error:
        reason = error.message.partition("; or serve it as it is")[0].partition(", or serve it in the isolated")[0]
        message = f"{reason}; or serve it as it is, in a process of its own: --isolated"
        raise NotConvertibleError(message, field=error.field) from error


def _finished(made: _Original, finish: Finish) -> _Original:
    return msgspec.structs.replace(
        made, converted=finished(made.converted, finish), predict=finished_original(made.predict, finish)
    )


def _as_table(path: Path, made: _Original, sample: Sample, rooms: Rooms, name: str, background: int) -> Brought:
    converted = made.converted
    manifest = assemble(
        name,
        converted,
        runtime=RUNTIME,
        lineage=_lineage(path, made.kind, {sample.source: sample.digest}, made.environment),
    )
    complete, answers, left_out = _complete(manifest, sample)
    check_answers(manifest.signature, answers)
    columns = table_columns(manifest.signature, complete)
    count = len(answers)
    chosen = np.unique(np.linspace(0, count - 1, min(MOST_PROVED, count)).astype(np.int64))
    bundle = prove_and_write(
        manifest,
        converted,
        _original(made, sample.frame),
        rooms,
        reference=columns,
        proved_on={field: column[chosen] for field, column in columns.items()},
        baseline=baseline_file(manifest.signature, answers),
        data=sample.digest,
        tolerance=TOLERANCE,
        seed=0,
        background=background,
    )
    return Brought(bundle=bundle, form="table", notes=(*made.notes, *converted.notes, *sample.notes, *left_out))


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


def _original(made: _Original, frame: Any) -> Original:
    """Ask the original with a frame like the sample; a column that is not read stays as in its first row."""

    def ask(rows: dict[str, Column]) -> Float64:
        count = len(next(iter(rows.values())))
        columns: Mapping[str, Any] = {
            name: rows[name] if name in rows else np.repeat(frame[name].to_numpy()[:1], count) for name in frame.columns
        }
        return made.predict(type(frame)(columns))

    return ask


def _as_tensors(path: Path, file: OnnxFile, rooms: Rooms, name: str, target: str) -> Brought:
    signature = tensor_signature(file, target=target)
    manifest = Manifest(
        name=name,
        signature=signature,
        preparation=Preparation(),
        runtime=RUNTIME,
        lineage=_lineage(path, f"onnx: {file.producer}" if file.producer else "onnx", {}),
    )
    bundle = rooms.bundles.write(manifest, {manifest.graph: file.content}, created_at=rooms.now())
    itself = "the graph is the file's, byte for byte, so there is no other answer that it could be compared with"
    note = file.compared or itself
    rooms.bundles.attach_evidence(
        Evidence(
            bundle=bundle.digest,
            kind="parity",
            measured_at=rooms.now(),
            code=code_version(),
            measures=(Measure(name="parity.difference", value=file.difference, better="lower", note=note),),
            details={"form": "tensors", "notes": list(file.notes)},
        )
    )
    return Brought(bundle=bundle, form="tensors", notes=file.notes)


def _lineage(path: Path, kind: str, data: dict[str, str], versions: Mapping[str, str] | None = None) -> Lineage:
    """Say where a model comes from: its file, what it is, the sample, and the libraries here and then."""
    files = {path.name: digest_of(path.read_bytes())} if path.is_file() else {}
    return Lineage(data=files | data, code=code_version(), environment=environment() | dict(versions or {}), model=kind)
